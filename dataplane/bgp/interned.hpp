// Values that many hold and few differ in: each is kept once, counted, and gone with its last
// holder. A holder costs a pointer, and whether two are equal is a comparison of pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

namespace fairlead::bgp {

template <class T>
class Pool;

/// A value of a Pool, or nothing. One thread; must not outlive the pool.
template <class T>
class Interned {
 public:
  Interned() = default;
  Interned(const Interned& other) : entry_(other.entry_) {
    if (entry_ != nullptr) ++entry_->second.holders;
  }
  Interned(Interned&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  Interned& operator=(Interned other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Interned() {
    if (entry_ != nullptr && --entry_->second.holders == 0)
      entry_->second.pool->forget(entry_->first);
  }

  explicit operator bool() const { return entry_ != nullptr; }
  const T& operator*() const { return entry_->first; }
  const T* operator->() const { return &entry_->first; }
  /// Null for nothing; as long as somebody holds the value it is this value's alone.
  [[nodiscard]] const T* get() const { return entry_ == nullptr ? nullptr : &entry_->first; }
  bool operator==(const Interned&) const = default;

 private:
  friend class Pool<T>;
  using Entry = typename Pool<T>::Entry;
  explicit Interned(Entry& entry) : entry_(&entry) { ++entry.second.holders; }

  Entry* entry_ = nullptr;
};

/// T needs == and std::hash. Stays where it is: what it gave out points to it.
template <class T>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  Interned<T> intern(T value) {
    return Interned<T>(*values_.try_emplace(std::move(value), Uses{.pool = this}).first);
  }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  friend class Interned<T>;
  struct Uses {
    Pool* pool = nullptr;
    std::uint32_t holders = 0;
  };
  using Entry = std::pair<const T, Uses>;

  void forget(const T& value) { values_.erase(values_.find(value)); }

  std::unordered_map<T, Uses> values_;
};

}  // namespace fairlead::bgp
