// What we leave beside objects in the kernel: for `nft list`, which prints types and comments by
// it, and for ourselves. The kernel only stores these bytes: type, length, value, as libnftnl's
// udata.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/kernel/nft_objects.hpp"

namespace fairlead::nft {

/// Bytes that a field has by itself; in a register it is padded to a multiple of four.
std::size_t field_bytes(DataType type);

/// Byte orders of key and data, as nft wants them.
std::vector<std::uint8_t> set_userdata(const Set& set);

/// `comment` is cut to what fits, 250 bytes.
std::vector<std::uint8_t> element_userdata(std::string_view comment);
/// "" without one.
std::string_view element_comment(std::span<const std::uint8_t> userdata);

/// The fingerprint is of a type that nft does not know, and so does not print. `comment`: 120 bytes
/// at most; may be empty.
std::vector<std::uint8_t> rule_userdata(std::uint64_t fingerprint, std::string_view comment);
std::optional<std::uint64_t> rule_fingerprint(std::span<const std::uint8_t> userdata);

}  // namespace fairlead::nft
