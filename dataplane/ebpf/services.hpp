// The Services in the maps: adopted from what the kernel has, changed one by one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dataplane/datapath.hpp"
#include "dataplane/ebpf/kernel.hpp"
#include "dataplane/ebpf/records.hpp"
#include "dataplane/ebpf/tables.hpp"
#include "dataplane/kernel/flow_cleaner.hpp"
#include "model/plan.hpp"

namespace fairlead::ebpf {

/// What a change means for those who talk already.
struct Effects {
  /// As FlowCleaner takes them, and as flows of the tables are closed: UDP frontends with those who
  /// serve them; other frontends that lead to a backend now and did not before.
  FlowTargets targets;
  /// UDP backends that no Service leads to any more, and that serve nobody who has them already.
  std::vector<fl_dead_key> dead;
};

/// Who serves UDP now.
struct UdpServing {
  FlowTargets targets;  // all there are: what is not in them is no frontend of UDP any more
  /// Whether any Service leads to it.
  std::function<bool(const fl_dead_key& backend)> is_backend;
};

template <class Key, class Value>
using TableOf = std::unordered_map<Key, Value, HashOfBytes<Key>, EqualBytes<Key>>;

/// A Service port in the maps.
struct PlacedPort {
  PortTables tables;
  std::uint32_t block = 0, records = 0;
  /// UDP backends that serve, but get nothing new: what becomes of them is still to be told.
  std::vector<fl_dead_key> lingering;
};

class Services {
 public:
  using Report = std::function<void(const Error&)>;
  /// `maps` outlives this. `report`: of Services that have no place.
  static Result<Services> open(Maps& maps, Report report);

  /// Reads the maps, keeps what is as wanted, and writes the rest. `node_addresses`: where
  /// NodePorts are open. A Service that has no place is reported, and left as it was or out.
  /// `effects.dead`: backends of sockets that an earlier agent may have left; what is left of them
  /// is dead.
  Result<SyncReport> resync(const Plan& plan, std::span<const Ip> node_addresses, Effects& effects);
  /// The same for some, without reading.
  Result<SyncReport> apply(std::span<const ServiceChange> changes, Effects& effects);
  /// NodePorts are open here from now on.
  Result<SyncReport> set_node_addresses(std::span<const Ip> addresses);

  /// Whether this destination is a frontend of ours.
  [[nodiscard]] bool is_frontend(const Ip& address, Port port, Protocol protocol) const;
  /// Of all UDP Services: for a start, not for a change. It refers to this.
  [[nodiscard]] UdpServing udp_serving() const;
  /// Whether any UDP Service leads to it.
  [[nodiscard]] bool is_udp_backend(const fl_dead_key& backend) const {
    return udp_backends_.contains(backend);
  }

  struct Use {
    std::string map;
    std::uint64_t used = 0, capacity = 0;
  };
  [[nodiscard]] std::vector<Use> use() const;

 private:
  struct NameHash {
    std::size_t operator()(const ObjectName& name) const {
      const std::hash<std::string_view> hash;
      return hash(name.ns) * 31 + hash(name.name);
    }
  };
  /// What the kernel has under a key.
  struct Published {
    fl_frontend_word word = 0;
    std::uint64_t owner = 0;  // fl_header.service; 0: an address's entry, or not known yet
  };
  /// Why an address is of interest.
  struct AddressUse {
    std::int64_t frontends = 0, cluster_ips = 0;
    bool is_node = false;
  };
  struct Batch;
  struct Capacities {
    std::uint64_t frontends = 0, members = 0, source_ranges = 0;
  };

  Services(Maps& maps, Report report, Capacities capacities, std::uint32_t records);

  Result<> read_kernel();
  void take_known_blocks(Batch& batch);
  Result<> place_block(const ServicePlan& plan, const PlacedPort* old, Batch& batch,
                       PlacedPort& placed);
  Result<> check_room(const PortTables& tables, Batch& batch) const;
  Result<> check_name(const ServicePortName& name, const Batch& batch) const;
  Result<std::vector<PlacedPort>> place_ports(const ServicePlans& plans,
                                              const std::vector<PlacedPort>& old, Batch& batch);
  void change_service(const ObjectName& name, const ServicePlans& want, Batch& batch);
  void count_port(const PlacedPort& port, int by, Batch& batch);
  void append_rows(const PlacedPort& port, bool put, Batch& batch);
  [[nodiscard]] const std::vector<PlacedPort>& ports_of(const ObjectName& name) const;

  [[nodiscard]] Writes writes_of(const Batch& batch) const;
  void write_addresses(const Batch& batch, Writes& writes) const;
  void write_ports(const Batch& batch, Writes& writes) const;
  void write_filter(const Batch& batch, Writes& writes) const;
  Result<SyncReport> commit(Batch& batch, Effects& effects);
  void settle(Batch& batch, const Writes& writes);
  void collect_effects(Batch& batch, Effects& effects) const;
  void keep_only_dead(Effects& effects) const;
  static void let_linger(Batch& batch, const std::vector<fl_dead_key>& backends);
  void recover(const Batch& batch);
  void find_dead(const PlacedPort& old, PlacedPort* now, Effects& effects) const;
  Result<SyncReport> run(std::span<const ServiceChange> changes, Batch& batch, Effects& effects);

  Maps* maps_;
  Report report_;
  Capacities capacities_;
  RecordAllocator records_;
  bool adopted_ = false;  // resync() has been through once
  /// Blocks that a write which failed has published perhaps.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> strays_;

  std::unordered_map<ObjectName, std::vector<PlacedPort>, NameHash> services_;
  std::unordered_map<std::uint64_t, ServicePortName> ids_;
  TableOf<fl_address, AddressUse> addresses_;
  /// Those of them that are the node's: asked for with each change of its links.
  std::unordered_set<fl_address, HashOfBytes<fl_address>, EqualBytes<fl_address>> node_addresses_;
  std::unordered_map<std::uint32_t, std::uint32_t> filter_bits_;  // by how many addresses
  std::unordered_map<std::uint32_t, std::uint32_t> ports_;        // port << 8 | bit: frontends
  TableOf<fl_dead_key, std::uint32_t> udp_backends_;              // by how many Service ports
  TableOf<fl_dead_key, std::uint32_t> lingering_;                 // the same of PlacedPort's
  // What the kernel has.
  TableOf<fl_frontend_key, Published> published_;
  std::unordered_set<fl_member_key, HashOfBytes<fl_member_key>, EqualBytes<fl_member_key>> members_;
  std::unordered_set<fl_range_key, HashOfBytes<fl_range_key>, EqualBytes<fl_range_key>> ranges_;
};

}  // namespace fairlead::ebpf
