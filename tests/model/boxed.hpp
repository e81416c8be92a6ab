#pragma once

#include "access.hpp"

namespace headrace::model {

/// An event that is not trivially copyable and whose every access is checked for races.
class Boxed {
 public:
  explicit Boxed(int value) noexcept : value_(value) { will_write(this); }
  Boxed(Boxed&& other) noexcept : value_(other.value()) { will_write(this); }
  Boxed(const Boxed& other) noexcept : value_(other.value()) { will_write(this); }
  Boxed& operator=(Boxed&& other) noexcept { return *this = other; }
  Boxed& operator=(const Boxed& other) noexcept {
    will_write(this);
    value_ = other.value();
    return *this;
  }
  ~Boxed() { end_of_lifetime(this); }

  [[nodiscard]] int value() const noexcept {
    will_read(this);
    return value_;
  }

 private:
  int value_;
};

}  // namespace headrace::model
