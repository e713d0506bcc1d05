// What the cluster hands out once: cluster IPs, node ports, pod networks. In memory; rebuilt from
// the stored objects at start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controlplane/api/address_ranges.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::api {

struct AllocatorOptions {
  /// One prefix, or two of different families for dual stack; the first one's family is the
  /// cluster's default.
  std::vector<Cidr> service_cidrs = {};
  std::uint16_t first_node_port = 30000, last_node_port = 32767;
  /// Networks that Nodes get their spec.podCIDRs from, one a family; empty: Nodes bring their own.
  std::vector<Cidr> pod_cidrs = {};
  std::uint8_t node_prefix_v4 = 24, node_prefix_v6 = 64;
};

/// Why an allocator said no.
enum class AllocationFailure { kFull, kAllocated, kNotInRange, kWrongFamily };

/// Numbers out of [0, size): the lowest `static_band` are given only on request, or when the rest
/// is used up (KEP-3070, KEP-3668), so that a number that a user picks from there is rarely taken.
class NumberPool {
 public:
  NumberPool(std::uint64_t size, std::uint64_t static_band);
  bool take(std::uint64_t number);  // false: taken already
  void give_back(std::uint64_t number) { taken_.erase(number); }
  [[nodiscard]] bool has(std::uint64_t number) const { return taken_.contains(number); }
  [[nodiscard]] std::uint64_t used() const { return taken_.size(); }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A free number, not taken yet: from a random place upwards, then the static band. nullopt: all
  /// are taken.
  std::optional<std::uint64_t> find_free(std::mt19937_64& random) const;
  /// The lowest free number.
  [[nodiscard]] std::optional<std::uint64_t> find_lowest() const;

 private:
  std::uint64_t size_;
  std::uint64_t static_band_;
  std::set<std::uint64_t> taken_;
};

/// The cluster IPs of one prefix. The network address and IPv4's broadcast address are never given.
class IpPool {
 public:
  explicit IpPool(const Cidr& cidr);
  [[nodiscard]] const Cidr& cidr() const { return cidr_; }
  tl::expected<void, AllocationFailure> take(const Ip& ip);
  tl::expected<Ip, AllocationFailure> take_any(std::mt19937_64& random);
  void give_back(const Ip& ip);
  [[nodiscard]] std::uint64_t used() const { return pool_.used(); }
  [[nodiscard]] std::uint64_t size() const { return pool_.size(); }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number_of(const Ip& ip) const;
  Cidr cidr_;
  NumberPool pool_;
};

/// Node ports. A port belongs to one Service; TCP, UDP and SCTP of that Service may share it.
class PortPool {
 public:
  PortPool(std::uint16_t first, std::uint16_t last);
  [[nodiscard]] std::uint16_t first() const { return first_; }
  [[nodiscard]] std::uint16_t last() const { return last_; }
  tl::expected<void, AllocationFailure> take(std::uint16_t port);
  tl::expected<std::uint16_t, AllocationFailure> take_any(std::mt19937_64& random);
  void give_back(std::uint16_t port);
  [[nodiscard]] std::uint64_t used() const { return pool_.used(); }

 private:
  std::uint16_t first_, last_;
  NumberPool pool_;
};

/// Pod networks of Nodes, first free first.
class SubnetPool {
 public:
  SubnetPool(const Cidr& network, std::uint8_t node_prefix);
  [[nodiscard]] Family family() const { return network_.family(); }
  [[nodiscard]] const Cidr& network() const { return network_; }
  /// Takes every subnet that `cidr` overlaps; false if one of them is taken. A prefix outside the
  /// network is nobody's business: true.
  bool take(const Cidr& cidr);
  std::optional<Cidr> take_any();
  void give_back(const Cidr& cidr);

 private:
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> numbers_of(
      const Cidr& cidr) const;
  Cidr network_;
  std::uint8_t node_prefix_;
  NumberPool pool_;
};

/// All of them. Used by one thread.
struct Allocators {
  std::vector<IpPool> cluster_ips;  // in the order of AllocatorOptions::service_cidrs
  PortPool node_ports;
  std::vector<SubnetPool> pod_networks;
  AddressRanges pool_ranges = {};  // of AddressPools

  [[nodiscard]] IpPool* pool_of(Family family);
};

/// Errors name the option. Prefixes of Services: IPv4 /12 to /30, IPv6 /64 to /126; two must differ
/// in family.
Result<Allocators> make_allocators(const AllocatorOptions& options);

/// What one write took and what it will free. Give the object to storage, then commit(); destroyed
/// without commit(), everything taken is given back and nothing is freed. The Allocators must
/// outlive it.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { roll_back(); }

  /// The write is durable: frees what the new object no longer uses.
  void commit();
  void on_roll_back(std::function<void()> give_back) { taken_.push_back(std::move(give_back)); }
  void on_commit(std::function<void()> give_back) { freed_.push_back(std::move(give_back)); }

 private:
  void roll_back();
  std::vector<std::function<void()>> taken_;
  std::vector<std::function<void()>> freed_;
};

}  // namespace fairlead::api
