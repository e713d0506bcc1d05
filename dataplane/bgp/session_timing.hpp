// Times that are not configured.
#pragma once

#include <chrono>

namespace fairlead::bgp {

/// RFC 4271 8: how long to wait for an OPEN.
inline constexpr std::chrono::seconds kOpenHoldTime{240};
/// RFC 9687 4: at least this long, and twice the hold time.
inline constexpr std::chrono::minutes kSendHoldTime{8};
/// A session that lasted as long was no failure: pauses begin at their least again.
inline constexpr std::chrono::seconds kStable{60};
/// A transport that has no OPEN yet wins a collision no longer: whoever should read it may be gone.
inline constexpr std::chrono::seconds kOpenPatience{10};
/// Pauses in which the peer's connections are refused as well.
inline constexpr std::chrono::minutes kTooManyPrefixesPause{5};
inline constexpr std::chrono::minutes kNoResourcesPause{1};

}  // namespace fairlead::bgp
