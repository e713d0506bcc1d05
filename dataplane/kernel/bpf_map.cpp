// Batch operations where the kernel has them for the kind of map, else one call an element.
#include "dataplane/kernel/bpf_map.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>

namespace fairlead {
namespace {

constexpr __u32 kBatch = 4096;
/// ENOTSUPP, which the kernel lets out where a kind of map has no batch operation.
constexpr int kNotSupported = 524;

bool has_no_batches(int error) {
  return error == kNotSupported || error == EOPNOTSUPP || error == EINVAL;
}

std::uint64_t memory_in_fdinfo(int fd) {
  std::ifstream file(fmt::format("/proc/self/fdinfo/{}", fd));
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kField = "memlock:";
    if (!line.starts_with(kField)) continue;
    const std::size_t at = line.find_first_of("0123456789");
    std::uint64_t bytes = 0;
    if (at != line.npos) std::from_chars(line.data() + at, line.data() + line.size(), bytes);
    return bytes;
  }
  return 0;
}

}  // namespace

Result<BpfMapHandle> BpfMapHandle::duplicate(int fd, std::string name) {
  BpfMapHandle handle;
  handle.fd_ = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!handle.fd_) return system_error(errno, "open BPF map " + name);
  handle.name_ = std::move(name);
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(handle.fd(), &info, &size) != 0)
    return system_error(errno, "look at BPF map " + handle.name_);
  handle.type_ = info.type;
  handle.key_bytes_ = info.key_size;
  handle.value_bytes_ = info.value_size;
  handle.capacity_ = info.max_entries;
  return handle;
}

Result<BpfMapHandle> BpfMapHandle::open_pinned(const std::string& path, std::string name) {
  const Fd fd(bpf_obj_get(path.c_str()));
  if (!fd) return system_error(errno, "open BPF map " + path);
  return duplicate(fd.get(), std::move(name));
}

Result<BpfMapFigures> BpfMapHandle::figures() const {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd(), &info, &size) != 0)
    return system_error(errno, "look at BPF map " + name_);
  return BpfMapFigures{info.id, info.max_entries, memory_in_fdinfo(fd())};
}

std::optional<std::uint64_t> BpfMapHandle::count() const {
  if (type_ != BPF_MAP_TYPE_HASH && type_ != BPF_MAP_TYPE_LRU_HASH &&
      type_ != BPF_MAP_TYPE_LPM_TRIE)
    return std::nullopt;
  std::uint64_t elements = 0;
  if (!visit([&](const std::byte*, const std::byte*) { ++elements; })) return std::nullopt;
  return elements;
}

Result<> BpfMapHandle::pin(const std::string& path) const {
  if (bpf_obj_pin(fd(), path.c_str()) != 0) return system_error(errno, "pin " + path);
  return {};
}

Result<bool> BpfMapHandle::find(const void* key, void* value) const {
  if (bpf_map_lookup_elem(fd(), key, value) == 0) return true;
  if (errno == ENOENT) return false;
  return system_error(errno, "look into BPF map " + name_);
}

Result<> BpfMapHandle::update(const std::byte* keys, const std::byte* values, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    auto batch = static_cast<__u32>(std::min<std::size_t>(count - done, kBatch));
    const std::byte* key = keys + done * key_bytes_;
    const std::byte* value = values + done * value_bytes_;
    int error = 0;
    if (batch == 1 || bpf_map_update_batch(fd(), key, value, &batch, nullptr) != 0)
      error = batch == 1 ? kNotSupported : errno;
    if (error != 0 && has_no_batches(error)) {
      batch = 1;
      error = bpf_map_update_elem(fd(), key, value, BPF_ANY) != 0 ? errno : 0;
    }
    if (error != 0) return system_error(error, "write to BPF map " + name_);
    done += batch;
  }
  return {};
}

Result<> BpfMapHandle::erase(const std::byte* keys, std::size_t count) {
  // One by one: a batch ends at the first element that is not there.
  for (std::size_t i = 0; i < count; ++i)
    if (bpf_map_delete_elem(fd(), keys + i * key_bytes_) != 0 && errno != ENOENT)
      return system_error(errno, "erase from BPF map " + name_);
  return {};
}

Result<> BpfMapHandle::visit(const Visit& visit) const {
  TRY(const bool done, visit_batches(visit));
  return done ? Result<>() : visit_singly(visit);
}

Result<bool> BpfMapHandle::visit_batches(const Visit& visit) const {
  // A hash table hands out whole chains: a buffer that one does not fit into is doubled.
  std::uint32_t size = std::min(capacity_, kBatch);
  std::vector<std::byte> keys(std::size_t{size} * key_bytes_);
  std::vector<std::byte> values(std::size_t{size} * value_bytes_);
  // Where to go on: a key, or the number of a chain.
  std::vector<std::byte> from(std::max<std::size_t>(key_bytes_, 8)), next(from.size());
  bool begun = false;
  while (true) {
    __u32 count = size;
    const int failed = bpf_map_lookup_batch(fd(), begun ? from.data() : nullptr, next.data(),
                                            keys.data(), values.data(), &count, nullptr);
    const int error = failed != 0 ? errno : 0;
    if (error == ENOSPC && size < capacity_) {
      size *= 2;
      keys.resize(std::size_t{size} * key_bytes_);
      values.resize(std::size_t{size} * value_bytes_);
      continue;
    }
    if (!begun && has_no_batches(error)) return false;
    if (error != 0 && error != ENOENT) return system_error(error, "read BPF map " + name_);
    for (std::size_t i = 0; i < count; ++i)
      visit(keys.data() + i * key_bytes_, values.data() + i * value_bytes_);
    if (error == ENOENT) return true;
    begun = true;
    from.swap(next);
  }
}

Result<> BpfMapHandle::visit_singly(const Visit& visit) const {
  std::vector<std::byte> key(key_bytes_), next(key_bytes_), value(value_bytes_);
  for (const std::byte* after = nullptr; bpf_map_get_next_key(fd(), after, next.data()) == 0;) {
    TRY(const bool found, find(next.data(), value.data()));
    if (found) visit(next.data(), value.data());
    key.swap(next);
    after = key.data();
  }
  if (errno != ENOENT) return system_error(errno, "read BPF map " + name_);
  return {};
}

Result<BpfMapping> BpfMapping::map(const BpfMapHandle& handle, std::size_t element_bytes) {
  TRY(const BpfMapFigures figures, handle.figures());
  BpfMapping mapping;
  mapping.bytes_ = std::size_t{figures.capacity} * ((element_bytes + 7) / 8 * 8);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  mapping.mapped_ = (mapping.bytes_ + page - 1) / page * page;
  void* address =
      ::mmap(nullptr, mapping.mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, handle.fd(), 0);
  if (address == MAP_FAILED) return system_error(errno, "map BPF map " + handle.name());
  mapping.address_ = address;
  return mapping;
}

BpfMapping::~BpfMapping() {
  if (address_ != nullptr) ::munmap(address_, mapped_);
}

}  // namespace fairlead
