#include <gtest/gtest.h>

#include "headrace/simulation/seeds.hpp"
#include "side_by_side.hpp"

namespace headrace::sim {
namespace {

// Claim:  every call of a handler, its attempt and its time, every dead letter with its class and tries, and every
//         column of the ledger after each turn of a worker are what a model of plain lists says, whatever options
//         a subscription has, whatever its handler answers and whatever goes wrong around it.
// Method: random subscriptions and workloads with random faults, by seed; the model follows turn by turn. One bus in
//         four without spans stops in the middle: its letters stand in the order of their keys.
TEST(DeliveryModel, PredictsEveryOutcome) {
  EXPECT_EQ(for_each_seed(HEADRACE_SIM_SEEDS_DEFAULT, [](std::uint64_t seed) { return SideBySide(seed).run(); }),
            "");
}

// Claim:  a seed replays the same run, to the last step.
// Method: the workloads of the first seeds twice each, compared by the hash of all steps.
TEST(DeliveryModel, SeedsReplay) {
  EXPECT_EQ(for_each_seed(HEADRACE_SIM_SEEDS_DEFAULT / 50,
                          [](std::uint64_t seed) {
                            std::uint64_t traces[2];
                            for (std::uint64_t& trace : traces) {
                              SideBySide both(seed);
                              static_cast<void>(both.run());
                              trace = both.trace();
                            }
                            return std::string(traces[0] == traces[1] ? "" : "two runs differ");
                          }),
            "");
}

}  // namespace
}  // namespace headrace::sim
