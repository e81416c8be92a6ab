#include "headrace/delivery/memory_dead_letter_store.hpp"

#include "dead_letter_store.hpp"

namespace headrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, DeadLetterStoreConformance,
                         testing::Values(DeadLetterStoreMaker{
                             "memory", [](std::size_t letters_max, WhenFull when_full) {
                               return std::make_unique<MemoryDeadLetterStore>(
                                   MemoryDeadLetterOptions{.letters_max = letters_max, .when_full = when_full});
                             }}));

}  // namespace
}  // namespace headrace::test
