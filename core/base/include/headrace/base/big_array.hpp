#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "headrace/base/pages.hpp"

namespace headrace {

/// A table whose places are visited at random: on huge pages where the system gives them, since a miss of the TLB
/// costs more than one of the cache, twice so in a virtual machine.
///
/// Size fixed at construction; elements value-initialised. Throws std::bad_alloc.
template <class T>
class BigArray {
  static_assert(std::is_trivially_destructible_v<T>, "nobody destroys the elements");

 public:
  BigArray() noexcept = default;
  explicit BigArray(std::size_t size) : size_(size) {
    auto pages = Pages::allocate(size * sizeof(T));
    if (!pages) throw std::bad_alloc();
    pages_ = std::move(*pages);
    std::uninitialized_value_construct_n(data(), size);
  }

  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  [[nodiscard]] T* data() const noexcept { return reinterpret_cast<T*>(pages_.data()); }

  Pages pages_;
  std::size_t size_ = 0;
};

}  // namespace headrace
