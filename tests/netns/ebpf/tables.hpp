// The tables of the socket programs, written by a test itself: by the ABI alone, and one field at a
// time where a datapath never would.
#pragma once

#include <cstdint>
#include <string>

#include "bpf/abi/config.h"
#include "bpf/abi/frontends.h"
#include "dataplane/kernel/bpf_object.hpp"
#include "model/plan.hpp"

namespace fairlead::test {

fl_address address_of(const Ip& ip);

class Tables {
 public:
  /// `object` is loaded and outlives this.
  explicit Tables(const BpfObject& object) : object_(object) {}

  void set_node(const NodeSettings& node, std::uint64_t host_netns_cookie);
  void set_draining(bool draining);
  /// SNAT's addresses: those that the host has for source ranges.
  void set_node_addresses(const Ip& v4, const Ip& v6);
  /// Linux conntrack owns UDP datagrams from this port to there.
  void add_foreign_flow(const Ip& destination, Port destination_port, std::uint16_t source_port);

  /// A new block for the Service, then the words of its frontends.
  void publish(const ServicePlan& plan);
  /// The frontends are gone; the block stays, as it does until a grace period is over.
  void withdraw(const ServicePlan& plan);

  /// As if other sockets had connected.
  void take_all_streams() const;
  [[nodiscard]] std::size_t taken_streams() const;

 private:
  void update(const std::string& map, const void* key, const void* value) const;
  void write_config() const;
  void mark_interesting(const Ip& ip);
  void write_word(const fl_frontend_key& key, std::uint64_t word) const;
  std::uint32_t write_block(const ServicePlan& plan);
  void write_maglev(std::uint32_t first, const std::vector<Backend>& backends) const;
  void open_node_port(const ServicePlan& plan, const Frontend& frontend) const;
  void write_ranges(const ServicePlan& plan, const Frontend& frontend) const;

  const BpfObject& object_;
  fl_config config_{};
  std::uint32_t next_record_ = 1;
};

}  // namespace fairlead::test
