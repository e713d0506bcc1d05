// The compiled BPF programs, ELF objects for libbpf.
#pragma once

#include <cstddef>
#include <span>

namespace fairlead {

/// The datapath's: fairlead.bpf.c.
std::span<const std::byte> bpf_object();
/// layer2.bpf.c.
std::span<const std::byte> layer2_bpf_object();

}  // namespace fairlead
