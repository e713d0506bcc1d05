// pinned maps -> load -> pins of the maps that are new.
#include "dataplane/ebpf/generation.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "bpf/abi/sockets.h"
#include "bpf/object.hpp"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/kernel/bpf_fs.hpp"
#include "dataplane/kernel/bpf_link.hpp"

namespace fairlead::ebpf {
namespace {

/// What is not worth keeping: it is used within one call.
bool is_pinned(const std::string& map) { return map != "trace"; }

Result<BpfMapHandle> open_map(const std::string& directory, const char* map) {
  return BpfMapHandle::open_pinned(fmt::format("{}/maps/{}", directory, map), map);
}

template <class Bucket>
Result<std::uint64_t> live_flows(const std::string& directory, const char* map,
                                 const fl_timeouts& timeouts) {
  TRY(const BpfMapHandle handle, open_map(directory, map));
  TRY(const BpfMapping mapping, BpfMapping::map(handle, sizeof(Bucket)));
  const std::span<const Bucket> buckets = mapping.elements<Bucket>();
  return count_flows(buckets, timeouts, now_ticks()).live;
}

/// TCP sockets whose peer has another name than its address.
Result<bool> has_connected_streams(const std::string& generation_directory) {
  TRY(const BpfMapHandle map, open_map(generation_directory, "streams"));
  TRY(const BpfMapping memory, BpfMapping::map(map, sizeof(fl_stream)));
  return std::ranges::any_of(memory.elements<fl_stream>(),
                             [](const fl_stream& stream) { return stream.cookie != 0; });
}

}  // namespace

Result<Generation> Generation::open(const std::string& pin_directory, const Sizes& sizes,
                                    const BpfFeatures& features) {
  const std::string name = generation_name(sizes);
  const std::string directory = pin_directory + '/' + name;
  const bool is_new = !path_exists(directory + "/maps/config");
  TRY_VOID(make_directories(directory + "/maps"));
  TRY_VOID(make_directories(directory + "/links"));
  std::vector<Fd> pinned;
  TRY(auto object, load(sizes, features, [&](const std::string& map) {
        pinned.emplace_back(bpf_obj_get(fmt::format("{}/maps/{}", directory, map).c_str()));
        return pinned.back().get();
      }));
  for (const std::string& map : object.map_names()) {
    const std::string path = fmt::format("{}/maps/{}", directory, map);
    if (!is_pinned(map) || path_exists(path)) continue;
    TRY(const BpfMapHandle handle, BpfMapHandle::duplicate(object.map_fd(map), map));
    TRY_VOID(handle.pin(path));
  }
  TRY(Maps maps, Maps::open([&](const std::string& map) { return object.map_fd(map); }));
  return Generation{name, directory, std::move(object), std::move(maps), is_new};
}

Result<std::vector<std::string>> list_generations(const std::string& pin_directory) {
  TRY(std::vector<std::string> names, list_directory(pin_directory));
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("abi"); });
  return names;
}

Result<> set_mode(const std::string& generation_directory, fl_mode mode) {
  TRY(const BpfMapHandle handle, open_map(generation_directory, "config"));
  // Whatever its layout is, the mode comes first.
  TRY(const BpfMapping mapping, BpfMapping::map(handle, sizeof(std::uint64_t)));
  const std::atomic_ref<__u32> place(*reinterpret_cast<__u32*>(mapping.bytes().data()));
  if (place.load() != static_cast<__u32>(mode)) place.store(static_cast<__u32>(mode));
  return {};
}

Result<bool> is_in_use(const std::string& generation_directory, int socket_iterator) {
  const std::string layout = fmt::format("/abi{}-", FL_ABI);
  if (generation_directory.find(layout) == std::string::npos)
    return system_error(
        ENOTSUP, "count the flows of " + generation_directory + ", which is of another layout");
  TRY(const BpfMapHandle config_map, open_map(generation_directory, "config"));
  TRY(const BpfMapping config, BpfMapping::map(config_map, sizeof(fl_config)));
  const fl_timeouts timeouts = config.elements<fl_config>().front().timeouts;
  TRY(const std::uint64_t live4, live_flows<fl_bucket4>(generation_directory, "flows4", timeouts));
  TRY(const std::uint64_t live6, live_flows<fl_bucket6>(generation_directory, "flows6", timeouts));
  if (live4 + live6 > 0) return true;
  TRY(const bool has_streams, has_connected_streams(generation_directory));
  if (has_streams) return true;
  for (const char* map : {"sockets", "datagram_sockets"}) {
    TRY(const BpfMapHandle sockets, open_map(generation_directory, map));
    TRY(const auto seen, run_iterator(socket_iterator, sockets.fd()));
    if (!seen.empty()) return true;
  }
  return false;
}

Result<std::vector<std::byte>> run_iterator(int iterator, int map) {
  TRY(const BpfLink link, BpfLink::create_iterator(iterator, map));
  const Fd run(bpf_iter_create(link.fd()));
  if (!run) return system_error(errno, "run a BPF iterator");
  std::vector<std::byte> written;
  std::array<std::byte, 4096> buffer{};
  while (true) {
    const ssize_t got = ::read(run.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return system_error(errno, "read from a BPF iterator");
    if (got == 0) return written;
    written.insert(written.end(), buffer.begin(), buffer.begin() + got);
  }
}

Result<BpfObject> load_socket_iterator() {
  TRY(auto object, BpfObject::open(bpf_object(), "fairlead"));
  for (const std::string& program : object.program_names())
    if (program != kSocketIterator) TRY_VOID(object.skip_program(program));
  const fl_constants constants{};
  TRY_VOID(object.set_constants(std::as_bytes(std::span(&constants, 1))));
  TRY_VOID(object.load());
  return object;
}

}  // namespace fairlead::ebpf
