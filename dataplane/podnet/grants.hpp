// What a request gets of the addresses. Pure.
#pragma once

#include <span>
#include <vector>

#include "dataplane/podnet/addresses.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::podnet {

struct Grant {
  std::vector<Ip> ips;          // IPv4 before IPv6
  std::vector<Cursor> cursors;  // of the ranges that they are of
};

/// One address of each family that `pod_cidrs` has, or those that are asked for. All or nothing.
Outcome<Grant> grant_addresses(Addresses& addresses, std::span<const Cidr> pod_cidrs,
                               const AttachmentRequest& request);
/// Could a request that asks for nothing special be granted?
Outcome<> can_grant(const Addresses& addresses, std::span<const Cidr> pod_cidrs);

}  // namespace fairlead::podnet
