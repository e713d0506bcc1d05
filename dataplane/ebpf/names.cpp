// Three tables.
#include "dataplane/ebpf/names.hpp"

#include <array>
#include <span>

namespace fairlead::ebpf {
namespace {

constexpr std::array<std::string_view, FL_COUNT_DROPS_FIRST> kCounters{
    "flows_created", "flows_replaced", "flows_recovered", "foreign_packets",   "to_peer",
    "to_wire",       "to_stack",       "rejected",        "sockets_connected", "datagrams"};
static_assert(!kCounters.back().empty());

constexpr std::array<std::string_view, FL_DROP_MAX> kDrops{
    "none",           "policy",    "source_range", "unallocated", "no_snat_port", "flow_table_full",
    "fragment_order", "malformed", "too_big",      "no_route",    "tables"};
static_assert(!kDrops.back().empty());

constexpr std::array<std::string_view, 4> kHooks{"xdp", "tc ingress", "tc egress", "socket"};

std::string_view name_in(std::span<const std::string_view> names, std::uint32_t number) {
  return number < names.size() ? names[number] : "unknown";
}

}  // namespace

std::string_view counter_name(std::uint32_t counter) {
  return counter == FL_COUNT_PODS_FORWARDED ? "pods_forwarded" : name_in(kCounters, counter);
}
std::string_view drop_name(std::uint32_t reason) { return name_in(kDrops, reason); }
std::string_view hook_name(std::uint32_t hook) { return name_in(kHooks, hook); }

}  // namespace fairlead::ebpf
