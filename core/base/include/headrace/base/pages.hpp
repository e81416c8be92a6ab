#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "headrace/base/result.hpp"

namespace headrace {

/// Zeroed, page-aligned memory of its own mapping, for rings: present before first use, so that no publish takes a
/// page fault, and given back to the system when destroyed.
///
/// Blocks of 2 MiB and more are aligned to 2 MiB and offered to transparent huge pages, which spare a streaming
/// ring most of its TLB misses; whether the kernel takes the offer is its own affair. With several memory nodes
/// the pages lie on the node of the thread that allocates.
class Pages {
 public:
  enum class Huge { advise, no };
  static constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

  /// The size is rounded up to whole pages. @thread startup
  [[nodiscard]] static Result<Pages> allocate(std::size_t bytes, Huge huge = Huge::advise);

  Pages() noexcept = default;
  Pages(Pages&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~Pages();

  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return memory_.size(); }

 private:
  explicit Pages(std::span<std::byte> memory) noexcept : memory_(memory) {}
  std::span<std::byte> memory_;
};

}  // namespace headrace
