#pragma once

#include <cstdint>
#include <vector>

namespace headrace::detail {

/// Records named by index, so that copying the whole is copying memory. A released index is given out again.
template <class T>
class Pool {
 public:
  Pool() = default;
  /// Leaves room in the copy: what is copied in order to be changed would otherwise be moved by its first record.
  Pool(const Pool& other) : free_(other.free_) {
    records_.reserve(other.records_.size() + other.records_.size() / 16 + 16);
    records_ = other.records_;
  }
  Pool(Pool&&) noexcept = default;
  Pool& operator=(Pool other) noexcept {
    records_.swap(other.records_);
    free_.swap(other.free_);
    return *this;
  }
  ~Pool() = default;

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
