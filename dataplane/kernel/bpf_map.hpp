// Maps of the kernel, typed by their key and value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// What the kernel says of a map.
struct BpfMapFigures {
  std::uint32_t id = 0, capacity = 0;
  std::uint64_t bytes = 0;  // of kernel memory
};

/// The operations, on bytes. `name` is for error messages.
class BpfMapHandle {
 public:
  BpfMapHandle() = default;
  /// Takes a file descriptor of its own.
  static Result<BpfMapHandle> duplicate(int fd, std::string name);
  static Result<BpfMapHandle> open_pinned(const std::string& path, std::string name);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t type() const { return type_; }  // enum bpf_map_type
  [[nodiscard]] std::uint32_t value_bytes() const { return value_bytes_; }
  [[nodiscard]] Result<BpfMapFigures> figures() const;
  /// Elements of a hash table or trie; nullopt: of another kind, where the question has no answer.
  [[nodiscard]] std::optional<std::uint64_t> count() const;
  Result<> pin(const std::string& path) const;

 protected:
  using Visit = std::function<void(const std::byte* key, const std::byte* value)>;

  /// False: no such element.
  [[nodiscard]] Result<bool> find(const void* key, void* value) const;
  /// ENOSPC or E2BIG: the map is full.
  Result<> update(const std::byte* keys, const std::byte* values, std::size_t count);
  Result<> erase(const std::byte* keys, std::size_t count);
  Result<> visit(const Visit& visit) const;

 private:
  [[nodiscard]] Result<bool> visit_batches(const Visit& visit) const;
  [[nodiscard]] Result<> visit_singly(const Visit& visit) const;

  Fd fd_;
  std::string name_;
  std::uint32_t type_ = 0, key_bytes_ = 0, value_bytes_ = 0, capacity_ = 0;
};

/// HASH, LRU_HASH, LPM_TRIE.
template <class Key, class Value>
class BpfMap : public BpfMapHandle {
 public:
  static_assert(std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value>);
  BpfMap() = default;
  explicit BpfMap(BpfMapHandle handle) : BpfMapHandle(std::move(handle)) {}

  [[nodiscard]] Result<std::optional<Value>> find(const Key& key) const {
    Value value{};
    auto found = BpfMapHandle::find(&key, &value);
    if (!found) return tl::unexpected(std::move(found).error());
    return *found ? std::optional(value) : std::nullopt;
  }
  /// As many elements as keys; each is written at once, all of them one after the other.
  Result<> update(std::span<const Key> keys, std::span<const Value> values) {
    return BpfMapHandle::update(std::as_bytes(keys).data(), std::as_bytes(values).data(),
                                keys.size());
  }
  Result<> update(const Key& key, const Value& value) {
    return update(std::span(&key, 1), std::span(&value, 1));
  }
  /// An element that is not there counts as erased.
  Result<> erase(std::span<const Key> keys) {
    return BpfMapHandle::erase(std::as_bytes(keys).data(), keys.size());
  }
  /// In no order. Elements that come or go meanwhile may be seen or not.
  [[nodiscard]] Result<std::vector<std::pair<Key, Value>>> read() const {
    std::vector<std::pair<Key, Value>> elements;
    auto outcome = visit([&](const std::byte* key, const std::byte* value) {
      auto& element = elements.emplace_back();
      std::copy_n(key, sizeof(Key), reinterpret_cast<std::byte*>(&element.first));
      std::copy_n(value, sizeof(Value), reinterpret_cast<std::byte*>(&element.second));
    });
    if (!outcome) return tl::unexpected(std::move(outcome).error());
    return elements;
  }
};

/// An ARRAY in our memory (BPF_F_MMAPABLE): what is stored is what programs see.
class BpfMapping {
 public:
  BpfMapping() = default;
  /// `element_bytes`: of the map's value, a multiple of 8 or a divisor of it.
  static Result<BpfMapping> map(const BpfMapHandle& handle, std::size_t element_bytes);
  BpfMapping(BpfMapping&& other) noexcept { swap(other); }
  BpfMapping& operator=(BpfMapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~BpfMapping();

  /// Elements as they lie in memory: each begins at a multiple of 8 bytes.
  template <class T>
  [[nodiscard]] std::span<T> elements() const {
    static_assert(sizeof(T) % 8 == 0);
    return {static_cast<T*>(address_), bytes_ / sizeof(T)};
  }
  /// Distance of elements that are smaller than 8 bytes.
  static constexpr std::size_t kStride = 8;
  [[nodiscard]] std::span<std::byte> bytes() const {
    return {static_cast<std::byte*>(address_), bytes_};
  }

 private:
  void swap(BpfMapping& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    std::swap(mapped_, other.mapped_);
  }
  void* address_ = nullptr;
  std::size_t bytes_ = 0, mapped_ = 0;
};

}  // namespace fairlead
