// Values of an attachment <-> text.
#include "dataplane/podnet/attachment.hpp"

#include "model/quoted.hpp"

namespace fairlead::podnet {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// -1: not a hexadecimal digit.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  bool good = text.size() == mac.size() * 3 - 1;
  for (std::size_t i = 0; good && i < mac.size(); ++i) {
    const int high = digit_of(text[i * 3]), low = digit_of(text[i * 3 + 1]);
    good = high >= 0 && low >= 0 && (i + 1 == mac.size() || text[i * 3 + 2] == ':');
    mac[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!good) return invalid(quoted(text) + " is not a MAC address (02:00:5e:10:00:01)");
  return mac;
}

std::string to_string(const Mac& mac) {
  std::string text;
  for (const std::uint8_t byte : mac) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string to_string(const AttachmentKey& key) {
  return key.network + "/" + key.container + "/" + key.interface;
}

}  // namespace fairlead::podnet
