// One question after the other: BTF of the kernel and of its modules, a helper, an attach point.
#include "dataplane/kernel/bpf_probe.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/kernel/bpf_link.hpp"
#include "dataplane/kernel/conntrack.hpp"

namespace fairlead {
namespace {

using Btf = std::unique_ptr<btf, decltype(&btf__free)>;

bool has_function(const btf* types, const char* name) {
  return types != nullptr && btf__find_by_name_kind(types, name, BTF_KIND_FUNC) > 0;
}

/// The kernel's function `name`, in the kernel itself or in `module`.
bool has_kfunc(const btf* kernel, const char* module, const char* name) {
  if (has_function(kernel, name)) return true;
  const Btf types(btf__load_module_btf(module, const_cast<btf*>(kernel)), &btf__free);
  return has_function(types.get(), name);
}

bool has_ct_lookup(const btf* kernel) {
  return has_kfunc(kernel, "nf_conntrack", "bpf_skb_ct_lookup") &&
         has_kfunc(kernel, "nf_conntrack", "bpf_xdp_ct_lookup") &&
         has_kfunc(kernel, "nf_conntrack", "bpf_ct_release");
}

/// The smallest program: may we load any?
Result<> may_load() {
  const bpf_insn instructions[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const Fd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "fairlead_probe", "GPL", instructions,
                                 std::size(instructions), nullptr));
  if (program) return {};
  const int error = errno;
  if (error == EPERM || error == EACCES)
    return system_error(error,
                        "load a BPF program (run as root, or with CAP_BPF, CAP_NET_ADMIN and "
                        "CAP_PERFMON; is kernel.lockdown off?)");
  return system_error(error, "load a BPF program (is the kernel built with CONFIG_BPF_SYSCALL?)");
}

/// The lower half of the kernel's jiffies; nullopt: programs are not told (Linux < 5.6).
std::optional<std::uint32_t> jiffies() {
  const bpf_insn instructions[] = {
      {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_jiffies64},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const Fd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "fairlead_probe", "GPL", instructions,
                                 std::size(instructions), nullptr));
  const std::array<std::byte, 64> frame{};
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = frame.size());
  if (!program || bpf_prog_test_run_opts(program.get(), &options) != 0) return std::nullopt;
  return options.retval;
}

/// Linux counts jiffies from a little less than 2^32, so the lower half is all of it.
void probe_clock(BpfFeatures& features) {
  timespec jiffy{}, now{};
  const auto counted = jiffies();
  if (!counted || ::clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy) != 0 || jiffy.tv_sec != 0 ||
      jiffy.tv_nsec == 0 || ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
    return;
  const std::uint64_t ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(now.tv_nsec);
  features.jiffy_ns = static_cast<std::uint32_t>(jiffy.tv_nsec);
  features.first_jiffy = *counted - static_cast<std::uint32_t>(ns / features.jiffy_ns);
}

}  // namespace

Result<BpfFeatures> probe_bpf() {
  TRY_VOID(may_load());
  const Btf kernel(btf__load_vmlinux_btf(), &btf__free);
  if (!kernel)
    return system_error(errno,
                        "read the kernel's types, /sys/kernel/btf/vmlinux (it needs "
                        "CONFIG_DEBUG_INFO_BTF)");
  BpfFeatures features;
  features.set_retval =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_set_retval, nullptr) == 1;
  features.ct_lookup = has_ct_lookup(kernel.get());
  // A module's functions are known while it is loaded. That it cannot be is the same answer.
  if (!features.ct_lookup && load_conntrack()) features.ct_lookup = has_ct_lookup(kernel.get());
  features.tcx = has_tcx();
  probe_clock(features);
  return features;
}

}  // namespace fairlead
