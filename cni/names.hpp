// What may be a name: strict sets, because names become file names, aliases of links and lines of
// logs.
#pragma once

#include <string_view>

namespace fairlead::cni {

/// So that network, container and interface fit together into a file's name (255 bytes) and a
/// link's alias (255).
inline constexpr std::size_t kNetworkBytes = 64;
inline constexpr std::size_t kContainerBytes = 160;
inline constexpr std::size_t kSandboxBytes = 4095;  // PATH_MAX less the zero

/// The specification's set for networks and containers: a letter or digit, then also _ . -
bool is_name(std::string_view text, std::size_t most_bytes);
/// 1 to 15 printable ASCII characters without / and :, not "." or "..".
bool is_interface_name(std::string_view text);
/// An absolute path of printable ASCII without spaces and without "..".
bool is_path(std::string_view text, std::size_t most_bytes);
/// Kubernetes' label keys and values, with the prefix of a key.
bool is_label_key(std::string_view text);
bool is_label_value(std::string_view text);

}  // namespace fairlead::cni
