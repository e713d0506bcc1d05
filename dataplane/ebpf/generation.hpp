// Generations: maps of one shape with the programs that use them, in a directory of pins.
//
//   <pin directory>/<generation>/maps/NAME     every map
//                               /links/NAME    every link, or the filters' priority
//   <pin directory>/clsact/IFINDEX             the device's clsact is of our making
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/ebpf/kernel.hpp"
#include "dataplane/ebpf/load.hpp"

namespace fairlead::ebpf {

/// The one that this agent works with: its object is loaded.
struct Generation {
  std::string name, directory;
  BpfObject object;
  Maps maps;
  bool is_new = false;  // it was made, not adopted

  [[nodiscard]] std::string links() const { return directory + "/links"; }

  /// Adopts the maps that are pinned, and pins those that are not.
  static Result<Generation> open(const std::string& pin_directory, const Sizes& sizes,
                                 const BpfFeatures& features);
};

/// Names of all that there are, sorted.
Result<std::vector<std::string>> list_generations(const std::string& pin_directory);
/// The layout in a generation's name; nullopt: it has none.
std::optional<std::uint32_t> layout_of(std::string_view name);

/// Runs program `iterator` over the map of socket storage and returns what it writes. Where the
/// program looks into elements, they must be as long as it knows them.
Result<std::vector<std::byte>> run_iterator(int iterator, int map);
/// Loads these two alone, for who has no generation of its own.
Result<BpfObject> load_iterators();
inline constexpr const char* kSocketIterator = "fairlead_sockets";
inline constexpr const char* kDeadSocketIterator = "fairlead_dead_sockets";

}  // namespace fairlead::ebpf
