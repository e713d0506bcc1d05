// Values that many objects hold alike: the name of a node is on each of its endpoints.
#pragma once

#include <compare>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace fairlead {

/// An immutable T that copies share. Compared by content; a default T costs no memory.
template <class T>
class Shared {
 public:
  Shared() = default;
  template <class From>
  requires(std::constructible_from<T, From&&> && !std::same_as<std::remove_cvref_t<From>, Shared>)
      Shared(From&& from) {  // implicit, so that a Shared<std::string> is assigned like a string
    T value(std::forward<From>(from));
    if (value != T{}) value_ = std::make_shared<const T>(std::move(value));
  }

  [[nodiscard]] const T& get() const {
    static const T kDefault{};
    return value_ ? *value_ : kDefault;
  }
  const T* operator->() const { return &get(); }
  const T& operator*() const { return get(); }

  /// Nobody else holds this value.
  [[nodiscard]] bool is_last() const { return value_.use_count() == 1; }
  [[nodiscard]] bool is_default() const { return value_ == nullptr; }

  friend bool operator==(const Shared& a, const Shared& b) {
    return a.value_ == b.value_ || a.get() == b.get();
  }

 private:
  std::shared_ptr<const T> value_;
};

}  // namespace fairlead
