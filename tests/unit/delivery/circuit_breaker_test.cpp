#include "headrace/delivery/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace headrace {
namespace {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;
using Permit = CircuitBreaker::Permit;

constexpr std::uint64_t kSecond = 1'000'000'000;

CircuitBreaker after_two_failures() { return CircuitBreaker{{.failures_in_a_row = 2, .open_for = 10s}}; }

void fail(CircuitBreaker& breaker, std::uint64_t now_ns) {
  const Permit permit = breaker.ask(now_ns);
  EXPECT_TRUE(permit.may_run);
  breaker.failed(permit, now_ns);
}
void succeed(CircuitBreaker& breaker, std::uint64_t now_ns) {
  const Permit permit = breaker.ask(now_ns);
  EXPECT_TRUE(permit.may_run);
  breaker.succeeded(permit, now_ns);
}

// Claim:  it opens after so many failures in a row, and a success in between starts the row anew.
// Method: failures around a success.
TEST(CircuitBreaker, OpensAfterFailuresInARow) {
  CircuitBreaker breaker = after_two_failures();
  fail(breaker, 0);
  succeed(breaker, 0);
  fail(breaker, 0);
  EXPECT_EQ(breaker.state(), State::closed);
  fail(breaker, 0);
  EXPECT_EQ(breaker.state(), State::open);
  EXPECT_FALSE(breaker.ask(1).may_run);
  EXPECT_EQ(breaker.asks_again_ns(), 10 * kSecond);
}

// Claim:  it opens when the window's ratio of failures is reached, by enough calls, and old failures do not count.
// Method: 4 of 8 within a second; fewer calls; and the same failures spread over two windows.
TEST(CircuitBreaker, OpensByRatioOverTheWindow) {
  const CircuitBreakerOptions options{.failure_ratio = 0.5, .calls_min = 8, .window = 10s};
  CircuitBreaker breaker{options};
  for (int i = 0; i < 4; ++i) succeed(breaker, kSecond);
  for (int i = 0; i < 3; ++i) fail(breaker, kSecond);
  EXPECT_EQ(breaker.state(), State::closed);
  fail(breaker, kSecond);
  EXPECT_EQ(breaker.state(), State::open);

  CircuitBreaker spread{options};
  for (std::uint64_t i = 0; i < 16; ++i) fail(spread, i * 2 * kSecond);
  EXPECT_EQ(spread.state(), State::closed) << "never 8 calls within 10 s";
  CircuitBreaker mixed{options};
  for (int i = 0; i < 7; ++i) fail(mixed, 0);
  for (int i = 0; i < 7; ++i) succeed(mixed, 11 * kSecond);
  fail(mixed, 11 * kSecond);
  EXPECT_EQ(mixed.state(), State::closed);
}

// Claim:  what ran when the breaker opened answers too late to count, in every later state.
// Method: two events run while a third and a fourth open the breaker; they answer while it is open, half-open and
//         closed.
TEST(CircuitBreaker, LateAnswersDoNotCount) {
  for (const bool late_success : {true, false}) {
    const auto answer = [&](CircuitBreaker& breaker, Permit permit, std::uint64_t now_ns) {
      late_success ? breaker.succeeded(permit, now_ns) : breaker.failed(permit, now_ns);
    };
    CircuitBreaker breaker = after_two_failures();
    const Permit old = breaker.ask(0);
    fail(breaker, 0);
    fail(breaker, 0);
    answer(breaker, old, 1);
    EXPECT_EQ(breaker.state(), State::open);
    EXPECT_EQ(breaker.asks_again_ns(), 10 * kSecond);
    const Permit probe = breaker.ask(10 * kSecond);
    answer(breaker, old, 10 * kSecond);
    EXPECT_EQ(breaker.state(), State::half_open);
    breaker.succeeded(probe, 10 * kSecond);
    fail(breaker, 11 * kSecond);
    answer(breaker, old, 11 * kSecond);
    answer(breaker, probe, 11 * kSecond);
    EXPECT_EQ(breaker.state(), State::closed);
    fail(breaker, 11 * kSecond);
    EXPECT_EQ(breaker.state(), State::open);
  }
}

// Claim:  the state machine is exactly this: closed opens by failures; open lets one probe through when its time
//         is over; half-open lets nothing else through, closes by the probe's success, opens by its failure, and
//         sends another probe when the first is as old as the open time.
// Method: all 6^6 rows of six steps (ask, answer the latest permit well or badly, answer the one before badly,
//         wait 1 or 10 s) against the machine written out in plain words.
TEST(CircuitBreaker, AgreesWithItsStateMachine) {
  for (std::uint32_t row = 0; row < 6 * 6 * 6 * 6 * 6 * 6; ++row) {
    CircuitBreaker breaker{{.failures_in_a_row = 1, .open_for = 10s}};
    State state = State::closed;
    std::uint64_t now = 0;
    std::uint64_t opens = 0;
    std::vector<Permit> permits(2);
    std::vector<bool> current(2);  // whether the permit's answer still counts
    const auto outdate = [&] { current.assign(current.size(), false); };
    std::uint32_t rest = row;
    for (int step = 0; step < 6; ++step, rest /= 6) {
      switch (rest % 6) {
        case 0: {
          const Permit permit = breaker.ask(now);
          const bool may_run = state == State::closed || now >= opens;
          ASSERT_EQ(permit.may_run, may_run) << row;
          if (!may_run) break;
          if (state != State::closed) {
            outdate();
            state = State::half_open;
            opens = now + 10 * kSecond;
          }
          permits.push_back(permit);
          current.push_back(true);
          break;
        }
        case 1:
          breaker.succeeded(permits.back(), now);
          if (current.back() && state == State::half_open) {
            state = State::closed;
            outdate();
          }
          break;
        case 2:
        case 3: {
          const std::size_t which = permits.size() - rest % 6 + 1;
          breaker.failed(permits[which], now);
          if (current[which]) {
            state = State::open;
            opens = now + 10 * kSecond;
            outdate();
          }
          break;
        }
        case 4:
          now += kSecond;
          break;
        default:
          now += 10 * kSecond;
      }
      ASSERT_EQ(breaker.state(), state) << row << " step " << step;
    }
  }
}

// Claim:  an event whose end says nothing is no call and ends no row; a probe's lets the next one probe at once, and
//         is used up.
// Method: between two failures; then twice at the probe, which answers badly afterwards.
TEST(CircuitBreaker, AbstentionsAreNotCounted) {
  CircuitBreaker breaker = after_two_failures();
  EXPECT_FALSE(breaker.abstained(breaker.ask(0), 0));
  fail(breaker, 0);
  EXPECT_FALSE(breaker.abstained(breaker.ask(0), 0));
  fail(breaker, 0);
  ASSERT_EQ(breaker.state(), State::open);
  const Permit probe = breaker.ask(10 * kSecond);
  EXPECT_FALSE(breaker.ask(11 * kSecond).may_run);
  EXPECT_TRUE(breaker.abstained(probe, 11 * kSecond));
  EXPECT_EQ(breaker.asks_again_ns(), 11 * kSecond);
  EXPECT_FALSE(breaker.abstained(probe, 11 * kSecond));
  breaker.failed(probe, 11 * kSecond);
  EXPECT_EQ(breaker.state(), State::half_open);
  succeed(breaker, 11 * kSecond);
  EXPECT_EQ(breaker.state(), State::closed);
}

}  // namespace
}  // namespace headrace
