// device -> configured with one queue each way and buffers of its own -> started -> link up.
#include "bench/pktgen/dpdk/port.hpp"

#include <fmt/format.h>
#include <rte_errno.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace fairlead::bench::pktgen {
namespace {

constexpr std::uint16_t kDescriptors = 1024;

tl::unexpected<Error> dpdk_error(int code, std::string doing) {
  return system_error(code < 0 ? -code : code, std::move(doing));
}

Result<std::uint16_t> find_port(const std::string& device) {
  std::uint16_t id = 0;
  const char* end = device.data() + device.size();
  const auto [rest, error] = std::from_chars(device.data(), end, id);
  if (error == std::errc() && rest == end && rte_eth_dev_is_valid_port(id) != 0) return id;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &id) == 0) return id;
  std::string there;
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  for (std::uint16_t other = 0; other < RTE_MAX_ETHPORTS; ++other) {
    if (rte_eth_dev_is_valid_port(other) == 0) continue;
    rte_eth_dev_get_name_by_port(other, name.data());
    there += fmt::format(" {} ({})", other, name.data());
  }
  return invalid(fmt::format("port '{}': there is none; there are:{}", device,
                             there.empty() ? " none" : there));
}

}  // namespace

Port::Port(Port&& other) noexcept
    : id_(other.id_),
      netns_(std::move(other.netns_)),
      name_(std::move(other.name_)),
      pool_(std::exchange(other.pool_, nullptr)),
      is_owner_(std::exchange(other.is_owner_, false)) {}

Port::~Port() {
  if (!is_owner_) return;
  // A namespace that is gone took the interface along: closing the rest is right anywhere.
  const auto scope = InNamespace::enter(netns_);
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  rte_mempool_free(pool_);
}

Result<Port> Port::start(const PortOptions& options) {
  TRY(const auto scope, InNamespace::enter(options.netns));
  TRY(const std::uint16_t id, find_port(options.device));
  Port port(id, options.netns);
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  rte_eth_dev_get_name_by_port(id, name.data());
  port.name_ = name.data();
  if (const auto done = port.configure(options.mbufs); !done)
    return prefix(fmt::format("port {}", port.name_), done.error());
  return port;
}

Result<> Port::configure(std::uint32_t mbufs) {
  const rte_eth_conf conf{};
  if (const int code = rte_eth_dev_configure(id_, 1, 1, &conf); code != 0)
    return dpdk_error(code, "configure");
  std::uint16_t receive = kDescriptors, transmit = kDescriptors;
  if (const int code = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit); code != 0)
    return dpdk_error(code, "number of descriptors");
  const int node = rte_eth_dev_socket_id(id_);
  pool_ = rte_pktmbuf_pool_create(fmt::format("port-{}", id_).c_str(), mbufs, 250, 0,
                                  RTE_MBUF_DEFAULT_BUF_SIZE, node);
  if (pool_ == nullptr)
    return dpdk_error(rte_errno, fmt::format("{} buffers (more memory by the EAL's -m?)", mbufs));
  const auto place = static_cast<unsigned>(node);
  if (const int code = rte_eth_rx_queue_setup(id_, 0, receive, place, nullptr, pool_); code != 0)
    return dpdk_error(code, "queue to receive");
  if (const int code = rte_eth_tx_queue_setup(id_, 0, transmit, place, nullptr); code != 0)
    return dpdk_error(code, "queue to send");
  if (const int code = rte_eth_dev_start(id_); code != 0) return dpdk_error(code, "start");
  rte_eth_link link{};
  if (rte_eth_link_get(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN)
    return system_error(ENETDOWN, "link");
  return {};
}

Mac Port::mac() const {
  rte_ether_addr address{};
  rte_eth_macaddr_get(id_, &address);
  Mac mac;
  std::memcpy(mac.bytes.data(), address.addr_bytes, mac.bytes.size());
  return mac;
}

std::uint64_t Port::bits_a_second() const {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id_, &link) != 0 || link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
    return 0;
  return std::uint64_t{link.link_speed} * 1'000'000;
}

bool Port::allocate(std::span<rte_mbuf*> buffers) {
  return rte_pktmbuf_alloc_bulk(pool_, buffers.data(), static_cast<unsigned>(buffers.size())) == 0;
}

std::uint16_t Port::send(std::span<rte_mbuf*> buffers) {
  return rte_eth_tx_burst(id_, 0, buffers.data(), static_cast<std::uint16_t>(buffers.size()));
}

std::uint16_t Port::receive(std::span<rte_mbuf*> buffers) {
  return rte_eth_rx_burst(id_, 0, buffers.data(), static_cast<std::uint16_t>(buffers.size()));
}

bool Port::send(Bytes frame) {
  rte_mbuf* buffer = rte_pktmbuf_alloc(pool_);
  if (buffer == nullptr) return false;
  char* data = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
  std::memcpy(data, frame.data(), frame.size());
  if (send({&buffer, 1}) == 1) return true;
  rte_pktmbuf_free(buffer);
  return false;
}

Port::Counters Port::counters() const {
  rte_eth_stats stats{};
  rte_eth_stats_get(id_, &stats);
  return {stats.opackets, stats.ipackets, stats.oerrors, stats.imissed + stats.rx_nombuf};
}

}  // namespace fairlead::bench::pktgen
