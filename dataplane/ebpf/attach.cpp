// program name -> place -> pinned link (or filter) that has our program.
//
//   links/connect4         a cgroup hook
//   links/ingress-7        tcx of interface 7
//   links/filter-ingress-7 the same by clsact: an empty directory that says so
#include "dataplane/ebpf/attach.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace fairlead::ebpf {
namespace {

struct CgroupHook {
  const char* program;
  const char* pin;
  bpf_attach_type type;
};
constexpr CgroupHook kCgroupHooks[] = {
    {"fairlead_connect4", "connect4", BPF_CGROUP_INET4_CONNECT},
    {"fairlead_connect6", "connect6", BPF_CGROUP_INET6_CONNECT},
    {"fairlead_sendmsg4", "sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
    {"fairlead_sendmsg6", "sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
    {"fairlead_recvmsg4", "recvmsg4", BPF_CGROUP_UDP4_RECVMSG},
    {"fairlead_recvmsg6", "recvmsg6", BPF_CGROUP_UDP6_RECVMSG},
    {"fairlead_getpeername4", "getpeername4", BPF_CGROUP_INET4_GETPEERNAME},
    {"fairlead_getpeername6", "getpeername6", BPF_CGROUP_INET6_GETPEERNAME},
    {"fairlead_post_bind4", "post_bind4", BPF_CGROUP_INET4_POST_BIND},
    {"fairlead_post_bind6", "post_bind6", BPF_CGROUP_INET6_POST_BIND},
    {"fairlead_release", "release", BPF_CGROUP_INET_SOCK_RELEASE},
};

constexpr std::uint32_t kFilterHandle = 0xfa;
constexpr std::uint32_t kFirstPriority = 0x0fa0;
constexpr std::string_view kFilterPin = "filter-";
constexpr std::string_view kPriority = "priority-";

const char* direction(bool egress) { return egress ? "egress" : "ingress"; }

std::optional<std::uint32_t> number_after(std::string_view text, std::string_view before) {
  if (!text.starts_with(before)) return std::nullopt;
  text.remove_prefix(before.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The interface that a pin is of; 0: of none.
int interface_of_pin(std::string_view pin) {
  const std::size_t dash = pin.rfind('-');
  if (dash == pin.npos) return 0;
  return static_cast<int>(number_after(pin, pin.substr(0, dash + 1)).value_or(0));
}

bool has_gone(const Error& error) { return error.code.value() == ENODEV; }

std::uint64_t target_of(const BpfLinkInfo& info) {
  return info.cgroup != 0 ? info.cgroup : info.interface;
}

}  // namespace

Attachments::Attachments(const BpfObject& object, PinPaths paths, How how)
    : paths_(std::move(paths)), how_(std::move(how)) {
  for (BpfProgram& program : object.programs()) {
    std::string name = program.name;
    programs_.emplace(std::move(name), std::move(program));
  }
}

const BpfProgram* Attachments::find_program(std::string_view name) const {
  const auto found = programs_.find(name);
  return found == programs_.end() ? nullptr : &found->second;
}

ClsactPlace Attachments::clsact_place(int interface, bool egress) const {
  return {interface, egress, kFilterHandle, how_.priority};
}

/// A place that refuses us is not asked for again before the next resync.
Result<bool> Attachments::put_link(const Place& place, const BpfProgram& program) {
  pinned_.erase(place.pin);
  program_of_pin_.erase(place.pin);
  TRY(const bool written, write_link(place, program));
  pinned_[place.pin] = place.identity;
  program_of_pin_[place.pin] = program.id;
  return written;
}

Result<bool> Attachments::write_link(const Place& place, const BpfProgram& program) const {
  const std::string path = paths_.links + '/' + place.pin;
  if (path_exists(path)) {
    auto link = BpfLink::open_pinned(path);
    const auto info = link ? link->info() : tl::unexpected(link.error());
    if (info && target_of(*info) == place.identity) {
      if (info->program_id == program.id) return false;
      if (auto updated = link->update(program.fd); updated) return true;
      // What cannot be exchanged is replaced.
    }
    TRY_VOID(remove_pinned_link(path));
  }
  TRY(BpfLink link, BpfLink::create(program.fd, place.target, place.hook, place.flags));
  TRY_VOID(link.pin(path));
  return true;
}

Result<std::size_t> Attachments::attach_to_cgroup(const CgroupPlace& cgroup) {
  std::size_t written = 0;
  for (const CgroupHook& hook : kCgroupHooks) {
    const BpfProgram* program = find_program(hook.program);
    if (program == nullptr) continue;
    const Place place{hook.pin, BpfHook{hook.type}, cgroup.fd.get(), cgroup.id, 0};
    auto put = put_link(place, *program);
    if (!put)
      return prefix(fmt::format("{} at cgroup {}", hook.pin, cgroup.path), std::move(put).error());
    written += *put ? 1 : 0;
  }
  return written;
}

Result<bool> Attachments::put_filter(int interface, bool egress, const BpfProgram& program) {
  TRY(const bool made, ensure_clsact(interface));
  if (made) TRY_VOID(make_directories(fmt::format("{}/{}", paths_.clsact(), interface)));
  const ClsactPlace place = clsact_place(interface, egress);
  filters_[{interface, egress}] = program.id;
  TRY(const auto have, find_clsact(place));
  if (have == program.id) return false;
  TRY_VOID(attach_clsact(place, program.fd));
  TRY_VOID(make_directories(
      fmt::format("{}/{}{}-{}", paths_.links, kFilterPin, direction(egress), interface)));
  return true;
}

bool Attachments::has_filters(const NetworkLink& link) const {
  return !how_.tcx || (link.kind == "veth" && link.name.starts_with("fl-"));
}

Result<bool> Attachments::put_traffic(const NetworkLink& link, bool egress) {
  const std::string name =
      fmt::format("fairlead_tc_{}{}", direction(egress), link.has_mac ? "" : "_l3");
  const BpfProgram* program = find_program(name);
  if (program == nullptr) return false;
  if (has_filters(link)) return put_filter(link.index, egress, *program);
  const Place place{fmt::format("{}-{}", direction(egress), link.index),
                    egress ? kTcxEgress : kTcxIngress, link.index,
                    static_cast<std::uint64_t>(link.index), 0};
  return put_link(place, *program);
}

Result<bool> Attachments::put_xdp(const NetworkLink& link) {
  const BpfProgram* program = find_program("fairlead_xdp");
  const bool wanted =
      how_.xdp == XdpMode::kNative || (how_.xdp == XdpMode::kAuto && link.is_hardware);
  const std::string pin = fmt::format("xdp-{}", link.index);
  if (program == nullptr || !wanted || !link.has_mac) {
    TRY_VOID(remove_pinned_link(paths_.links + '/' + pin));  // of an agent that was told otherwise
    return false;
  }
  const Place place{pin, BpfHook{BPF_XDP}, link.index, static_cast<std::uint64_t>(link.index),
                    XDP_FLAGS_DRV_MODE};
  auto put = put_link(place, *program);
  const int error = put ? 0 : put.error().code.value();
  if (error != EBUSY) taken_.erase(link.index);
  // A device has one XDP program at a time: we do not take the place of another's.
  if (error == EBUSY) {
    if (taken_.insert(link.index).second && how_.report)
      how_.report(
          {put.error().code,
           fmt::format("interface {}: another XDP program is there; it is left, and tc does "
                       "what ours would",
                       link.name)});
    return false;
  }
  // kAuto takes what the driver gives; kNative was asked for, where there is a driver to ask.
  if (!put && (how_.xdp == XdpMode::kAuto || error == EOPNOTSUPP)) return false;
  return put;
}

Result<std::size_t> Attachments::attach_to_links(std::span<const NetworkLink> links, Which which) {
  std::size_t written = 0;
  TRY_VOID(forget_others(links));
  if (which == Which::kAll) attached_.clear();
  for (const NetworkLink& link : links) {
    if (is_skipped(link.name, how_.skip_interfaces) || attached_.contains(link.index)) continue;
    bool succeeded = true;
    const auto take = [&](Result<bool> put) {
      succeeded = succeeded && put;
      if (put) written += *put ? 1 : 0;
      // One that goes while we look is no error, and one that refuses is no reason to leave out
      // the others.
      if (!put && !has_gone(put.error()) && how_.report)
        how_.report(
            {put.error().code, fmt::format("interface {}: {}", link.name, put.error().doing)});
    };
    take(put_traffic(link, false));
    take(put_traffic(link, true));
    take(put_xdp(link));
    if (succeeded) attached_.insert(link.index);
  }
  return written;
}

/// Interfaces that are gone, or to be skipped from now on.
Result<> Attachments::forget_others(std::span<const NetworkLink> links) {
  std::set<int> ours;
  for (const NetworkLink& link : links)
    if (!is_skipped(link.name, how_.skip_interfaces)) ours.insert(link.index);
  TRY(const auto pins, list_directory(paths_.links));
  for (const std::string& pin : pins) {
    const int interface = interface_of_pin(pin);
    if (interface == 0 || pin.starts_with(kPriority) || ours.contains(interface)) continue;
    if (pin.starts_with(kFilterPin)) {
      const bool egress = pin.find("egress") != pin.npos;
      TRY_VOID(detach_clsact(clsact_place(interface, egress)));
      filters_.erase({interface, egress});
      TRY_VOID(remove_tree(paths_.links + '/' + pin));
      continue;
    }
    TRY_VOID(remove_pinned_link(paths_.links + '/' + pin));
    pinned_.erase(pin);
    program_of_pin_.erase(pin);
  }
  std::erase_if(pinned_, [&](const auto& pin) {
    const int interface = interface_of_pin(pin.first);
    return interface != 0 && !ours.contains(interface);
  });
  const auto is_gone = [&](int interface) { return !ours.contains(interface); };
  std::erase_if(taken_, is_gone);
  std::erase_if(attached_, is_gone);
  std::erase_if(filters_, [&](const auto& filter) { return !ours.contains(filter.first.first); });
  return {};
}

bool Attachments::has_all_links() const {
  return std::ranges::all_of(pinned_, [&](const auto& pinned) {
    const auto link = BpfLink::open_pinned(paths_.links + '/' + pinned.first);
    const auto info = link ? link->info() : tl::unexpected(link.error());
    return info && target_of(*info) == pinned.second &&
           info->program_id == program_of_pin_.at(pinned.first);
  });
}

bool Attachments::has_all_filters() const {
  return std::ranges::all_of(filters_, [&](const auto& filter) {
    const auto have = find_clsact(clsact_place(filter.first.first, filter.first.second));
    return have && *have == filter.second;
  });
}

Result<> detach_all(const PinPaths& paths) {
  TRY(const auto pins, list_directory(paths.links));
  std::uint32_t priority = 0;
  for (const std::string& pin : pins)
    if (const auto number = number_after(pin, kPriority)) priority = *number;
  for (const std::string& pin : pins) {
    if (pin.starts_with(kPriority)) continue;
    if (!pin.starts_with(kFilterPin)) {
      TRY_VOID(remove_pinned_link(paths.links + '/' + pin));
      continue;
    }
    const bool egress = pin.find("egress") != pin.npos;
    TRY_VOID(detach_clsact({interface_of_pin(pin), egress, kFilterHandle, priority}));
  }
  return remove_tree(paths.links);
}

Result<std::uint32_t> filter_priority(const std::string& pin_directory,
                                      const std::string& generation) {
  std::uint32_t last = kFirstPriority;
  TRY(const auto generations, list_directory(pin_directory));
  for (const std::string& name : generations) {
    if (!name.starts_with("abi")) continue;
    TRY(const auto pins, list_directory(fmt::format("{}/{}/links", pin_directory, name)));
    for (const std::string& pin : pins) {
      const auto number = number_after(pin, kPriority);
      if (number && name == generation) return *number;
      if (number) last = std::max(last, *number);
    }
  }
  const std::uint32_t own = last < 0xffff ? last + 1 : kFirstPriority + 1;
  TRY_VOID(
      make_directories(fmt::format("{}/{}/links/{}{}", pin_directory, generation, kPriority, own)));
  return own;
}

Result<> remove_own_clsact(const PinPaths& paths) {
  TRY(const auto interfaces, list_directory(paths.clsact()));
  for (const std::string& name : interfaces) {
    const auto interface = static_cast<int>(number_after(name, "").value_or(0));
    TRY(const bool used, has_clsact_filters(interface));
    if (!used) TRY_VOID(remove_clsact(interface));
  }
  return remove_tree(paths.clsact());
}

}  // namespace fairlead::ebpf
