// Requests to rtnetlink and what their answers are made of; shared by the reads of this folder.
#pragma once

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/route_batch.hpp"
#include "model/ip.hpp"

namespace fairlead::route_messages {

using Request = std::array<char, 256>;

template <class Header>
Header* put_request(Request& request, std::uint16_t type) {
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST;
  return static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
}
inline nlmsghdr& message_of(Request& request) {
  return *reinterpret_cast<nlmsghdr*>(request.data());
}

/// AF_INET or AF_INET6.
inline std::uint8_t family_of(const Ip& ip) { return ip.is_v4() ? AF_INET : AF_INET6; }

inline void put_ip(nlmsghdr* message, std::uint16_t attribute, const Ip& ip) {
  const std::size_t bytes = ip.is_v4() ? 4 : ip.bytes.size();
  mnl_attr_put(message, attribute, bytes, ip.bytes.data() + ip.bytes.size() - bytes);
}

inline std::optional<Ip> ip_of(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  const auto bytes = attribute_bytes(*attribute);
  if (bytes.size() == 4) return ip_from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  Ip ip;
  if (bytes.size() != ip.bytes.size()) return std::nullopt;
  std::ranges::copy(bytes, ip.bytes.begin());
  return ip;
}

inline std::optional<MacBytes> mac_of(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  const auto bytes = attribute_bytes(*attribute);
  MacBytes mac{};
  if (bytes.size() != mac.size()) return std::nullopt;
  std::ranges::copy(bytes, mac.begin());
  return mac;
}

inline std::uint32_t number_of(const nlattr* attribute) {
  return attribute == nullptr ? 0 : mnl_attr_get_u32(attribute);
}

inline std::string text_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  const auto bytes = attribute_bytes(*attribute);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(text.substr(0, text.find('\0')));
}

template <std::size_t kCount>
std::array<const nlattr*, kCount> attributes_of(const nlmsghdr& message, std::size_t header) {
  std::array<const nlattr*, kCount> found{};
  for_each_attribute(message, header, [&](const nlattr& attribute) {
    if (const auto type = mnl_attr_get_type(&attribute); type < kCount) found[type] = &attribute;
  });
  return found;
}

/// Several times if what was dumped changed meanwhile.
template <class Row, class Read>
Result<std::vector<Row>> dump(NetlinkSocket& socket, Request& request, const char* what,
                              Read read) {
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    std::vector<Row> rows;
    auto consistent = socket.dump(message_of(request), [&](const nlmsghdr& reply) -> Result<> {
      read(reply, rows);
      return {};
    });
    if (!consistent) return prefix(std::string("read ") + what, std::move(consistent).error());
    if (!*consistent && attempt < kAttempts) continue;
    return rows;
  }
}

template <class Row>
void sort_unique(std::vector<Row>& rows) {
  std::ranges::sort(rows);
  const auto [first, last] = std::ranges::unique(rows);
  rows.erase(first, last);
}

}  // namespace fairlead::route_messages
