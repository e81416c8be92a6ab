#pragma once

#include <memory>
#include <utility>

/// An event that is not trivially copyable and knows how many of its kind are alive.
class Counted {
 public:
  explicit Counted(int value = 0) : value_(std::make_unique<int>(value)) { ++live; }
  Counted(Counted&& other) noexcept : value_(std::move(other.value_)) { ++live; }
  Counted& operator=(Counted&&) noexcept = default;
  ~Counted() { --live; }

  [[nodiscard]] int value() const { return *value_; }

  static inline int live = 0;

 private:
  std::unique_ptr<int> value_;
};
