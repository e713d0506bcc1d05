// The compiled BPF programs, an ELF object for libbpf.
#pragma once

#include <cstddef>
#include <span>

namespace fairlead {

std::span<const std::byte> bpf_object();

}  // namespace fairlead
