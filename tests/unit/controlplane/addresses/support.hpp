// Pools and wishes in few words.
#pragma once

#include <string>
#include <vector>

#include "controlplane/addresses/address_book.hpp"

namespace fairlead::addresses {

inline Ip ip(std::string_view text) { return parse_ip(text).value(); }

inline AddressPool pool(std::string name, std::initializer_list<std::string> ranges) {
  AddressPool made;
  made.name = std::move(name);
  for (const std::string& text : ranges) made.ranges.push_back(parse_ip_range(text).value());
  return made;
}

inline Wish wish(std::string name, std::vector<Family> families = {Family::kIpv4}) {
  Wish made;
  made.service = {"default", std::move(name)};
  made.families = std::move(families);
  made.ports = {{Protocol::kTcp, Port{80}}};
  return made;
}
inline Wish sharing(std::string name, std::uint16_t port, std::string backend = "") {
  Wish made = wish(std::move(name));
  made.sharing_key = "key";
  made.backend = std::move(backend);
  made.ports = {{Protocol::kTcp, Port{port}}};
  return made;
}
inline Wish asking(std::string name, std::string_view address) {
  Wish made = wish(std::move(name));
  made.requested = {ip(address)};
  return made;
}

}  // namespace fairlead::addresses
