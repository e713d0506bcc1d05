// Programs in their places: cgroups, devices. A link holds its program there as long as the link
// is, and a pin holds the link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Where a program runs: enum bpf_attach_type, with those that are younger than the headers.
enum class BpfHook : std::uint32_t {};
inline constexpr BpfHook kTcxIngress{46};
inline constexpr BpfHook kTcxEgress{47};

/// Whether devices have places for links (Linux 6.6).
bool has_tcx();

struct BpfLinkInfo {
  std::uint32_t type = 0;  // enum bpf_link_type
  std::uint32_t id = 0, program_id = 0;
  std::uint32_t interface = 0;  // tcx, XDP: 0 when the device is gone
  std::uint64_t cgroup = 0;     // 0 when it is gone
};

class BpfLink {
 public:
  /// `target`: a cgroup's file descriptor or an ifindex. `flags`: of BPF_LINK_CREATE.
  static Result<BpfLink> create(int program, int target, BpfHook hook, std::uint32_t flags = 0);
  /// An iterator over the elements of a map.
  static Result<BpfLink> create_iterator(int program, int map);
  static Result<BpfLink> open_pinned(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Exchanges the program; no packet sees neither.
  Result<> update(int program);
  Result<> pin(const std::string& path);
  /// The program runs there no more when this returns. Without it the kernel takes its time, even
  /// when nobody has the link any more.
  Result<> detach();
  [[nodiscard]] Result<BpfLinkInfo> info() const;

 private:
  explicit BpfLink(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// Detaches the link that is pinned here, and removes the pin. Success if there is none.
Result<> remove_pinned_link(const std::string& path);

/// A filter of clsact, for devices of kernels without tcx.
struct ClsactPlace {
  int interface = 0;
  bool egress = false;
  std::uint32_t handle = 0, priority = 0;
};
/// True: the device had no clsact, and has one now.
Result<bool> ensure_clsact(int interface);
/// Replaces what is at this handle and priority.
Result<> attach_clsact(const ClsactPlace& place, int program);
/// The program's id there; nullopt: none.
Result<std::optional<std::uint32_t>> find_clsact(const ClsactPlace& place);
/// Succeeds if there is none, or no device.
Result<> detach_clsact(const ClsactPlace& place);
/// Whether anybody's filter is at the device's clsact.
Result<bool> has_clsact_filters(int interface);
/// The qdisc with all of its filters. Succeeds if there is none.
Result<> remove_clsact(int interface);

/// Ids of the programs that run at a hook of a cgroup or device (`target` as above), in their
/// order.
Result<std::vector<std::uint32_t>> programs_at(int target, BpfHook hook);

}  // namespace fairlead
