// TracedPacket -> frame -> BPF_PROG_RUN -> fl_trace -> sentences.
#include "dataplane/ebpf/trace.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "bpf/abi/frontends.h"
#include "dataplane/ebpf/names.hpp"

namespace fairlead::ebpf {
namespace {

template <class Header>
void append(std::vector<std::byte>& frame, const Header& header) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  frame.insert(frame.end(), bytes, bytes + sizeof(header));
}

/// RFC 1071.
std::uint16_t checksum(std::span<const std::byte> bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, &bytes[i], sizeof(word));
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::byte> transport(const TracedPacket& packet) {
  std::vector<std::byte> bytes;
  if (packet.protocol == Protocol::kTcp) {
    tcphdr tcp{};
    tcp.source = htons(packet.source_port.host);
    tcp.dest = htons(packet.destination_port.host);
    tcp.doff = sizeof(tcp) / 4;
    tcp.syn = 1;
    tcp.window = htons(64240);
    append(bytes, tcp);
  } else {
    udphdr udp{};
    udp.source = htons(packet.source_port.host);
    udp.dest = htons(packet.destination_port.host);
    udp.len = htons(sizeof(udp));
    append(bytes, udp);
  }
  return bytes;
}

/// Over the pseudo-header (RFC 9293 3.1, RFC 8200 8.1).
void put_checksum(const TracedPacket& packet, std::vector<std::byte>& bytes) {
  std::vector<std::byte> pseudo;
  const std::size_t skipped = packet.source.is_v4() ? 12 : 0;
  for (const Ip* ip : {&packet.source, &packet.destination}) {
    const auto whole = std::as_bytes(std::span(ip->bytes)).subspan(skipped);
    pseudo.insert(pseudo.end(), whole.begin(), whole.end());
  }
  append(pseudo, htons(static_cast<std::uint16_t>(packet.protocol)));
  append(pseudo, htons(static_cast<std::uint16_t>(bytes.size())));
  pseudo.insert(pseudo.end(), bytes.begin(), bytes.end());
  const std::uint16_t sum = checksum(pseudo);
  const std::size_t offset =
      packet.protocol == Protocol::kTcp ? offsetof(tcphdr, th_sum) : offsetof(udphdr, uh_sum);
  std::memcpy(&bytes[offset], &sum, sizeof(sum));
}

void append_ip(const TracedPacket& packet, std::size_t payload, std::vector<std::byte>& frame) {
  if (packet.source.is_v4()) {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = sizeof(ip) / 4;
    ip.tot_len = htons(static_cast<std::uint16_t>(sizeof(ip) + payload));
    ip.frag_off = htons(IP_DF);
    ip.ttl = 64;
    ip.protocol = static_cast<std::uint8_t>(packet.protocol);
    std::memcpy(&ip.saddr, &packet.source.bytes[12], sizeof(ip.saddr));
    std::memcpy(&ip.daddr, &packet.destination.bytes[12], sizeof(ip.daddr));
    ip.check = checksum(std::as_bytes(std::span(&ip, 1)));
    append(frame, ip);
  } else {
    ip6_hdr ip{};
    ip.ip6_flow = htonl(6U << 28);
    ip.ip6_plen = htons(static_cast<std::uint16_t>(payload));
    ip.ip6_nxt = static_cast<std::uint8_t>(packet.protocol);
    ip.ip6_hlim = 64;
    std::memcpy(&ip.ip6_src, packet.source.bytes.data(), sizeof(ip.ip6_src));
    std::memcpy(&ip.ip6_dst, packet.destination.bytes.data(), sizeof(ip.ip6_dst));
    append(frame, ip);
  }
}

Ip ip_of(const fl_address& address) {
  Ip ip;
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}
bool is_zero(const fl_address& address) {
  return std::ranges::all_of(address.word, [](auto word) { return word == 0; });
}

std::string_view scope_name(std::uint8_t scope) {
  constexpr std::array<std::string_view, 3> kNames{"internal", "host", "external"};
  return scope < kNames.size() ? kNames[scope] : "unknown";
}

void describe_choice(const fl_trace& trace, std::vector<std::string>& decisions) {
  decisions.push_back(
      fmt::format("a frontend of block {}, scope {}", trace.block, scope_name(trace.scope)));
  switch (trace.verdict & FL_VERDICT_ACTION) {
    case FL_ACTION_REJECT:
      decisions.emplace_back("its verdict is reject: no endpoint may be used");
      return;
    case FL_ACTION_DROP:
      decisions.emplace_back("its verdict is drop");
      return;
    default:
      break;
  }
  decisions.emplace_back(trace.verdict & FL_VERDICT_LOCAL ? "only backends on this node"
                                                          : "any backend of the cluster");
  if (is_zero(trace.backend)) return;
  decisions.emplace_back(trace.affinity != 0 ? "chosen because the client had it before (affinity)"
                         : trace.maglev != 0 ? "chosen by Maglev"
                                             : "chosen now; another packet may get another one");
}

void describe_step(const fl_trace& trace, std::vector<std::string>& decisions) {
  switch (trace.step) {
    case FL_TRACE_NOT_OURS:
      decisions.emplace_back("neither a frontend nor a flow: left alone");
      return;
    case FL_TRACE_FLOW:
      decisions.push_back(fmt::format("a flow that is known, in the {}'s direction",
                                      trace.reply != 0 ? "reply" : "client"));
      return;
    case FL_TRACE_FRONTEND:
      describe_choice(trace, decisions);
      return;
    case FL_TRACE_FOREIGN:
      decisions.emplace_back("Linux conntrack translates this flow already: left to it");
      return;
    case FL_TRACE_REFUSED:
      decisions.emplace_back("an address of a Service, on a port that it has not: refused");
      return;
    case FL_TRACE_DRAINING:
      decisions.emplace_back("this datapath is being drained: new flows are left to another");
      return;
    default:
      decisions.push_back(fmt::format("step {}, which this version does not know", trace.step));
  }
}

void describe_way_out(const fl_trace& trace, const Ip& source,
                      std::vector<std::string>& decisions) {
  const std::string new_source = to_string(ip_of(trace.new_source));
  if (trace.step == FL_TRACE_FLOW)
    decisions.push_back(
        fmt::format("leaves as from {} port {}", new_source, ntohs(trace.new_source_port)));
  else if (ip_of(trace.new_source) != source)
    decisions.push_back(
        fmt::format("masqueraded: leaves as from {}, a free port of ebpf.snatPorts", new_source));
  else
    decisions.emplace_back("keeps its source address");
  std::array<char, IF_NAMESIZE> name{};
  if (trace.interface != 0 && ::if_indextoname(trace.interface, name.data()) != nullptr)
    decisions.push_back(fmt::format("redirected to {}", name.data()));
  else
    decisions.emplace_back("goes on through the host's stack");
}

}  // namespace

