#include "access_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "access.hpp"
#include "relacy_atomics.hpp"

namespace headrace::model {
namespace {

/// An open hash table that an execution never fills.
struct Slots {
  static constexpr std::size_t kCount = 256;
  struct Slot {
    const void* address = nullptr;
    std::optional<rl::var<int>> history;
  };
  std::array<Slot, kCount> all;
  std::array<std::size_t, kCount> used;
  std::size_t used_count = 0;

  Slot& find(const void* address) noexcept {
    std::size_t i = (reinterpret_cast<std::uintptr_t>(address) >> 2) * 0x9E3779B97F4A7C15U >> 56;
    while (all[i].address != nullptr && all[i].address != address) i = (i + 1) % kCount;
    return all[i];
  }
};

// Not destroyed at exit: what a failed execution left here belongs to a Relacy that is gone.
Slots& slots = *new Slots;

}  // namespace

// A failed execution is left in the middle: its histories are overwritten, not destroyed.
AccessTable::AccessTable() {
  for (std::size_t i = 0; i < slots.used_count; ++i) std::construct_at(&slots.all[slots.used[i]]);
  slots.used_count = 0;
  current_ = this;
}

AccessTable::~AccessTable() {
  for (std::size_t i = 0; i < slots.used_count; ++i) {
    Slots::Slot& slot = slots.all[slots.used[i]];
    slot.address = nullptr;
    slot.history.reset();
  }
  slots.used_count = 0;
  current_ = nullptr;
}

rl::var<int>& AccessTable::history_of(const void* address) {
  Slots::Slot& slot = slots.find(address);
  if (slot.address == nullptr) {
    if (slots.used_count + 1 == Slots::kCount) {
      rl::ctx().fail_test("too many plain addresses", rl::test_result_inconsistent_test_suite, {});
    }
    slot.address = address;
    slots.used[slots.used_count++] = static_cast<std::size_t>(&slot - slots.all.data());
  }
  if (!slot.history) slot.history.emplace();
  return *slot.history;
}

void AccessTable::end(const void* address, const Where& where) {
  Slots::Slot& slot = slots.find(address);
  if (!slot.history) return;
  (*slot.history)(info(where)).store(0);
  slot.history.reset();  // the slot keeps its place in the probe chain
}

void will_read(const void* address, const Where& where) noexcept {
  if (AccessTable* table = AccessTable::current())
    static_cast<void>(table->history_of(address)(info(where)).load());
}

void will_write(const void* address, const Where& where) noexcept {
  if (AccessTable* table = AccessTable::current()) table->history_of(address)(info(where)).store(1);
}

void end_of_lifetime(const void* address, const Where& where) noexcept {
  if (AccessTable* table = AccessTable::current()) table->end(address, where);
}

}  // namespace headrace::model
