// The versions of the CNI specification that are spoken.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead::cni {

/// In order. 0.3.0 has the values of 0.3.1.
enum class Version : std::uint8_t { k030, k031, k040, k100, k110 };
inline constexpr Version kNewest = Version::k110;
inline constexpr std::array<std::string_view, 5> kVersions = {"0.3.0", "0.3.1", "0.4.0", "1.0.0",
                                                              "1.1.0"};

constexpr std::string_view to_string(Version version) {
  return kVersions[static_cast<std::size_t>(version)];
}
/// nullopt: not spoken.
constexpr std::optional<Version> parse_version(std::string_view text) {
  for (std::size_t i = 0; i < kVersions.size(); ++i) {
    if (kVersions[i] == text) return static_cast<Version>(i);
  }
  return std::nullopt;
}

}  // namespace fairlead::cni
