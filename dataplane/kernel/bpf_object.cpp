// bytes -> libbpf: relocations, BTF, maps -> verifier -> file descriptors. What libbpf would print
// is caught and becomes part of the error.
#include "dataplane/kernel/bpf_object.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace fairlead {
namespace {

constexpr std::size_t kMessageLines = 12;

/// Where libbpf's messages of this thread go: its callback has no argument of ours.
thread_local std::string* messages = nullptr;

int keep_message(libbpf_print_level level, const char* format, va_list arguments) {
  if (messages == nullptr || level == LIBBPF_DEBUG) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return 0;
  const std::size_t old = messages->size();
  messages->resize(old + static_cast<std::size_t>(length) + 1);
  std::vsnprintf(messages->data() + old, static_cast<std::size_t>(length) + 1, format, arguments);
  messages->pop_back();
  return length;
}

/// Catches what libbpf says while it lives.
class Messages {
 public:
  Messages() {
    libbpf_set_print(&keep_message);
    messages = &text_;
  }
  ~Messages() { messages = nullptr; }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  /// The last lines, which is where the verifier says why. One line: "a; b; c".
  [[nodiscard]] std::string end() const {
    std::vector<std::string_view> lines;
    for (std::string_view rest = text_; !rest.empty();) {
      const std::size_t length = rest.find('\n');
      const std::string_view line = rest.substr(0, length);
      if (!line.empty()) lines.push_back(line);
      rest = length == rest.npos ? std::string_view() : rest.substr(length + 1);
    }
    if (lines.size() > kMessageLines) lines.erase(lines.begin(), lines.end() - kMessageLines);
    return fmt::format("{}", fmt::join(lines, "; "));
  }

 private:
  std::string text_;
};

tl::unexpected<Error> refused(int error, const std::string& doing, const Messages& said) {
  const std::string why = said.end();
  return system_error(error, why.empty() ? doing : fmt::format("{} ({})", doing, why));
}

}  // namespace

void BpfObject::Close::operator()(bpf_object* object) const { bpf_object__close(object); }

Result<BpfObject> BpfObject::open(std::span<const std::byte> elf, const std::string& name) {
  const Messages said;
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  bpf_object* object = bpf_object__open_mem(elf.data(), elf.size(), &options);
  if (object == nullptr) return refused(errno, "open BPF object " + name, said);
  return BpfObject(object, name);
}

Result<> BpfObject::set_max_entries(const std::string& map, std::uint32_t entries) {
  bpf_map* found = bpf_object__find_map_by_name(object_.get(), map.c_str());
  if (found == nullptr) return invalid(fmt::format("BPF object {} has no map {}", name_, map));
  if (const int error = bpf_map__set_max_entries(found, entries); error != 0)
    return system_error(-error, "set the size of BPF map " + map);
  return {};
}

Result<> BpfObject::set_constants(std::span<const std::byte> bytes) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    const std::string_view name = bpf_map__name(map);
    if (!bpf_map__is_internal(map) || !name.ends_with(".rodata")) continue;
    std::size_t size = 0;
    bpf_map__initial_value(map, &size);
    if (size != bytes.size())
      return invalid(fmt::format("constants of BPF object {} are {} bytes, not {}", name_, size,
                                 bytes.size()));
    if (const int error = bpf_map__set_initial_value(map, bytes.data(), bytes.size()); error != 0)
      return system_error(-error, "set the constants of BPF object " + name_);
    return {};
  }
  return invalid(fmt::format("BPF object {} has no constants", name_));
}

Result<> BpfObject::adopt_map(const std::string& map, int fd) {
  bpf_map* wanted = bpf_object__find_map_by_name(object_.get(), map.c_str());
  if (wanted == nullptr) return invalid(fmt::format("BPF object {} has no map {}", name_, map));
  bpf_map_info have{};
  __u32 size = sizeof(have);
  if (bpf_obj_get_info_by_fd(fd, &have, &size) != 0)
    return system_error(errno, "look at BPF map " + map);
  if (have.type != bpf_map__type(wanted) || have.key_size != bpf_map__key_size(wanted) ||
      have.value_size != bpf_map__value_size(wanted) ||
      have.max_entries != bpf_map__max_entries(wanted) ||
      have.map_flags != bpf_map__map_flags(wanted))
    return invalid(fmt::format("BPF map {} in the kernel is of another shape", map));
  if (const int error = bpf_map__reuse_fd(wanted, fd); error != 0)
    return system_error(-error, "adopt BPF map " + map);
  return {};
}

Result<> BpfObject::skip_program(const std::string& program) {
  bpf_program* found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  if (found == nullptr)
    return invalid(fmt::format("BPF object {} has no program {}", name_, program));
  if (const int error = bpf_program__set_autoload(found, false); error != 0)
    return system_error(-error, "leave out BPF program " + program);
  return {};
}

Result<> BpfObject::load() {
  const Messages said;
  if (const int error = bpf_object__load(object_.get()); error != 0)
    return refused(-error, "load BPF object " + name_, said);
  return {};
}

std::vector<std::string> BpfObject::program_names() const {
  std::vector<std::string> names;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get())
      names.emplace_back(bpf_program__name(program));
  return names;
}

std::vector<std::string> BpfObject::map_names() const {
  std::vector<std::string> names;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) if (!bpf_map__is_internal(map))
      names.emplace_back(bpf_map__name(map));
  return names;
}

std::vector<BpfProgram> BpfObject::programs() const {
  std::vector<BpfProgram> loaded;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    const int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    const bool known = bpf_obj_get_info_by_fd(fd, &info, &size) == 0;
    loaded.push_back({bpf_program__name(program), bpf_program__section_name(program), fd, info.id,
                      known ? info.verified_insns : 0, known ? info.xlated_prog_len : 0});
  }
  return loaded;
}

int BpfObject::program_fd(const std::string& program) const {
  const bpf_program* found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  const int fd = found == nullptr ? -1 : bpf_program__fd(found);
  return fd < 0 ? -1 : fd;
}

int BpfObject::map_fd(const std::string& map) const {
  const int fd = bpf_object__find_map_fd_by_name(object_.get(), map.c_str());
  return fd < 0 ? -1 : fd;
}

}  // namespace fairlead
