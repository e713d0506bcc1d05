// payload of a datagram -> checks in the order of RFC 5880 6.8.6 -> ControlPacket, and back.
#include "dataplane/bfd/packet.hpp"

#include <algorithm>

namespace fairlead::bfd {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kAuthenticationSize = 2;  // at least
// Octet 1, behind the state's two bits.
constexpr std::uint8_t kPoll = 0x20, kFinal = 0x10, kIndependent = 0x08, kAuthentication = 0x04,
                       kDemand = 0x02, kMultipoint = 0x01;
// Where the numbers of four octets begin.
constexpr std::size_t kMine = 4, kYours = 8, kDesiredMinTx = 12, kRequiredMinRx = 16,
                      kRequiredMinEchoRx = 20;

std::uint32_t number_at(ByteView bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes.subspan(at, 4)) number = number << 8 | byte;
  return number;
}

void put_number(Datagram& out, std::size_t at, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i)
    out.at(at + i) = static_cast<std::uint8_t>(number >> (24 - 8 * i));
}

/// What is longer than the field can say is said as the longest.
void put_interval(Datagram& out, std::size_t at, microseconds interval) {
  constexpr microseconds::rep kLongest = 0xffffffff;
  put_number(
      out, at,
      static_cast<std::uint32_t>(std::clamp<microseconds::rep>(interval.count(), 0, kLongest)));
}

}  // namespace

tl::expected<ControlPacket, Refusal> decode(ByteView payload) {
  if (payload.size() < kPacketSize) return tl::unexpected(Refusal::kTooShort);
  const std::uint8_t flags = payload[1];
  const std::size_t length = payload[3];
  const bool authenticated = (flags & kAuthentication) != 0;
  if (payload[0] >> 5 != kVersion) return tl::unexpected(Refusal::kVersion);
  if (length < kPacketSize + (authenticated ? kAuthenticationSize : 0) || length > payload.size())
    return tl::unexpected(Refusal::kLength);
  const ControlPacket packet{
      .diagnostic = static_cast<Diagnostic>(payload[0] & 0x1f),
      .state = static_cast<State>(flags >> 6),
      .poll = (flags & kPoll) != 0,
      .final = (flags & kFinal) != 0,
      .control_plane_independent = (flags & kIndependent) != 0,
      .demand = (flags & kDemand) != 0,
      .multiplier = payload[2],
      .mine = {number_at(payload, kMine)},
      .yours = {number_at(payload, kYours)},
      .desired_min_tx = microseconds(number_at(payload, kDesiredMinTx)),
      .required_min_rx = microseconds(number_at(payload, kRequiredMinRx)),
      .required_min_echo_rx = microseconds(number_at(payload, kRequiredMinEchoRx)),
  };
  if (packet.multiplier == 0) return tl::unexpected(Refusal::kMultiplier);
  if ((flags & kMultipoint) != 0) return tl::unexpected(Refusal::kMultipoint);
  if (packet.mine == Discriminator{}) return tl::unexpected(Refusal::kNoDiscriminator);
  if (packet.yours == Discriminator{} && packet.state != State::kDown &&
      packet.state != State::kAdminDown)
    return tl::unexpected(Refusal::kNoSession);
  if (authenticated) return tl::unexpected(Refusal::kAuthentication);
  return packet;
}

Datagram encode(const ControlPacket& packet) {
  Datagram out{};
  out[0] = static_cast<std::uint8_t>(kVersion << 5 |
                                     (static_cast<std::uint8_t>(packet.diagnostic) & 0x1f));
  out[1] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(packet.state) << 6 |
                                     (packet.poll ? kPoll : 0) | (packet.final ? kFinal : 0) |
                                     (packet.control_plane_independent ? kIndependent : 0) |
                                     (packet.demand ? kDemand : 0));
  out[2] = packet.multiplier;
  out[3] = kPacketSize;
  put_number(out, kMine, packet.mine.number);
  put_number(out, kYours, packet.yours.number);
  put_interval(out, kDesiredMinTx, packet.desired_min_tx);
  put_interval(out, kRequiredMinRx, packet.required_min_rx);
  put_interval(out, kRequiredMinEchoRx, packet.required_min_echo_rx);
  return out;
}

std::string_view to_string(State state) {
  constexpr std::array<std::string_view, 4> kNames{"AdminDown", "Down", "Init", "Up"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view to_string(Diagnostic diagnostic) {
  constexpr std::array<std::string_view, 9> kNames{
      "no diagnostic",
      "control detection time expired",
      "echo function failed",
      "neighbor signaled session down",
      "forwarding plane reset",
      "path down",
      "concatenated path down",
      "administratively down",
      "reverse concatenated path down",
  };
  const auto number = static_cast<std::size_t>(diagnostic);
  return number < kNames.size() ? kNames.at(number) : "unknown diagnostic";
}

std::string_view to_string(Refusal refusal) {
  constexpr std::array<std::string_view, kRefusals> kNames{
      "not sent from the same link (TTL)",
      "too short",
      "another version",
      "a length that cannot be",
      "a detection multiplier of 0",
      "multipoint",
      "no discriminator of the sender",
      "authenticated, which was not agreed on",
      "names no session",
      "names an unknown session",
      "the session is stopped",
  };
  return kNames.at(static_cast<std::size_t>(refusal));
}

}  // namespace fairlead::bfd
