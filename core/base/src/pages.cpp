#include "headrace/base/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>

namespace headrace {
namespace {

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

// Maps more than is wanted and gives back what lies before and behind the aligned part.
std::byte* map_aligned(std::size_t bytes, std::size_t alignment) noexcept {
  const auto mapped_bytes = bytes + (alignment - page_bytes());
  void* const mapped = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(mapped);
  const auto address = std::bit_cast<std::uintptr_t>(start);
  const auto before = round_up(address, alignment) - address;
  const auto behind = mapped_bytes - before - bytes;
  if (before != 0) ::munmap(start, before);
  if (behind != 0) ::munmap(start + before + bytes, behind);
  return start + before;
}

// MADV_POPULATE_WRITE (Linux 5.14) reports memory that is not there, where a touch would end in a signal. The
// touch follows all the same: older kernels refuse the advice, and emulators accept it and do nothing.
bool make_present(std::byte* memory, std::size_t bytes) noexcept {
#if defined(MADV_POPULATE_WRITE)
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL && errno != ENOSYS) return false;
#endif
  for (std::size_t at = 0; at < bytes; at += page_bytes()) {
    static_cast<volatile std::byte*>(memory)[at] = std::byte{0};
  }
  return true;
}

Error out_of_memory(std::size_t bytes, int error) {
  return Error{"no memory for " + std::to_string(bytes) + " bytes of pages (" +
                   std::generic_category().message(error) + ")",
               "mmap", Error::Retry::maybe};
}

}  // namespace

Result<Pages> Pages::allocate(std::size_t bytes, Huge huge) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) return out_of_memory(bytes, ENOMEM);
  const auto wanted = round_up(bytes == 0 ? 1 : bytes, page_bytes());
  const bool huge_pages = huge == Huge::advise && wanted >= kHugePageBytes;
  auto* const memory = map_aligned(wanted, huge_pages ? kHugePageBytes : page_bytes());
  if (memory == nullptr) return out_of_memory(wanted, errno);
  Pages pages{{memory, wanted}};
  if (huge_pages) static_cast<void>(::madvise(memory, wanted, MADV_HUGEPAGE));  // advice: refusal costs speed only
  if (!make_present(memory, wanted)) return out_of_memory(wanted, errno);
  return pages;
}

Pages::~Pages() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace headrace
