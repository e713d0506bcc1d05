// The BPF object with small maps, loaded for tests, and BPF_PROG_RUN.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/config.h"
#include "bpf/abi/counters.h"
#include "dataplane/kernel/bpf_object.hpp"
#include "tests/bpf/harness/packet.hpp"

namespace fairlead::test {

struct Sizes {
  std::uint32_t flow4_buckets = 1024, flow6_buckets = 1024;
  std::uint32_t affinities = 256;
};

/// What a program answered, and the packet as it left it.
struct Answer {
  int code = 0;  // XDP_… or TC_ACT_…
  Frame frame{};
};

class Programs {
 public:
  /// Those whose names begin so, or all.
  static Result<Programs> load(const Sizes& sizes, std::span<const std::string_view> prefixes = {});

  [[nodiscard]] const BpfObject& object() const { return object_; }
  [[nodiscard]] int map(const char* name) const { return object_.map_fd(name); }
  /// A map's memory, of BPF_F_MMAPABLE maps. Elements are multiples of 8 bytes there.
  template <class T>
  [[nodiscard]] std::span<T> mapped(const char* name) const {
    const auto bytes = memory_of(name);
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// A program with a frame that came in by, or leaves by, `interface`.
  Result<Answer> run_xdp(const char* program, const Frame& frame, std::uint32_t interface) const;
  /// `segment`: the frame is an aggregate of segments with so many bytes of payload; 0: it is not.
  Result<Answer> run_tc(const char* program, const Frame& frame, std::uint32_t interface,
                        std::uint32_t segment = 0) const;

 private:
  explicit Programs(BpfObject object) : object_(std::move(object)) {}
  [[nodiscard]] std::span<std::byte> memory_of(const char* name) const;
  Result<> map_into_memory(const std::string& name);

  struct Unmap {
    std::size_t size = 0;  // of the map's elements
    void operator()(std::byte* begin) const;
  };
  BpfObject object_;
  std::vector<std::pair<std::string, std::unique_ptr<std::byte, Unmap>>> mapped_;
};

}  // namespace fairlead::test
