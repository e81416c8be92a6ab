#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace headrace::program {

/// What a parser of a small language made of its text: a value, or a problem and the column (from 0) where it is.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::size_t column = 0;
  std::string problem;

  [[nodiscard]] static Parsed failed(std::size_t at, std::string what) {
    return {std::nullopt, at, std::move(what)};
  }
  explicit operator bool() const noexcept { return value.has_value(); }
};

}  // namespace headrace::program
