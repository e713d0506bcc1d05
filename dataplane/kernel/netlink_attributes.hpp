// Walks netlink attributes; libmnl's own loops are C macros that C++ does not accept.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <span>

namespace fairlead {

/// Calls `visit(const nlattr&)` for each attribute of a message behind `header_bytes` of the
/// protocol's own header.
template <class Visit>
void for_each_attribute(const nlmsghdr& message, std::size_t header_bytes, Visit visit) {
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header_bytes));
  const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message));
  for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute))
    visit(*attribute);
}

/// The same for the attributes inside of one.
template <class Visit>
void for_each_nested(const nlattr& nest, Visit visit) {
  const auto* attribute = static_cast<const nlattr*>(mnl_attr_get_payload(&nest));
  const auto* end = reinterpret_cast<const char*>(attribute) + mnl_attr_get_payload_len(&nest);
  for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute))
    visit(*attribute);
}

/// The attributes of a nest by their number; numbers from kCount on are newer than this code, and
/// skipped.
template <std::size_t kCount>
std::array<const nlattr*, kCount> nested_attributes(const nlattr& nest) {
  std::array<const nlattr*, kCount> found{};
  for_each_nested(nest, [&](const nlattr& attribute) {
    if (const auto type = mnl_attr_get_type(&attribute); type < kCount) found[type] = &attribute;
  });
  return found;
}

inline std::span<const std::uint8_t> attribute_bytes(const nlattr& attribute) {
  return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(&attribute)),
          mnl_attr_get_payload_len(&attribute)};
}

}  // namespace fairlead
