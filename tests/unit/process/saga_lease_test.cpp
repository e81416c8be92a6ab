#include "headrace/sourcing/memory_lease_store.hpp"
#include "saga_world.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

class SagaLease : public SagaWorld {
 protected:
  std::unique_ptr<RunnerLease> try_take() {
    TimeSource time = source();
    time.steady = [](const void* self) {
      return static_cast<std::uint64_t>(static_cast<const EventTime*>(self)->time_since_epoch().count());
    };
    return RunnerLease::try_take(
               leases, "sagas",
               {.lease_for = 100s, .time = time, .renews = RunnerLeaseOptions::Renews::when_called})
        .value();
  }
  Saga table() { return {"order", 1, {step("reserve"), step("charge", {}), step("ship")}}; }

  MemoryLeaseStore leases;
};

// Claim:  a runner that has lost its lease begins no step: its sagas are left, the error says why, and the next holder
//         brings them to their ends, each step run once.
// Method: the lease is lost within the first step; then the second one takes it and opens.
TEST_F(SagaLease, LostLeaseBeginsNoStep) {
  auto lease = try_take();
  ASSERT_NE(lease, nullptr);
  open(table(), {.lease = lease.get()});
  behave["reserve"] = [&](const StepCall&) {
    now += 75s;
    return StepAnswer::done();
  };
  start("7");
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve"}));
  EXPECT_EQ(runner->counts().halted, 1U);
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors.back().find("'sagas' is lost"), std::string::npos) << errors.back();
  EXPECT_FALSE(lease->renew());
  EXPECT_EQ(try_take(), nullptr) << "the old one has a quarter left to end what it had begun";

  now += 25s;
  const auto next = try_take();
  ASSERT_NE(next, nullptr);
  open(table(), {.lease = next.get()});
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "ship"}));
  EXPECT_EQ(phase("7"), SagaPhase::completed);
}

// Claim:  no compensation begins without the lease, either.
// Method: it is lost within the step that fails.
TEST_F(SagaLease, LostLeaseCompensatesNothing) {
  const auto lease = try_take();
  open(table(), {.lease = lease.get()});
  behave["charge"] = [&](const StepCall&) {
    now += 75s;
    return StepAnswer::refuse("no money");
  };
  start("7");
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "charge"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensating);
}

}  // namespace
}  // namespace headrace::test
