// MAC addresses and keys as text.
#include "dataplane/podnet/attachment.hpp"

#include <fmt/format.h>

#include <charconv>

namespace fairlead::podnet {

Result<Mac> parse_mac(std::string_view text) {
  constexpr std::size_t kTextBytes = 17;
  const auto refused = [&] { return invalid(fmt::format("\"{}\" is no MAC address", text)); };
  if (text.size() != kTextBytes) return refused();
  Mac mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const std::string_view digits = text.substr(3 * i, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), mac[i], 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return refused();
    if (i + 1 < mac.size() && text[3 * i + 2] != ':') return refused();
  }
  return mac;
}

std::string to_string(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

std::string to_string(const AttachmentKey& key) {
  return fmt::format("{}/{}/{}", key.network, key.container, key.interface);
}

}  // namespace fairlead::podnet
