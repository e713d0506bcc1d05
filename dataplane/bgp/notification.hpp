// The one message that ends a connection, its numbers, and the text that it may carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

/// `code` and `subcode` are plain numbers, because a peer may send ones that we do not know.
struct Notification {
  std::uint8_t code = 0;
  std::uint8_t subcode = 0;
  Bytes data{};
  bool operator==(const Notification&) const = default;
};

/// IANA's "BGP Error Codes".
enum class ErrorCode : std::uint8_t {
  kMessageHeader = 1,
  kOpen = 2,
  kUpdate = 3,
  kHoldTimerExpired = 4,
  kStateMachine = 5,
  kCease = 6,
  kRouteRefresh = 7,
  kSendHoldTimerExpired = 8,  // RFC 9687
};

/// The subcodes that we send or tell apart. Zero is "unspecific" everywhere.
inline constexpr std::uint8_t kUnspecific = 0;
namespace header_error {  // RFC 4271 6.1
inline constexpr std::uint8_t kNotSynchronized = 1, kBadLength = 2, kBadType = 3;
}
namespace open_error {  // RFC 4271 6.2, 5492 5, 9234 5
inline constexpr std::uint8_t kUnsupportedVersion = 1, kBadPeerAs = 2, kBadIdentifier = 3,
                              kUnsupportedParameter = 4, kUnacceptableHoldTime = 6,
                              kUnsupportedCapability = 7, kRoleMismatch = 11;
}
namespace update_error {  // RFC 4271 6.3
inline constexpr std::uint8_t kMalformedAttributes = 1, kOptionalAttribute = 9,
                              kInvalidNetwork = 10;
}
namespace state_error {  // RFC 6608
inline constexpr std::uint8_t kInOpenSent = 1, kInOpenConfirm = 2, kInEstablished = 3;
}
namespace cease {  // RFC 4486, 8538, 9384
inline constexpr std::uint8_t kMaximumPrefixes = 1, kAdministrativeShutdown = 2,
                              kPeerDeconfigured = 3, kAdministrativeReset = 4,
                              kConnectionRejected = 5, kConfigurationChange = 6, kCollision = 7,
                              kOutOfResources = 8, kHardReset = 9, kBfdDown = 10;
}
namespace refresh_error {  // RFC 7313 5
inline constexpr std::uint8_t kInvalidLength = 1;
}

Notification notification(ErrorCode code, std::uint8_t subcode = kUnspecific, Bytes data = {});

/// Cease. `text` (UTF-8) goes to the peer's operator where `subcode` is a shutdown or a reset (RFC
/// 9003); it is cut after 255 bytes at most, between characters. Other subcodes carry none.
Notification cease_notification(std::uint8_t subcode, std::string_view text = {});

/// The text of a shutdown or a reset: nothing if there is none, if it is longer than the message
/// or no UTF-8. It is the peer's: quote it before it reaches a terminal.
std::optional<std::string> shutdown_text(const Notification& notification);

/// RFC 8538 3.1: ends the session for good although both sides agreed to keep routes over a
/// NOTIFICATION; `reason` is why.
Notification hard_reset(const Notification& reason);
/// What a hard reset carries; nothing for other messages and where it is cut short.
std::optional<Notification> hard_reset_reason(const Notification& notification);

/// "Cease / Administrative Shutdown"; numbers where IANA has no name: "Cease / 77".
std::string describe(const Notification& notification);

}  // namespace fairlead::bgp
