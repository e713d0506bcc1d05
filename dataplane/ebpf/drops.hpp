// The ring buffer of dropped packets.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/datapath.hpp"

struct ring_buffer;

namespace fairlead::ebpf {

class DropReader {
 public:
  /// `map_fd`: of map `drops`; need not stay open.
  static Result<DropReader> open(int map_fd);

  /// What has come since the last call, the oldest first.
  Result<std::vector<DropRecord>> take();

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  DropReader() = default;
  /// Where the ring's callback puts them; it keeps its address when this object moves.
  std::unique_ptr<std::vector<DropRecord>> taken_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace fairlead::ebpf
