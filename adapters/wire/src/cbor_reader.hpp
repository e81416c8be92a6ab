#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tree_builder.hpp"

namespace headrace::wire {

/// Reads one CBOR value (RFC 8949) into a TreeBuilder. Ours, not the JSON library's: that one follows strings of
/// indefinite length into each other as deep as the input says. Lengths are compared with what is left before
/// anything is taken; recursion ends with the builder's depth.
class CborReader {
 public:
  CborReader(std::span<const std::byte> body, TreeBuilder& builder) : body_(body), builder_(builder) {}

  /// The body is one value and nothing else.
  [[nodiscard]] bool read_all();

 private:
  struct Head {
    unsigned major;
    unsigned info;
    std::uint64_t argument;
    [[nodiscard]] bool is_indefinite() const noexcept { return info == 31; }
    [[nodiscard]] bool is_break() const noexcept { return major == 7 && info == 31; }
  };
  [[nodiscard]] bool fail(std::string what);
  [[nodiscard]] std::optional<std::uint64_t> number(std::size_t bytes);
  [[nodiscard]] std::optional<Head> head();
  [[nodiscard]] bool value(const Head& head);
  [[nodiscard]] bool run(const Head& head, std::string& out);
  [[nodiscard]] bool list(const Head& head);
  [[nodiscard]] bool record(const Head& head);
  [[nodiscard]] bool name(const Head& head);
  [[nodiscard]] bool simple(const Head& head);

  std::span<const std::byte> body_;
  std::size_t at_ = 0;
  TreeBuilder& builder_;
};

}  // namespace headrace::wire
