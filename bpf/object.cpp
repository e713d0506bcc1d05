// Between the symbols of object.S.
#include "bpf/object.hpp"

extern "C" const std::byte fairlead_bpf_object_begin[], fairlead_bpf_object_end[];
extern "C" const std::byte fairlead_layer2_object_begin[], fairlead_layer2_object_end[];

namespace fairlead {

std::span<const std::byte> bpf_object() {
  return {fairlead_bpf_object_begin, fairlead_bpf_object_end};
}

std::span<const std::byte> layer2_bpf_object() {
  return {fairlead_layer2_object_begin, fairlead_layer2_object_end};
}

}  // namespace fairlead