Result<std::vector<std::byte>> first_packet(const TracedPacket& packet) {
  if (packet.source.family() != packet.destination.family())
    return invalid("source and destination are of two families");
  if (packet.protocol == Protocol::kSctp) return invalid("an SCTP packet cannot be made up");
  ethhdr ethernet{};
  ethernet.h_proto = htons(packet.source.is_v4() ? ETH_P_IP : ETH_P_IPV6);
  std::vector<std::byte> frame;
  append(frame, ethernet);
  std::vector<std::byte> payload = transport(packet);
  put_checksum(packet, payload);
  append_ip(packet, payload.size(), frame);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Trace describe(const fl_trace& trace, const Ip& source) {
  Trace told;
  const bool is_dropped = trace.drop != FL_DROP_NONE;
  if (!is_dropped || trace.step != FL_TRACE_NOT_OURS) describe_step(trace, told.decisions);
  if (is_dropped) {
    told.decisions.push_back(fmt::format("dropped: {}", drop_name(trace.drop)));
    return told;
  }
  if (is_zero(trace.backend)) return told;
  told.backend = Backend{ip_of(trace.backend), Port{ntohs(trace.backend_port)}};
  describe_way_out(trace, source, told.decisions);
  return told;
}

Result<Trace> run_trace(int program_fd, int map_fd, const TracedPacket& packet) {
  TRY(const std::vector<std::byte> frame, first_packet(packet));
  const __u32 zero = 0;
  fl_trace trace{};  // the program writes only what it comes to
  if (const int error = bpf_map_update_elem(map_fd, &zero, &trace, BPF_ANY); error < 0)
    return system_error(-error, "clear map trace");
  std::array<std::byte, 2048> output{};
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<__u32>(frame.size());
  options.data_out = output.data();
  options.data_size_out = output.size();
  if (const int error = bpf_prog_test_run_opts(program_fd, &options); error < 0)
    return system_error(-error, "run the program fairlead_explain");
  if (const int error = bpf_map_lookup_elem(map_fd, &zero, &trace); error < 0)
    return system_error(-error, "read map trace");
  return describe(trace, packet.source);
}

}  // namespace fairlead::ebpf
