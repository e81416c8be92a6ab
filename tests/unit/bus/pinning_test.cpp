#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "events.hpp"
#include "headrace/base/topology.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

/// What a handler finds its thread to be.
struct SeenWorker {
  std::string name;
  std::vector<int> cpus;
};

std::vector<int> cpus_of_this_thread() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  EXPECT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

SeenWorker seen_worker(Pin pin) {
  Bus bus({.workers = 1, .pin = std::move(pin)});
  SeenWorker seen;
  const auto looks = bus.subscribe<Tick>([&](const Tick&) {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    seen = {name.data(), cpus_of_this_thread()};
  });
  bus.start();
  EXPECT_TRUE(bus.publish(Tick{}));
  stop_drained(bus);
  return seen;
}

// Claim:  a worker has its name, and runs on a core of its own, on the CPU that a list names, or wherever the process
//         may, also when a pinned thread starts the bus.
// Method: a handler looks at its thread.
TEST(Pinning, WorkersRunWhereTheyWereTold) {
  const std::vector<int> allowed = Topology::of_process().allowed_cpus;
  const int last = allowed.back();

  const SeenWorker on_a_core = seen_worker(Pin::cores);
  EXPECT_EQ(on_a_core.name, "hr-worker-0");
  EXPECT_EQ(on_a_core.cpus, std::vector{allowed.front()});

  EXPECT_EQ(seen_worker(Pin::cpus({last})).cpus, std::vector{last});

  cpu_set_t mask;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
  ASSERT_TRUE(pin_current_thread(last));
  EXPECT_EQ(seen_worker(Pin::none).cpus, allowed);
  ASSERT_EQ(::sched_setaffinity(0, sizeof mask, &mask), 0);
}

// Claim:  a core that is not there, and a list that is too short, are errors that say which there are.
// Method: a CPU beyond all, and one CPU for two workers.
TEST(Pinning, CoreThatIsNotThereIsAConfigError) {
  const auto what_start_says = [](DispatcherOptions options) -> std::string {
    try {
      Bus bus(std::move(options));
      bus.start();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return {};
  };
  const std::string absent = what_start_says({.workers = 1, .pin = Pin::cpus({CPU_SETSIZE - 1})});
  EXPECT_NE(absent.find(std::to_string(CPU_SETSIZE - 1)), std::string::npos) << absent;
  EXPECT_NE(absent.find(format_cpu_list(Topology::of_process().allowed_cpus)), std::string::npos) << absent;
  const int first = Topology::of_process().allowed_cpus.front();
  EXPECT_NE(what_start_says({.workers = 2, .pin = Pin::cpus({first})}), "");
}

}  // namespace
}  // namespace headrace
