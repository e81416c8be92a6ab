#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "headrace/base/check.hpp"

namespace headrace {

/// An operating failure: what went wrong, where, and whether trying again can help.
struct Error {
  enum class Retry { no, maybe };
  std::string what;
  std::string where;  ///< a file and line, an option, a device; may be empty
  Retry retry = Retry::no;

  [[nodiscard]] std::string message() const { return where.empty() ? what : where + ": " + what; }
};

/// A value or an Error. Asking for the one that is not there is a programmer error and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& value() & { return check_value(), *value_; }
  [[nodiscard]] const T& value() const& { return check_value(), *value_; }
  [[nodiscard]] T&& value() && { return check_value(), *std::move(value_); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    HEADRACE_CHECK("result.error", !has_value(), "error() asked of a Result that holds a value");
    return error_;
  }

 private:
  void check_value() const {
    HEADRACE_CHECK("result.value", has_value(), "value() asked of a Result that holds an error");
  }
  std::optional<T> value_;
  Error error_;  ///< empty beside a value
};

struct Nothing {};
using Status = Result<Nothing>;

/// Thrown by start-up code only: an option that cannot be honoured. The text says what to change.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace headrace
