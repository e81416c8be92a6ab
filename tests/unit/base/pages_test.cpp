#include "headrace/base/pages.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <vector>

namespace headrace {
namespace {

// Page faults of this thread that needed no disk.
long faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

bool is_mapped(const void* address) {
  unsigned char resident = 0;
  return ::mincore(const_cast<void*>(address), 1, &resident) == 0;
}

// Claim:  memory is zeroed, writable, aligned to pages and at least as big as asked for.
// Method: sizes around a page and around a huge page; every byte read and written.
TEST(Pages, AreZeroedAlignedAndBigEnough) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, page, page + 1, Pages::kHugePageBytes - 1,
                                  Pages::kHugePageBytes, Pages::kHugePageBytes + 1}) {
    const auto pages = Pages::allocate(bytes);
    ASSERT_TRUE(pages);
    EXPECT_GE(pages->size_bytes(), bytes);
    EXPECT_EQ(pages->size_bytes() % page, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages->data()) % page, 0u);
    if (bytes >= Pages::kHugePageBytes) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages->data()) % Pages::kHugePageBytes, 0u);
    }
    auto* const end = pages->data() + pages->size_bytes();
    EXPECT_TRUE(std::all_of(pages->data(), end, [](std::byte b) { return b == std::byte{0}; }));
    std::fill(pages->data(), end, std::byte{0xff});
  }
}

// Claim:  the pages are present: their first use takes no page fault.
// Method: counts the faults while every page of a mebibyte is written; a few may come from elsewhere in the
//         process.
TEST(Pages, FirstUseTakesNoPageFault) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const auto pages = Pages::allocate(kBytes, Pages::Huge::no);
  ASSERT_TRUE(pages);
  const auto before = faults();
  for (std::size_t at = 0; at < kBytes; at += 4096)
    static_cast<volatile std::byte*>(pages->data())[at] = std::byte{1};
  EXPECT_LT(faults() - before, 16);
}

// Claim:  memory has one owner, who gives it back.
// Method: moved by construction and assignment; the mapping is looked up after each step.
TEST(Pages, MoveKeepsOneOwnerWhoUnmaps) {
  const std::byte* first = nullptr;
  {
    auto result = Pages::allocate(1);
    ASSERT_TRUE(result);
    Pages one = std::move(result).value();
    first = one.data();
    Pages other;
    EXPECT_EQ(other.data(), nullptr);
    other = std::move(one);
    EXPECT_EQ(other.data(), first);
    const Pages last{std::move(other)};
    EXPECT_EQ(last.data(), first);
    EXPECT_TRUE(is_mapped(first));
  }
  EXPECT_FALSE(is_mapped(first));
}

// Claim:  more memory than there can be is an error that may pass, not an abort.
// Method: sizes that overflow and sizes beyond the address space.
TEST(Pages, RefusesWhatCannotBe) {
  for (const auto bytes : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 4}) {
    const auto pages = Pages::allocate(bytes);
    ASSERT_FALSE(pages);
    EXPECT_EQ(pages.error().retry, Error::Retry::maybe);
    EXPECT_EQ(pages.error().where, "mmap");
  }
}

}  // namespace
}  // namespace headrace
