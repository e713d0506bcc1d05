// ARP (RFC 826, 5227) and neighbour discovery (RFC 4861) as bytes: what is asked, announced and
// heard.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/kernel/route_batch.hpp"
#include "model/ip.hpp"

namespace fairlead::layer2 {

/// An Ethernet frame, without padding and check sequence.
using Frame = std::vector<std::uint8_t>;

/// Asks who has `address`. `own_ip` unspecified: an ARP probe or duplicate address detection, which
/// a holder's program answers to all. `to`: the one that is asked; nullopt: everybody.
Frame question(const MacBytes& own_mac, const Ip& own_ip, const Ip& address,
               const std::optional<MacBytes>& to);

/// Says to all that `address` is at `own_mac`. IPv4: a request and a reply, since some hosts heed
/// only one of them.
std::vector<Frame> announcement(const MacBytes& own_mac, const Ip& address);

/// What another host said of an address.
struct Heard {
  bool is_announcement = false;  // to all, unasked; else an answer
  Ip address;
  MacBytes sender{};
  bool operator==(const Heard&) const = default;
};
/// nullopt: another kind of frame, or a damaged one.
std::optional<Heard> decode(std::span<const std::uint8_t> frame);

}  // namespace fairlead::layer2
