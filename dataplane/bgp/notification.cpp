// Names for what peers and we complain of, and the text inside a Cease.
#include "dataplane/bgp/notification.hpp"

#include <algorithm>
#include <array>

#include "dataplane/bgp/reader.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::size_t kTextLimit = 255;  // RFC 9003 2

struct Name {
  std::uint8_t code;
  std::uint8_t subcode;  // 0: of the code itself
  std::string_view text;
};

/// IANA, "BGP Error Subcodes"; deprecated ones included, since old peers send them.
constexpr std::array kNames{
    Name{1, 0, "Message Header Error"},
    Name{1, 1, "Connection Not Synchronized"},
    Name{1, 2, "Bad Message Length"},
    Name{1, 3, "Bad Message Type"},
    Name{2, 0, "OPEN Message Error"},
    Name{2, 1, "Unsupported Version Number"},
    Name{2, 2, "Bad Peer AS"},
    Name{2, 3, "Bad BGP Identifier"},
    Name{2, 4, "Unsupported Optional Parameter"},
    Name{2, 5, "Authentication Failure"},
    Name{2, 6, "Unacceptable Hold Time"},
    Name{2, 7, "Unsupported Capability"},
    Name{2, 11, "Role Mismatch"},
    Name{3, 0, "UPDATE Message Error"},
    Name{3, 1, "Malformed Attribute List"},
    Name{3, 2, "Unrecognized Well-known Attribute"},
    Name{3, 3, "Missing Well-known Attribute"},
    Name{3, 4, "Attribute Flags Error"},
    Name{3, 5, "Attribute Length Error"},
    Name{3, 6, "Invalid ORIGIN Attribute"},
    Name{3, 7, "AS Routing Loop"},
    Name{3, 8, "Invalid NEXT_HOP Attribute"},
    Name{3, 9, "Optional Attribute Error"},
    Name{3, 10, "Invalid Network Field"},
    Name{3, 11, "Malformed AS_PATH"},
    Name{4, 0, "Hold Timer Expired"},
    Name{5, 0, "Finite State Machine Error"},
    Name{5, 1, "Unexpected Message in OpenSent"},
    Name{5, 2, "Unexpected Message in OpenConfirm"},
    Name{5, 3, "Unexpected Message in Established"},
    Name{6, 0, "Cease"},
    Name{6, 1, "Maximum Number of Prefixes Reached"},
    Name{6, 2, "Administrative Shutdown"},
    Name{6, 3, "Peer De-configured"},
    Name{6, 4, "Administrative Reset"},
    Name{6, 5, "Connection Rejected"},
    Name{6, 6, "Other Configuration Change"},
    Name{6, 7, "Connection Collision Resolution"},
    Name{6, 8, "Out of Resources"},
    Name{6, 9, "Hard Reset"},
    Name{6, 10, "BFD Down"},
    Name{7, 0, "ROUTE-REFRESH Message Error"},
    Name{7, 1, "Invalid Message Length"},
    Name{8, 0, "Send Hold Timer Expired"},
};

std::string name_of(std::uint8_t code, std::uint8_t subcode) {
  const auto name = std::ranges::find_if(kNames, [=](const Name& candidate) {
    return candidate.code == code && candidate.subcode == subcode;
  });
  if (name != kNames.end()) return std::string(name->text);
  return subcode == 0 ? "error " + std::to_string(code) : std::to_string(subcode);
}

bool is_continuation(char byte) { return (static_cast<std::uint8_t>(byte) & 0xc0) == 0x80; }

/// Bytes of the UTF-8 character that begins with `first`; 0 where none does (RFC 3629 4).
std::size_t character_size(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/// Neither overlong, nor a surrogate, nor past U+10FFFF: the second byte decides.
bool is_second_byte(std::uint8_t first, std::uint8_t second) {
  const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const std::size_t size = character_size(first);
    if (size == 0 || size > text.size()) return false;
    if (size > 1 && !is_second_byte(first, static_cast<std::uint8_t>(text[1]))) return false;
    if (!std::ranges::all_of(text.substr(1, size - 1), is_continuation)) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string_view cut(std::string_view text) {
  if (text.size() <= kTextLimit) return text;
  std::size_t end = kTextLimit;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

bool may_carry_text(std::uint8_t subcode) {
  return subcode == cease::kAdministrativeShutdown || subcode == cease::kAdministrativeReset;
}

bool is_cease(const Notification& notification) {
  return notification.code == static_cast<std::uint8_t>(ErrorCode::kCease);
}

}  // namespace

Notification notification(ErrorCode code, std::uint8_t subcode, Bytes data) {
  return {.code = static_cast<std::uint8_t>(code), .subcode = subcode, .data = std::move(data)};
}

Notification cease_notification(std::uint8_t subcode, std::string_view text) {
  auto result = notification(ErrorCode::kCease, subcode);
  if (!may_carry_text(subcode) || text.empty()) return result;
  text = cut(text);
  result.data.push_back(static_cast<std::uint8_t>(text.size()));
  result.data.insert(result.data.end(), text.begin(), text.end());
  return result;
}

std::optional<std::string> shutdown_text(const Notification& notification) {
  if (!is_cease(notification) || !may_carry_text(notification.subcode)) return std::nullopt;
  Reader reader(notification.data);
  const auto length = reader.u8();
  if (!length || *length == 0) return std::nullopt;
  const auto bytes = reader.bytes(*length);
  if (!bytes) return std::nullopt;
  std::string text(bytes->begin(), bytes->end());
  if (!is_utf8(text)) return std::nullopt;
  return text;
}

Notification hard_reset(const Notification& reason) {
  auto result = notification(ErrorCode::kCease, cease::kHardReset, {reason.code, reason.subcode});
  result.data.insert(result.data.end(), reason.data.begin(), reason.data.end());
  return result;
}

std::optional<Notification> hard_reset_reason(const Notification& notification) {
  if (!is_cease(notification) || notification.subcode != cease::kHardReset) return std::nullopt;
  Reader reader(notification.data);
  const auto code = reader.u8();
  const auto subcode = reader.u8();
  if (!code || !subcode) return std::nullopt;
  return Notification{*code, *subcode, Bytes(reader.rest().begin(), reader.rest().end())};
}

std::string describe(const Notification& notification) {
  auto text = name_of(notification.code, 0);
  if (notification.subcode != 0) text += " / " + name_of(notification.code, notification.subcode);
  return text;
}

}  // namespace fairlead::bgp
