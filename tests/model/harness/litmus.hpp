#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>

#include "access_table.hpp"
#include "parking.hpp"
#include "relacy_atomics.hpp"

namespace headrace::model {

/// A small concurrent program, run many times: thread(index) on each thread, then after() on one. It is built anew
/// for each execution. Derive from it, and register it under the name of what it exercises.
template <class Program, int threads>
class Litmus : public rl::test_suite<Program, threads> {
  AccessTable accesses_;  // a base comes first and goes last
};

/// A claim of a litmus. When it is false the execution fails, and the run ends.
inline void require(bool condition, const char* claim, Where where = Where::current()) noexcept {
  if (!condition) rl::ctx().fail_test(claim, rl::test_result_user_assert_failed, info(where));
}

enum class Search : std::uint8_t {
  random,      ///< each execution chooses at random, seeded by its number
  exhaustive,  ///< all choices of thread, and of the latest or the last but one value at each load
};
enum class Expect : std::uint8_t { success, failure };

struct Outcome {
  rl::test_result_e result = rl::test_result_success;
  std::uint64_t executions = 0;  ///< until the failure, if there was one
  bool complete = false;         ///< an exhaustive search saw everything

  [[nodiscard]] bool failed() const noexcept { return result != rl::test_result_success; }
  [[nodiscard]] const char* what() const noexcept { return rl::test_result_str(result); }
};

struct RegisteredLitmus {
  std::string name;   ///< what it exercises, a dot, what it does
  std::string claim;  ///< a sentence
  Search search = Search::random;
  Expect expect = Expect::success;
  /// Runs up to `executions`. With a history stream a failing execution is run again and told.
  Outcome (*run)(Search search, std::uint64_t executions, std::ostream* history) = nullptr;
};

/// In the order of registration.
[[nodiscard]] std::span<const RegisteredLitmus> litmuses() noexcept;
void add_litmus(RegisteredLitmus litmus);

template <int threads>
class CappedFullSearch : public rl::full_search_scheduler<threads> {
  using Base = rl::full_search_scheduler<threads>;

 public:
  using Base::Base;
  bool iteration_end() { return Base::iteration_end() || this->iter_ >= this->params_.iteration_count; }
};

/// Swallows what Relacy prints. Not a string stream: Relacy would count its allocations as the litmus's own.
[[nodiscard]] std::ostream& nowhere() noexcept;

template <class Program>
Outcome run_litmus(Search search, std::uint64_t executions, std::ostream* history) {
  constexpr int kThreads = Program::params::thread_count;
  rl::test_params params;
  params.iteration_count = executions;
  params.output_stream = history != nullptr ? history : &nowhere();
  params.progress_stream = &nowhere();
  params.search_type = search == Search::random ? rl::sched_random : rl::sched_full;
  const auto once = [&](bool again) {
    forget_sleepers();
    rl::ostringstream state;
    const auto result = search == Search::random
                            ? rl::run_test<Program, rl::random_scheduler<kThreads>>(params, state, again)
                            : rl::run_test<Program, CappedFullSearch<kThreads>>(params, state, again);
    params.initial_state = state.str();
    return result;
  };
  Outcome outcome{once(false), params.stop_iteration, false};
  outcome.complete = search == Search::exhaustive && !outcome.failed() && outcome.executions < executions;
  if (outcome.failed() && history != nullptr) {
    params.collect_history = true;
    once(true);
  }
  return outcome;
}

/// const Register<MyLitmus> my_litmus{"spsc_ring.wraps", "Each event arrives once, in order."};
template <class Program>
struct Register {
  Register(std::string name, std::string claim, Search search = Search::random, Expect expect = Expect::success) {
    add_litmus({std::move(name), std::move(claim), search, expect, &run_litmus<Program>});
  }
};

}  // namespace headrace::model
