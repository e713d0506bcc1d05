// A port of DPDK, with one queue each way, from configured to closed.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bench/pktgen/frame.hpp"
#include "model/result.hpp"

namespace fairlead::bench::pktgen {

/// The EAL, from its own arguments (the program's name first) to its clean-up. One in a process.
class Eal {
 public:
  static Result<Eal> start(std::vector<std::string> arguments);
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  Eal() = default;
  bool is_started_ = true;
};

/// Whatever is called while it lives is called in that network namespace: virtual devices find
/// their interface, and open their sockets, there. Packets can be sent and received from anywhere.
class InNamespace {
 public:
  /// `netns`: a name below /run/netns, or a path; empty: stay.
  static Result<InNamespace> enter(const std::string& netns);
  InNamespace(InNamespace&& other) noexcept;
  InNamespace& operator=(InNamespace&&) = delete;
  ~InNamespace();

 private:
  explicit InNamespace(int before) : before_(before) {}
  int before_;  // -1: nothing to do
};

/// "net_af_packet0,iface=eth0" becomes a device. Returns its name.
Result<std::string> add_virtual_device(const std::string& netns, const std::string& arguments);

struct PortOptions {
  std::string device;  // a number, or a name: "0", "0000:01:00.0", "net_ring0"
  std::string netns;   // as for InNamespace
  std::uint32_t mbufs = 16383;
};

class Port {
 public:
  /// Until the link is up. Errors name the device.
  static Result<Port> start(const PortOptions& options);
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Mac mac() const;
  /// 0: it does not say.
  [[nodiscard]] std::uint64_t bits_a_second() const;

  /// False where no buffers are left: none was taken.
  [[nodiscard]] bool allocate(std::span<rte_mbuf*> buffers);
  /// How many the port took, from the front; the others still belong to the caller.
  std::uint16_t send(std::span<rte_mbuf*> buffers);
  /// How many arrived; they belong to the caller.
  std::uint16_t receive(std::span<rte_mbuf*> buffers);
  /// One frame; false where it did not go.
  bool send(Bytes frame);

  struct Counters {
    std::uint64_t sent = 0, received = 0;
    std::uint64_t not_sent = 0, missed = 0;  // as far as the driver knows
  };
  [[nodiscard]] Counters counters() const;

 private:
  Port(std::uint16_t id, std::string netns) : id_(id), netns_(std::move(netns)) {}
  Result<> configure(std::uint32_t mbufs);

  std::uint16_t id_;
  std::string netns_, name_;
  rte_mempool* pool_ = nullptr;
  bool is_owner_ = true;
};

}  // namespace fairlead::bench::pktgen
