// The embedded object: sizes and constants are set, unwanted programs left out, the rest is loaded.
#include "tests/bpf/harness/programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bpf/object.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint32_t kFilterWords = 1024, kRecords = 32768;
/// Longer than any frame that a program may make: nothing may be cut off unseen.
constexpr std::size_t kRoomForGrowth = 4096;

Result<> set_sizes(BpfObject& object, const Sizes& sizes) {
  const std::array table{
      std::pair{"config", 1U},
      std::pair{"interfaces", 16U},
      std::pair{"address_filter", kFilterWords},
      std::pair{"frontends", 1024U},
      std::pair{"node_ports", 65536U},
      std::pair{"members", 1024U},
      std::pair{"source_ranges", 1024U},
      std::pair{"foreign_flows", 1024U},
      std::pair{"dead_backends", 1024U},
      std::pair{"records", kRecords},
      std::pair{"flows4", sizes.flow4_buckets},
      std::pair{"flows6", sizes.flow6_buckets},
      std::pair{"affinity", sizes.affinities},
      std::pair{"fragments", 256U},
      std::pair{"pods", 64U},
      std::pair{"pod_networks", 64U},
      std::pair{"tunnel", 1U},
      std::pair{"tunnel_nodes", 64U},
      std::pair{"counters", std::uint32_t{FL_COUNT_MAX}},
      std::pair{"trace", 1U},
      std::pair{"drops", 65536U},
  };
  for (const auto& [map, elements] : table) TRY_VOID(object.set_max_entries(map, elements));
  const fl_constants constants{
      .flow4_buckets = sizes.flow4_buckets,
      .flow6_buckets = sizes.flow6_buckets,
      .record_count = kRecords,
      .filter_words = kFilterWords,
      .has_set_retval = 1,
      .has_ct_lookup = 1,
      .pad = {},
      .jiffy_ns = 0,
      .first_jiffy = 0,
      .pad2 = {},
  };
  return object.set_constants(std::as_bytes(std::span(&constants, 1)));
}

/// `context`: a struct xdp_md or __sk_buff.
Result<Answer> run(int program, const Frame& frame, const void* context, std::size_t size) {
  Answer answer{.code = 0, .frame = Frame(frame.size() + kRoomForGrowth)};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.data_out = answer.frame.data();
  options.data_size_out = static_cast<std::uint32_t>(answer.frame.size());
  options.ctx_in = context;
  options.ctx_size_in = static_cast<std::uint32_t>(size);
  if (const int error = ::bpf_prog_test_run_opts(program, &options))
    return system_error(-error, "run a program");
  answer.code = static_cast<int>(options.retval);
  answer.frame.resize(options.data_size_out);
  return answer;
}

}  // namespace

void Programs::Unmap::operator()(std::byte* begin) const { ::munmap(begin, size); }

Result<Programs> Programs::load(const Sizes& sizes, std::span<const std::string_view> prefixes) {
  TRY(auto object, BpfObject::open(bpf_object(), "fairlead.bpf.o"));
  TRY_VOID(set_sizes(object, sizes));
  for (const std::string& name : object.program_names()) {
    const bool wanted =
        prefixes.empty() || std::ranges::any_of(prefixes, [&](std::string_view prefix) {
          return name.starts_with(prefix);
        });
    if (!wanted) TRY_VOID(object.skip_program(name));
  }
  TRY_VOID(object.load());
  Programs programs(std::move(object));
  for (const std::string& name : programs.object_.map_names())
    TRY_VOID(programs.map_into_memory(name));
  return programs;
}

Result<> Programs::map_into_memory(const std::string& name) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (::bpf_obj_get_info_by_fd(object_.map_fd(name), &info, &size) != 0)
    return system_error(errno, "map " + name);
  if (!(info.map_flags & BPF_F_MMAPABLE)) return {};
  const std::size_t bytes = (info.value_size + 7U) / 8 * 8 * std::size_t{info.max_entries};
  void* memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, object_.map_fd(name), 0);
  if (memory == MAP_FAILED) return system_error(errno, "map " + name + " into memory");
  mapped_.emplace_back(
      name, std::unique_ptr<std::byte, Unmap>(static_cast<std::byte*>(memory), Unmap{bytes}));
  return {};
}

std::span<std::byte> Programs::memory_of(const char* name) const {
  for (const auto& [map_name, memory] : mapped_)
    if (map_name == name) return {memory.get(), memory.get_deleter().size};
  return {};
}

Result<Answer> Programs::run_xdp(const char* program, const Frame& frame,
                                 std::uint32_t interface) const {
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = interface;
  return run(object_.program_fd(program), frame, &context, sizeof context);
}

Result<Answer> Programs::run_tc(const char* program, const Frame& frame, std::uint32_t interface,
                                std::uint32_t segment) const {
  __sk_buff context{};
  context.gso_size = segment;
  context.ifindex = interface;
  context.ingress_ifindex = interface;
  return run(object_.program_fd(program), frame, &context, sizeof context);
}

}  // namespace fairlead::test
