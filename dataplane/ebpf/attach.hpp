// The programs at their places: by pinned links, or by clsact filters where devices have no links,
// and at pods' links of ours (fl-…): each tcx link costs an RCU grace period with the lock held
// that all changes of devices need, 25 ms, and a filter 0.05 ms.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/ebpf/interfaces.hpp"
#include "dataplane/kernel/bpf_fs.hpp"
#include "dataplane/kernel/bpf_link.hpp"
#include "dataplane/kernel/bpf_object.hpp"

namespace fairlead::ebpf {

/// Where things are pinned.
struct PinPaths {
  std::string root;   // Options::pin_directory
  std::string links;  // of the generation
  [[nodiscard]] std::string clsact() const { return root + "/clsact"; }
};

class Attachments {
 public:
  struct How {
    XdpMode xdp = XdpMode::kAuto;
    bool tcx = false;
    std::uint32_t priority = 0;  // of filters: the generation's own
    std::vector<std::string> skip_interfaces;
    std::function<void(const Error&)> report;
  };
  /// `object` is loaded and outlives this.
  Attachments(const BpfObject& object, PinPaths paths, How how);

  /// Puts every program that the object has at its place; one that is there already is exchanged
  /// for ours. Returns how many places were written to. In the network namespace of `links`.
  Result<std::size_t> attach_to_cgroup(const CgroupPlace& cgroup);
  enum class Which : std::uint8_t { kAll, kNew };  // kNew: but those where it has succeeded before
  Result<std::size_t> attach_to_links(std::span<const NetworkLink> links, Which which);

  /// Whether every place still has our program: those that are links, three system calls each, and
  /// filters, by netlink. Where the last attach_to_…() did not succeed there is none to have.
  [[nodiscard]] bool has_all_links() const;
  [[nodiscard]] bool has_all_filters() const;

 private:
  struct Place {
    std::string pin;  // name below links; clsact: no file
    BpfHook hook{};
    int target = 0;              // a cgroup's descriptor, an ifindex
    std::uint64_t identity = 0;  // a cgroup's id, an ifindex
    std::uint32_t flags = 0;
  };
  Result<bool> put_link(const Place& place, const BpfProgram& program);
  Result<bool> write_link(const Place& place, const BpfProgram& program) const;
  Result<bool> put_filter(int interface, bool egress, const BpfProgram& program);
  Result<bool> put_traffic(const NetworkLink& link, bool egress);
  Result<bool> put_xdp(const NetworkLink& link);
  Result<> forget_others(std::span<const NetworkLink> links);
  [[nodiscard]] bool has_filters(const NetworkLink& link) const;
  [[nodiscard]] const BpfProgram* find_program(std::string_view name) const;
  [[nodiscard]] ClsactPlace clsact_place(int interface, bool egress) const;

  PinPaths paths_;
  How how_;
  std::map<std::string, BpfProgram, std::less<>> programs_;
  std::map<std::string, std::uint64_t> pinned_;            // pin -> identity of its target
  std::map<std::pair<int, bool>, std::uint32_t> filters_;  // interface, egress -> program's id
  std::map<std::string, std::uint32_t> program_of_pin_;    // pin -> program's id
  std::set<int> attached_;                                 // interfaces where all programs are
  std::set<int> taken_;  // interfaces with somebody else's XDP program, as was reported
};

/// Takes everything of a generation from its places. `links`: its directory.
Result<> detach_all(const PinPaths& paths);
/// Priority of a generation's filters, remembered in its directory: behind those of all others.
Result<std::uint32_t> filter_priority(const std::string& pin_directory,
                                      const std::string& generation);
/// clsact of our making that nobody else uses.
Result<> remove_own_clsact(const PinPaths& paths);

}  // namespace fairlead::ebpf
