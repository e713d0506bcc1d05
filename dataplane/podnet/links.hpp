// One pod's pair of links, with the addresses, routes and neighbours at both ends.
//
//   make:  pair -> the pod's end (up, addresses, gateway) -> the node's end (up, routes,
//   neighbours)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/netns.hpp"
#include "dataplane/kernel/route_batch.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::podnet {

/// "fl-" and 12 hexadecimal digits of the key's SHA-1.
std::string host_link_name(const AttachmentKey& key);
/// 02:fb, and four bytes of the same.
Mac pod_mac(const AttachmentKey& key);
/// All node ends have the same: each pod knows one.
inline constexpr Mac kHostMac{0x02, 0xfa, 0, 0, 0, 1};
/// What a pod's default route leads to: 169.254.1.1 or fe80::1.
Ip gateway(Family family);

/// The alias of the node's end; "" if it would be longer than the kernel takes (255 bytes).
std::string alias_of(const AttachmentKey& key);
std::optional<AttachmentKey> key_of_alias(std::string_view alias);

/// `netns`: the pod's. All or nothing, but for what cleanup the kernel refuses.
Outcome<> make_links(const Attachment& attachment, const Netns& netns);
/// Everything at both ends as make_links() made it, what is missing named.
Outcome<> check_links(const Attachment& attachment, const Netns& netns);

/// What the node's end has of neighbours and routes, besides the link.
void add_host_side(RouteBatch& batch, const Attachment& attachment, int device);
std::vector<KernelRoute> host_routes(const Attachment& attachment, int device);
std::vector<KernelNeighbour> host_neighbours(const Attachment& attachment, int device);

}  // namespace fairlead::podnet
