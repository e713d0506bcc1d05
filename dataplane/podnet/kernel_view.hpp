// What the node's side of the kernel holds of all pods, read in one go, and what is put right
// there.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/kernel/netns.hpp"
#include "dataplane/kernel/qdiscs.hpp"
#include "dataplane/kernel/route_reads.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::podnet {

struct KernelView {
  std::vector<LinkDetails> links;           // by name
  std::vector<KernelRoute> routes;          // ours, sorted
  std::vector<KernelNeighbour> neighbours;  // permanent, sorted
  std::map<int, TokenBucket> buckets;       // by device

  [[nodiscard]] const LinkDetails* link(const std::string& name) const;
  [[nodiscard]] bool has_link(const std::string& name) const { return link(name) != nullptr; }
};
Result<KernelView> read_kernel_view();

/// What a link says of itself, if it is a pod's of ours: key by its alias, addresses by its routes.
std::optional<Attachment> attachment_of(const KernelView& view, const LinkDetails& link);

/// True: something differed, and is as it should be now. Its link is there.
Result<bool> restore_host_side(const KernelView& view, const Attachment& attachment);
/// Routes and neighbours go, the link stays. A link that is gone is success.
Result<> remove_host_side(const Attachment& attachment);
/// All links at once; those that are gone are success.
Result<> remove_links(std::span<const Attachment> attachments);

/// The namespace in which it was made, if it is still there.
std::optional<Netns> open_sandbox(const Attachment& attachment);

/// /proc/sys/kernel/random/boot_id.
Result<std::string> read_boot_id();

}  // namespace fairlead::podnet
