// Maglev: a table of backends that every node computes alike, and that changes little when one of
// them goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::ebpf {

/// The smallest prime of ours that has `slots_each` places for each of `backends`; the largest, if
/// none has; 0 (no table) for one backend or none.
std::uint32_t maglev_size(std::size_t backends, std::uint32_t slots_each);

/// Fills `table` (of a maglev_size(), not 0) with indices into `backends`, by Eisenbud et al.,
/// NSDI 2016, section 3.4, each backend in proportion to its weight (at least one place where there
/// are as many places as backends). A backend's order of places follows from its address and port
/// alone. `backends`: sorted, no duplicates, at most as many as places.
void fill_maglev(std::span<const Backend> backends, std::span<std::uint16_t> table);

}  // namespace fairlead::ebpf
