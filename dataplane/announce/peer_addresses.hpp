// Who is at which address: two peers cannot be told apart by anything else.
#pragma once

#include <map>
#include <string>

#include "model/ip.hpp"

namespace fairlead::announce {

class PeerAddresses {
 public:
  /// nullptr: it is now `owner`'s ("BGPPeer a"). Else whose it is.
  const std::string* take(const Ip& address, std::string owner) {
    const auto [entry, is_new] = owners_.try_emplace(address, std::move(owner));
    return is_new ? nullptr : &entry->second;
  }

 private:
  std::map<Ip, std::string> owners_;
};

}  // namespace fairlead::announce
