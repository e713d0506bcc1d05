// The BFD control packet of RFC 5880 4.1 as a value, and what makes one worthless.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

namespace fairlead::bfd {

using ByteView = std::span<const std::uint8_t>;
using std::chrono::microseconds;

/// The numbers are the wire's.
enum class State : std::uint8_t { kAdminDown = 0, kDown = 1, kInit = 2, kUp = 3 };
/// "AdminDown", "Down", "Init", "Up".
std::string_view to_string(State state);

/// Why a session went down. A peer may send a number that has no name here.
enum class Diagnostic : std::uint8_t {
  kNone = 0,
  kDetectionTimeExpired = 1,
  kEchoFailed = 2,
  kNeighborSignaledDown = 3,
  kForwardingPlaneReset = 4,
  kPathDown = 5,
  kConcatenatedPathDown = 6,
  kAdministrativelyDown = 7,
  kReverseConcatenatedPathDown = 8,
  kLast = 31,
};
/// RFC 5880's words, in lower case: "control detection time expired".
std::string_view to_string(Diagnostic diagnostic);

/// Names a session among those of one system; 0 is none.
struct Discriminator {
  std::uint32_t number = 0;
  auto operator<=>(const Discriminator&) const = default;
};

struct ControlPacket {
  Diagnostic diagnostic = Diagnostic::kNone;
  State state = State::kDown;
  bool poll = false;
  bool final = false;
  bool control_plane_independent = false;  // lives on when the sender's control plane does not
  bool demand = false;                     // the sender wants no periodic packets
  std::uint8_t multiplier = 0;             // never 0
  Discriminator mine{};                    // of the sender; never 0
  Discriminator yours{};                   // of the receiver, as far as the sender knows it
  microseconds desired_min_tx{0};          // at most 2^32 - 1, as the others
  microseconds required_min_rx{0};         // 0: the sender wants no periodic packets
  microseconds required_min_echo_rx{0};    // 0: the sender answers no echo
  bool operator==(const ControlPacket&) const = default;
};

/// Why a packet counts for nothing: RFC 5880 6.8.6, RFC 5881 5.
enum class Refusal : std::uint8_t {
  kTtl,               // not 255: it came through a router
  kTooShort,          // for the fields that every packet has
  kVersion,           // not 1
  kLength,            // shorter than its fields, or longer than what came
  kMultiplier,        // 0
  kMultipoint,        // the M bit
  kNoDiscriminator,   // of the sender
  kAuthentication,    // the A bit: none was agreed on
  kNoSession,         // names none, in a state that needs one
  kUnknownSession,    // names one that is not ours, or comes from a stranger
  kAdministratively,  // our session is stopped
};
inline constexpr std::size_t kRefusals = 11;
std::string_view to_string(Refusal refusal);

inline constexpr std::size_t kPacketSize = 24;
using Datagram = std::array<std::uint8_t, kPacketSize>;

/// `payload` is that of one UDP datagram. What follows the packet's own length is ignored.
tl::expected<ControlPacket, Refusal> decode(ByteView payload);
Datagram encode(const ControlPacket& packet);

}  // namespace fairlead::bfd
