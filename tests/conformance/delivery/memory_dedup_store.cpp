#include "headrace/delivery/memory_dedup_store.hpp"

#include "dedup_store.hpp"

namespace headrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, DedupStoreConformance,
                         testing::Values(DedupStoreMaker{
                             .name = "memory",
                             .make =
                                 [](std::uint32_t events_max, std::chrono::seconds window,
                                    std::chrono::seconds claim_for) {
                                   return std::make_unique<MemoryDedupStore>(DedupWindow{
                                       .events_max = events_max, .window = window, .claim_for = claim_for});
                                 },
                             .renews = true}));

}  // namespace
}  // namespace headrace::test
