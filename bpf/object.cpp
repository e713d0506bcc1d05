// Between the two symbols of object.S.
#include "bpf/object.hpp"

extern "C" const std::byte fairlead_bpf_object_begin[], fairlead_bpf_object_end[];

namespace fairlead {

std::span<const std::byte> bpf_object() {
  return {fairlead_bpf_object_begin, fairlead_bpf_object_end};
}

}  // namespace fairlead
