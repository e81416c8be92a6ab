#include "headrace/delivery/memory_dead_letter_store.hpp"

#include "dead_letter_store.hpp"
#include "headrace/delivery/spilling_dead_letter_store.hpp"

namespace headrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, DeadLetterStoreConformance,
                         testing::Values(DeadLetterStoreMaker{
                             "memory", [](std::size_t letters_max, WhenFull when_full) {
                               return std::make_unique<MemoryDeadLetterStore>(
                                   MemoryDeadLetterOptions{.letters_max = letters_max, .when_full = when_full});
                             }}));

std::unique_ptr<SpillingDeadLetterStore> spilling_store(std::size_t first, std::size_t second,
                                                        WhenFull when_full) {
  return std::make_unique<SpillingDeadLetterStore>(
      std::make_shared<MemoryDeadLetterStore>(MemoryDeadLetterOptions{.letters_max = first}),
      std::make_shared<MemoryDeadLetterStore>(
          MemoryDeadLetterOptions{.letters_max = second, .when_full = when_full}));
}

// Both behave as one store: with everything in the second, and with the seam after two letters. Where the oldest
// is to be dropped it lies in the second store alone.
INSTANTIATE_TEST_SUITE_P(Spilling, DeadLetterStoreConformance,
                         testing::Values(DeadLetterStoreMaker{"spilt",
                                                              [](std::size_t letters_max, WhenFull when_full) {
                                                                return spilling_store(0, letters_max, when_full);
                                                              }},
                                         DeadLetterStoreMaker{
                                             "seam", [](std::size_t letters_max, WhenFull when_full) {
                                               const std::size_t first = when_full == WhenFull::refuse ? 2 : 0;
                                               return spilling_store(first, letters_max - first, when_full);
                                             }}));

}  // namespace
}  // namespace headrace::test
