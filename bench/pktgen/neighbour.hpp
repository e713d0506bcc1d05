// ARP (RFC 826) and Neighbour Discovery (RFC 4861), as much as a port without a network stack
// needs: ask who has an address, and answer for one's own.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bench/pktgen/frame.hpp"

namespace fairlead::bench::pktgen {

/// A frame that asks, to all who may know: an ARP request, or a Neighbour Solicitation.
std::vector<std::uint8_t> ask_for(const Ip& wanted, const Ip& own, const Mac& own_mac);

/// Who has `wanted`, if `frame` says so.
std::optional<Mac> read_answer(Bytes frame, const Ip& wanted);

/// The answer to `frame`, if it asks for one of `own`. None where it does not.
std::optional<std::vector<std::uint8_t>> answer(Bytes frame, std::span<const Ip> own,
                                                const Mac& own_mac);

}  // namespace fairlead::bench::pktgen
