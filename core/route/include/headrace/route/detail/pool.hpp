#pragma once

#include <cstdint>
#include <vector>

namespace headrace::detail {

/// Records named by index, so that copying the whole is copying memory. A released index is given out again.
template <class T>
class Pool {
 public:
  [[nodiscard]] std::uint32_t add(const T& record) {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      records_[index] = record;
      return index;
    }
    records_.push_back(record);
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  void release(std::uint32_t index) { free_.push_back(index); }

  [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return records_[index]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept { return records_[index]; }

 private:
  std::vector<T> records_;
  std::vector<std::uint32_t> free_;
};

}  // namespace headrace::detail
