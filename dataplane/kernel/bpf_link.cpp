// BPF_LINK_CREATE as the kernel has it, because libbpf 1.1 knows no tcx; clsact by libbpf's tc.
#include "dataplane/kernel/bpf_link.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "dataplane/kernel/netlink.hpp"

namespace fairlead {
namespace {

constexpr int kLoopback = 1;  // ifindex, in every network namespace
/// enum bpf_link_type; younger than the headers.
constexpr std::uint32_t kTcxLink = 11;

bpf_attach_type type_of(BpfHook hook) { return static_cast<bpf_attach_type>(hook); }

bpf_tc_hook hook_of(const ClsactPlace& place) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = place.interface;
  hook.attach_point = place.egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  return hook;
}

bpf_tc_opts options_of(const ClsactPlace& place) {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = place.handle;
  options.priority = place.priority;
  return options;
}

std::string name_of(const ClsactPlace& place) {
  return fmt::format("clsact {} filter of interface {}", place.egress ? "egress" : "ingress",
                     place.interface);
}

/// Linux refuses a filter that is not there in several ways: of no device, of no qdisc, of no
/// chain.
bool is_absent(int error) { return error == ENOENT || error == ENODEV || error == EINVAL; }

}  // namespace

bool has_tcx() {
  __u32 count = 0;
  return bpf_prog_query(kLoopback, type_of(kTcxIngress), 0, nullptr, nullptr, &count) == 0;
}

Result<BpfLink> BpfLink::create(int program, int target, BpfHook hook, std::uint32_t flags) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  Fd fd(bpf_link_create(program, target, type_of(hook), &options));
  if (!fd) return system_error(errno, "attach BPF program");
  return BpfLink(std::move(fd));
}

Result<BpfLink> BpfLink::create_iterator(int program, int map) {
  bpf_iter_link_info info{};
  info.map.map_fd = static_cast<__u32>(map);
  LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
  Fd fd(bpf_link_create(program, 0, BPF_TRACE_ITER, &options));
  if (!fd) return system_error(errno, "attach BPF iterator");
  return BpfLink(std::move(fd));
}

Result<BpfLink> BpfLink::open_pinned(const std::string& path) {
  Fd fd(bpf_obj_get(path.c_str()));
  if (!fd) return system_error(errno, "open BPF link " + path);
  return BpfLink(std::move(fd));
}

Result<> BpfLink::update(int program) {
  if (bpf_link_update(fd_.get(), program, nullptr) != 0)
    return system_error(errno, "exchange the program of a BPF link");
  return {};
}

Result<> BpfLink::pin(const std::string& path) {
  if (bpf_obj_pin(fd_.get(), path.c_str()) != 0) return system_error(errno, "pin " + path);
  return {};
}

Result<> BpfLink::detach() {
  // EINVAL, EOPNOTSUPP: where it was is gone; a kind that cannot is detached with its last owner.
  if (bpf_link_detach(fd_.get()) != 0 && errno != EINVAL && errno != EOPNOTSUPP && errno != ENODEV)
    return system_error(errno, "detach BPF link");
  return {};
}

Result<> remove_pinned_link(const std::string& path) {
  if (auto link = BpfLink::open_pinned(path); link) TRY_VOID(link->detach());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "remove " + path);
  return {};
}

Result<BpfLinkInfo> BpfLink::info() const {
  bpf_link_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd_.get(), &info, &size) != 0)
    return system_error(errno, "look at BPF link");
  BpfLinkInfo known{info.type, info.id, info.prog_id, 0, 0};
  // Both begin with the ifindex; a link of a device that is gone has 0.
  if (info.type == BPF_LINK_TYPE_XDP || info.type == kTcxLink) known.interface = info.xdp.ifindex;
  if (info.type == BPF_LINK_TYPE_CGROUP) known.cgroup = info.cgroup.cgroup_id;
  return known;
}

Result<bool> ensure_clsact(int interface) {
  bpf_tc_hook hook = hook_of({.interface = interface});
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int error = -bpf_tc_hook_create(&hook);
  if (error == EEXIST) return false;
  if (error != 0) return system_error(error, fmt::format("add clsact to interface {}", interface));
  return true;
}

Result<> attach_clsact(const ClsactPlace& place, int program) {
  const bpf_tc_hook hook = hook_of(place);
  bpf_tc_opts options = options_of(place);
  options.prog_fd = program;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = -bpf_tc_attach(&hook, &options); error != 0)
    return system_error(error, "attach " + name_of(place));
  return {};
}

Result<std::optional<std::uint32_t>> find_clsact(const ClsactPlace& place) {
  const bpf_tc_hook hook = hook_of(place);
  bpf_tc_opts options = options_of(place);
  const int error = -bpf_tc_query(&hook, &options);
  if (is_absent(error)) return std::optional<std::uint32_t>();
  if (error != 0) return system_error(error, "look at " + name_of(place));
  return std::optional<std::uint32_t>(options.prog_id);
}

Result<> detach_clsact(const ClsactPlace& place) {
  const bpf_tc_hook hook = hook_of(place);
  const bpf_tc_opts options = options_of(place);
  if (const int error = -bpf_tc_detach(&hook, &options); error != 0 && !is_absent(error))
    return system_error(error, "remove " + name_of(place));
  return {};
}

Result<bool> has_clsact_filters(int interface) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  bool found = false;
  for (const std::uint32_t parent : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    alignas(nlmsghdr) std::array<char, 64> request{};
    nlmsghdr* message = mnl_nlmsg_put_header(request.data());
    message->nlmsg_type = RTM_GETTFILTER;
    message->nlmsg_flags = NLM_F_REQUEST;
    auto* filter = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
    filter->tcm_family = AF_UNSPEC;
    filter->tcm_ifindex = interface;
    filter->tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent);
    auto outcome = socket.dump(*message, [&](const nlmsghdr&) -> Result<> {
      found = true;
      return {};
    });
    if (!outcome && !is_absent(outcome.error().code.value()))
      return prefix(fmt::format("list filters of interface {}", interface),
                    std::move(outcome).error());
  }
  return found;
}

Result<> remove_clsact(int interface) {
  bpf_tc_hook hook = hook_of({.interface = interface});
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  if (const int error = -bpf_tc_hook_destroy(&hook); error != 0 && !is_absent(error))
    return system_error(error, fmt::format("remove clsact of interface {}", interface));
  return {};
}

Result<std::vector<std::uint32_t>> programs_at(int target, BpfHook hook) {
  std::array<__u32, 64> ids{};  // the kernel's own limit at one place
  __u32 count = ids.size();
  if (bpf_prog_query(target, type_of(hook), 0, nullptr, ids.data(), &count) != 0)
    return system_error(errno, "list BPF programs");
  return std::vector<std::uint32_t>(ids.begin(), ids.begin() + count);
}

}  // namespace fairlead
