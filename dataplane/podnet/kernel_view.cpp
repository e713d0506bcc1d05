// Dumps -> KernelView -> one batch of what is missing.
#include "dataplane/podnet/kernel_view.hpp"

#include <fcntl.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "dataplane/podnet/bandwidth.hpp"
#include "dataplane/podnet/links.hpp"

namespace fairlead::podnet {
namespace {

/// Links that are removed together are in it for that moment.
constexpr std::uint32_t kLeavingGroup = 0xfa1e'ad01;

template <class Row>
bool holds(const std::vector<Row>& rows, const std::vector<Row>& wanted) {
  return std::ranges::all_of(wanted,
                             [&](const Row& row) { return std::ranges::binary_search(rows, row); });
}

bool is_limited(const KernelView& view, const Attachment& attachment, int device) {
  const auto wanted = host_bucket(attachment);
  const auto found = view.buckets.find(device);
  return !wanted || (found != view.buckets.end() && found->second == *wanted);
}

}  // namespace

const LinkDetails* KernelView::link(const std::string& name) const {
  const auto found = std::ranges::lower_bound(links, name, {}, &LinkDetails::name);
  return found == links.end() || found->name != name ? nullptr : &*found;
}

Result<KernelView> read_kernel_view() {
  KernelView view;
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(view.links, read_links(socket));
  std::ranges::sort(view.links, {}, &LinkDetails::name);
  TRY(view.routes, read_own_routes(socket));
  TRY(view.neighbours, read_neighbours(socket, 0));
  TRY(view.buckets, read_token_buckets(socket));
  return view;
}

std::optional<Attachment> attachment_of(const KernelView& view, const LinkDetails& link) {
  if (link.kind != "veth") return std::nullopt;
  const auto key = key_of_alias(link.alias);
  if (!key || host_link_name(*key) != link.name) return std::nullopt;
  Attachment attachment;
  attachment.key = *key;
  attachment.host_mac = link.mac;
  attachment.host_link = link.name;
  attachment.mtu = link.mtu;
  for (const KernelRoute& route : view.routes)
    if (route.device == link.index && !route.via) attachment.ips.push_back(route.destination.base);
  std::ranges::stable_sort(attachment.ips, {}, [](const Ip& ip) { return ip.family(); });
  for (const KernelNeighbour& neighbour : view.neighbours)
    if (neighbour.device == link.index) attachment.pod_mac = neighbour.mac;
  return attachment;
}

Result<bool> restore_host_side(const KernelView& view, const Attachment& attachment) {
  const LinkDetails* link = view.link(attachment.host_link);
  if (link == nullptr) return false;
  if (link->is_up && link->mac == attachment.host_mac && link->mtu == attachment.mtu &&
      holds(view.routes, host_routes(attachment, link->index)) &&
      holds(view.neighbours, host_neighbours(attachment, link->index)) &&
      is_limited(view, attachment, link->index))
    return false;
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  RouteBatch batch;
  batch.change_link(link->index, {.mtu = attachment.mtu, .mac = attachment.host_mac});
  add_host_side(batch, attachment, link->index);
  TRY_VOID(limit_rate(socket, link->index, host_bucket(attachment)));
  TRY_VOID(batch.commit(socket));
  return true;
}

Result<> remove_host_side(const Attachment& attachment) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(const auto link, read_link(socket, attachment.host_link));
  if (!link) return {};
  RouteBatch batch;
  for (const auto& route : host_routes(attachment, link->index)) batch.delete_route(route);
  for (const auto& neighbour : host_neighbours(attachment, link->index))
    batch.delete_neighbour(neighbour);
  return batch.commit(socket);
}

Result<> remove_links(std::span<const Attachment> attachments) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  RouteBatch mark, remove;
  for (const Attachment& attachment : attachments) {
    TRY(const auto link, read_link(socket, attachment.host_link));
    if (link) mark.change_link(link->index, {.group = kLeavingGroup});
  }
  if (mark.empty()) return {};
  // A link that has gone meanwhile cannot be marked, and need not be.
  if (auto marked = mark.commit(socket);
      !marked && marked.error().code != std::errc::no_such_device)
    return marked;
  remove.delete_links_of_group(kLeavingGroup);
  TRY_VOID(remove.commit(socket));
  for (const Attachment& attachment : attachments) {
    TRY(const auto link, read_link(socket, attachment.host_link));
    if (link) return system_error(EBUSY, "remove link " + attachment.host_link);
  }
  return {};
}

std::optional<Netns> open_sandbox(const Attachment& attachment) {
  if (attachment.sandbox.empty() || attachment.netns_cookie == 0) return std::nullopt;
  const Fd fd(::open(attachment.sandbox.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  auto netns = Netns::of(fd);
  if (!netns || netns->cookie() != attachment.netns_cookie) return std::nullopt;
  return *std::move(netns);
}

Result<std::string> read_boot_id() {
  const std::string path = "/proc/sys/kernel/random/boot_id";
  std::ifstream file(path);
  std::string id;
  if (!std::getline(file, id)) return invalid("cannot read " + path);
  return id;
}

}  // namespace fairlead::podnet
