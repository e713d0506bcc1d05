// pins -> maps, and which backends its UDP frontends led to -> who of them serves no more
#include "dataplane/ebpf/former_tables.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

#include "dataplane/ebpf/batch.hpp"
#include "dataplane/ebpf/compile.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/kernel/bpf_fs.hpp"

namespace fairlead::ebpf {
namespace {

template <class Element>
Result<BpfMapping> map_array(const std::string& directory, const char* map) {
  TRY(const auto handle, open_map(directory, map, BPF_MAP_TYPE_ARRAY, sizeof(Element)));
  return BpfMapping::map(handle, sizeof(Element));
}

FlowTarget target_of(const fl_frontend_key& key) {
  return {Protocol::kUdp, ip_of(key.address), port_of(key.port)};
}

Result<FormerBackends> read_backends(const std::string& directory) {
  TRY(auto handle, open_map(directory, "frontends", BPF_MAP_TYPE_HASH, sizeof(fl_frontend_word)));
  TRY(const BpfMapping records, map_array<fl_record>(directory, "records"));
  const BpfMap<fl_frontend_key, fl_frontend_word> frontends(std::move(handle));
  TRY(const auto have, frontends.read());
  std::vector<FormerBackends::Backend> backends;
  for (const auto& [key, word] : have) {
    if (key.protocol != static_cast<__u8>(Protocol::kUdp)) continue;
    const auto block = static_cast<std::uint32_t>(word >> FL_WORD_BLOCK_SHIFT);
    for (const fl_dead_key& backend : udp_backends(block_at(records.elements<fl_record>(), block)))
      backends.emplace_back(target_of(key), backend);
  }
  return FormerBackends(std::move(backends));
}

}  // namespace

Result<BpfMapHandle> open_map(const std::string& directory, const char* map, std::uint32_t type,
                              std::size_t least_bytes) {
  TRY(auto handle, BpfMapHandle::open_pinned(fmt::format("{}/maps/{}", directory, map), map));
  if (handle.type() != type || handle.value_bytes() < least_bytes)
    return invalid(fmt::format("{}/maps/{} is of type {} with elements of {} bytes", directory, map,
                               handle.type(), handle.value_bytes()));
  return handle;
}

UdpServing udp_serving(const Plan& plan) {
  UdpServing serving;
  TableOf<fl_dead_key, bool> backends;
  for (const auto& [name, ports] : plan.services)
    for (const ServicePlan& port : ports) {
      if (port.name.protocol != Protocol::kUdp) continue;
      for (const FrontendRow& row : compile(port).rows)
        serving.targets[target_of(row.key)] = port.serving;
      for (const BackendGroup group : {BackendGroup::kCluster, BackendGroup::kLocal})
        for (const Backend& backend : port.backends(group)) {
          fl_dead_key key{};
          key.address = address_of(backend.address);
          key.port = port_of(backend.port);
          key.protocol = static_cast<__u8>(Protocol::kUdp);
          backends[key] = true;
        }
    }
  serving.is_backend = [backends = std::move(backends)](const fl_dead_key& backend) {
    return backends.contains(backend);
  };
  return serving;
}

Result<std::shared_ptr<FormerTables>> FormerTables::open(const std::string& directory) {
  auto tables = std::make_shared<FormerTables>();
  tables->directory = directory;
  TRY(tables->sockets, open_map(directory, "sockets", BPF_MAP_TYPE_SK_STORAGE, sizeof(fl_socket)));
  TRY(tables->dead_backends, open_map(directory, "dead_backends", BPF_MAP_TYPE_HASH, 1));
  TRY(tables->config_memory, map_array<fl_config>(directory, "config"));
  TRY(tables->flows4_memory, map_array<fl_bucket4>(directory, "flows4"));
  TRY(tables->flows6_memory, map_array<fl_bucket6>(directory, "flows6"));
  TRY(tables->backends, read_backends(directory));
  return tables;
}

Result<FormerTablesList> open_former_tables(const std::string& pin_directory,
                                            const std::string& live) {
  TRY(const auto names, list_generations(pin_directory));
  FormerTablesList former;
  for (const std::string& name : names) {
    if (name == live || layout_of(name) != FL_ABI) continue;
    if (auto tables = FormerTables::open(pin_directory + '/' + name); tables)
      former.push_back(std::move(*tables));
  }
  return former;
}

void close_stale_flows(const FormerTablesList& former, const FlowTargets& udp,
                       const std::vector<Ip>& node_addresses, Chores& chores) {
  for (const auto& of : former)
    // They begin no flows, so nothing new can be taken for stale.
    if (of->stale_flows.add(of->stale_flows.hold(), udp, node_addresses))
      chores.add([of] { of->stale_flows.run(of->flows4(), of->flows6()); });
}

Result<> release_unserved(const FormerTablesList& former, const Plan& plan,
                          const std::vector<Ip>& node_addresses, const BpfObject& iterators) {
  const UdpServing serving = udp_serving(plan);
  Effects effects{.targets = serving.targets, .dead = {}};
  for (const auto& of : former) of->backends.append_unserved(serving, effects);
  for (const auto& of : former) {
    close_stale_flows(of->flows4(), effects.targets, node_addresses);
    close_stale_flows(of->flows6(), effects.targets, node_addresses);
  }
  return end_sockets_of(dead_backends(effects.dead), socket_tables(iterators, former))
      .map([](std::size_t) {});
}

SocketTables socket_tables(const BpfObject& live, const FormerTablesList& former) {
  SocketTables tables{.iterator = live.program_fd(kDeadSocketIterator),
                      .dead_backends = live.map_fd("dead_backends"),
                      .sockets = {live.map_fd("sockets")},
                      .draining = {}};
  for (const auto& of : former) {
    tables.sockets.push_back(of->sockets.fd());
    tables.draining.push_back(of->dead_backends.fd());
  }
  return tables;
}

std::vector<DeadBackend> dead_backends(std::span<const fl_dead_key> keys) {
  std::vector<DeadBackend> dead;
  dead.reserve(keys.size());
  for (const fl_dead_key& key : keys) dead.push_back({ip_of(key.address), port_of(key.port)});
  return dead;
}

}  // namespace fairlead::ebpf
