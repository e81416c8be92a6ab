#include "headrace/delivery/outcome.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>

#include "headrace/delivery/exception_policy.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;

// Claim:  an outcome carries what it was made of, and its reason outlives the text it was made from.
// Method: one of each kind; a reason that is gone, and one that is too long.
TEST(Outcome, CarriesWhatItWasMadeOf) {
  EXPECT_TRUE(done().is_done());
  EXPECT_EQ(Outcome{}, done());
  EXPECT_EQ(retry().kind(), Outcome::Kind::retry);
  EXPECT_EQ(retry().failure(), FailureClass::failed);
  EXPECT_EQ(retry_after(5s, "busy").delay(), 5s);
  EXPECT_EQ(retry_after(-5s).delay(), 0s);
  EXPECT_EQ(retry_at(EventTime{7s}).time(), EventTime{7s});
  EXPECT_EQ(park().kind(), Outcome::Kind::park);
  const Outcome gone = dead_letter(std::string{"no customer "} + std::to_string(77));
  EXPECT_EQ(gone.reason(), "no customer 77");
  EXPECT_EQ(gone.failure(), FailureClass::rejected);
  const std::string text(1000, 'x');
  EXPECT_EQ(retry(text).reason(), text.substr(0, Outcome::kReasonBytesMax));
  EXPECT_NE(retry("a"), retry("b"));
}

auto split(const BatchOutcome& outcome, std::uint32_t count) {
  const BatchOutcome::Split split = outcome.split(count);
  EXPECT_EQ(split.done + split.settled + split.again, count) << "every event is settled once";
  return std::tuple{split.done, split.settled, split.again, split.one_by_one};
}

// Claim:  a batch's answer says of each event exactly once what becomes of it: done, settled by the outcome, or
//         again.
// Method: the whole span, an index at the front, in the middle, at the end and beyond, and spans of one.
TEST(BatchOutcome, SettlesEachEventOnce) {
  EXPECT_EQ(split(done(), 10), std::tuple(10U, 0U, 0U, false));
  EXPECT_EQ(split(retry(), 10), std::tuple(0U, 0U, 10U, true));
  EXPECT_EQ(split(retry(), 1), std::tuple(0U, 1U, 0U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(0, retry()), 10), std::tuple(0U, 1U, 9U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(4, dead_letter("bad")), 10), std::tuple(4U, 1U, 5U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(9, retry()), 10), std::tuple(9U, 1U, 0U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(10, retry()), 10), std::tuple(10U, 0U, 0U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(99, retry()), 10), std::tuple(10U, 0U, 0U, false));
  EXPECT_EQ(split(BatchOutcome::up_to(4, done()), 10), std::tuple(5U, 0U, 5U, false));
}

template <class Exception>
ExceptionPolicy::Verdict judge(const ExceptionPolicy& policy, Exception exception) {
  return policy.judge(std::make_exception_ptr(exception));
}

// Claim:  the first rule that catches the exception decides, a base class catches what is derived from it, and the
//         rest is retried unless otherwise() says more; the text is the exception's own.
// Method: a derived and a base class in both orders, one that no rule names, and an int.
TEST(ExceptionPolicy, FirstRuleThatCatchesDecides) {
  const auto narrow_first = ExceptionPolicy{}
                                .on<std::invalid_argument>(OnException::dead_letter)
                                .on<std::logic_error>(OnException::ignore);
  EXPECT_EQ(judge(narrow_first, std::invalid_argument{"no"}).action, OnException::dead_letter);
  EXPECT_EQ(judge(narrow_first, std::out_of_range{"far"}).action, OnException::ignore);
  EXPECT_EQ(judge(narrow_first, std::runtime_error{"down"}).action, OnException::retry);
  EXPECT_EQ(judge(narrow_first, std::runtime_error{"down"}).what, "down");
  const auto wide_first =
      ExceptionPolicy{}.on<std::exception>(OnException::ignore).on<std::invalid_argument>(OnException::retry);
  EXPECT_EQ(judge(wide_first, std::invalid_argument{"no"}).action, OnException::ignore);
  const auto strict = ExceptionPolicy{}.on<int>(OnException::retry).otherwise(OnException::dead_letter);
  EXPECT_EQ(judge(strict, 7).action, OnException::retry);
  EXPECT_EQ(judge(strict, 7).what, "an exception that is no std::exception");
  EXPECT_EQ(judge(strict, std::bad_alloc{}).action, OnException::dead_letter);
}

}  // namespace
}  // namespace headrace
