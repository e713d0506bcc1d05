// Services and flows of the strawman's maps.
#include "bench/packets/strawman.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <cstring>

#include "bench/packets/own_balancer.hpp"
#include "bench/support/measure.hpp"
#include "bench/support/services.hpp"

namespace fairlead::bench {
namespace {

constexpr std::uint32_t kFirstBackend = 10U << 24 | 0xf00000;  // 10.240.0.0 and the following

std::uint32_t word_of(const Ip& ip) {
  std::uint32_t word = 0;
  std::memcpy(&word, &ip.bytes[12], sizeof(word));
  return word;
}

}  // namespace

Strawman::Strawman(const BpfObject& object, std::uint32_t services, std::uint32_t clients)
    : program_(object.program_fd("strawman_xdp")),
      flows_(object.map_fd("strawman_flows")),
      counts_(object.map_fd("strawman_counts")),
      clients_(clients) {
  for (std::uint32_t i = 0; i < services; ++i) {
    const Ip service = i == 0 ? node_address(Family::kIpv4) : address(11, i);
    const strawman_service key{word_of(service), htons(i == 0 ? kNodePort.host : 80), IPPROTO_TCP};
    const std::uint32_t backends = htonl(kFirstBackend + i * 10);
    if (bpf_map_update_elem(object.map_fd("strawman_services"), &key, &backends, BPF_ANY) != 0)
      fail("the strawman's services do not fit");
  }
}

int Strawman::program(Hook) const { return program_; }

Work Strawman::work() const {
  Work work;
  const std::uint32_t translated = 0, created = 1;
  if (bpf_map_lookup_elem(counts_, &translated, &work.forwarded) != 0 ||
      bpf_map_lookup_elem(counts_, &created, &work.created) != 0)
    fail("the strawman does not count");
  return work;
}

void Strawman::forget_flows(Family family) {
  const std::uint32_t node = word_of(node_address(family));
  for (std::uint32_t i = 0; i < clients_; ++i) {
    const std::uint32_t client = word_of(client_address(family, i)), number = ntohl(client);
    const strawman_key request{client, node, htons(40000), htons(kNodePort.host), IPPROTO_TCP};
    const strawman_key reply{htonl(kFirstBackend + number % 10), node, htons(8080),
                             htons(static_cast<std::uint16_t>(number)), IPPROTO_TCP};
    if (bpf_map_delete_elem(flows_, &request) != 0 || bpf_map_delete_elem(flows_, &reply) != 0)
      fail("the strawman had lost a flow");
  }
}

void Strawman::recall_flows(Family) {}

}  // namespace fairlead::bench
