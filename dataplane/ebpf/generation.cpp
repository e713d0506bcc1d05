// pinned maps -> load -> pins of the maps that are new.
#include "dataplane/ebpf/generation.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "bpf/object.hpp"
#include "dataplane/kernel/bpf_fs.hpp"
#include "dataplane/kernel/bpf_link.hpp"

namespace fairlead::ebpf {
namespace {

/// What is not worth keeping: it is used within one call.
bool is_pinned(const std::string& map) { return map != "trace"; }

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

std::optional<std::uint32_t> layout_of(std::string_view name) {
  constexpr std::string_view kBefore = "abi";
  if (!name.starts_with(kBefore)) return std::nullopt;
  std::uint32_t layout = 0;
  const char* const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + kBefore.size(), last, layout);
  if (error != std::errc() || end == last || *end != '-') return std::nullopt;
  return layout;
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

Result<BpfObject> load_iterators() {
  TRY(auto object, BpfObject::open(bpf_object(), "fairlead"));
  for (const std::string& program : object.program_names())
    if (program != kSocketIterator && program != kDeadSocketIterator)
      TRY_VOID(object.skip_program(program));
  TRY_VOID(object.set_max_entries("dead_backends", kDeadBackends));
  const fl_constants constants{};
  TRY_VOID(object.set_constants(std::as_bytes(std::span(&constants, 1))));
  TRY_VOID(object.load());
  return object;
}

}  // namespace fairlead::ebpf
