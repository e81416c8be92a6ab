#include "headrace/base/topology.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace headrace {
namespace {

/// A made-up /sys/devices/system/cpu.
class FakeSysfs {
 public:
  FakeSysfs() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headrace-sysfs-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~FakeSysfs() { std::filesystem::remove_all(root_); }
  FakeSysfs(const FakeSysfs&) = delete;
  FakeSysfs& operator=(const FakeSysfs&) = delete;

  void describe(int cpu, const std::string& file, const std::string& text) {
    const auto folder = root_ / ("cpu" + std::to_string(cpu)) / "topology";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / file) << text << '\n';
  }
  [[nodiscard]] std::string path() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

Topology two_cores_of_two() { return {{0, 1, 2, 3}, {Core{{0, 2}}, Core{{1, 3}}}}; }

// Claim:  hardware threads of one core are found together, and only those that this process may use.
// Method: a made-up tree of two cores with two threads each, under masks that cut it differently.
TEST(Topology, GroupsAllowedCpusByCore) {
  FakeSysfs sysfs;
  for (const int cpu : {0, 2}) sysfs.describe(cpu, "core_cpus_list", "0,2");
  for (const int cpu : {1, 3}) sysfs.describe(cpu, "core_cpus_list", "1,3");

  const auto all = Topology::read(sysfs.path(), {3, 2, 1, 0});
  EXPECT_EQ(all.allowed_cpus, (std::vector{0, 1, 2, 3}));
  ASSERT_EQ(all.cores.size(), 2u);
  EXPECT_EQ(all.cores[0].cpus, (std::vector{0, 2}));
  EXPECT_EQ(all.cores[1].cpus, (std::vector{1, 3}));

  const auto masked = Topology::read(sysfs.path(), {1, 2, 3});
  ASSERT_EQ(masked.cores.size(), 2u);
  EXPECT_EQ(masked.cores[0].cpus, (std::vector{1, 3}));
  EXPECT_EQ(masked.cores[1].cpus, (std::vector{2}));
}

// Claim:  older kernels' file serves, and a CPU without a readable file counts as a core of its own.
// Method: one CPU described by the old file, one by nonsense, one not at all.
TEST(Topology, FallsBackToOneCoreACpu) {
  FakeSysfs sysfs;
  sysfs.describe(0, "thread_siblings_list", "0-1");
  sysfs.describe(1, "thread_siblings_list", "0-1");
  sysfs.describe(2, "core_cpus_list", "what?");
  const auto topology = Topology::read(sysfs.path(), {0, 1, 2, 3});
  ASSERT_EQ(topology.cores.size(), 3u);
  EXPECT_EQ(topology.cores[0].cpus, (std::vector{0, 1}));
  EXPECT_EQ(topology.cores[1].cpus, (std::vector{2}));
  EXPECT_EQ(topology.cores[2].cpus, (std::vector{3}));
}

// Claim:  a thread that narrows its own mask does not change what the process may use.
// Method: a pinned thread asks, and is then released.
TEST(Topology, PinnedThreadStillSeesAllCpusOfTheProcess) {
  const auto before = Topology::of_process().allowed_cpus;
  ASSERT_FALSE(before.empty());
  std::thread([&] {
    ASSERT_TRUE(pin_current_thread(before.back()));
    EXPECT_EQ(::sched_getcpu(), before.back());
    EXPECT_EQ(Topology::of_process().allowed_cpus, before);
    ASSERT_TRUE(unpin_current_thread());
    cpu_set_t mask;
    ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(static_cast<std::size_t>(CPU_COUNT(&mask)), before.size());
  }).join();
}

// Claim:  Pin::cores fills the cores first and the hardware threads after.
// Method: every count on two cores of two threads.
TEST(PickCpus, PrefersCoresToHardwareThreads) {
  EXPECT_EQ(*pick_cpus(1, Pin::cores, two_cores_of_two()), (std::vector{0}));
  EXPECT_EQ(*pick_cpus(2, Pin::cores, two_cores_of_two()), (std::vector{0, 1}));
  EXPECT_EQ(*pick_cpus(3, Pin::cores, two_cores_of_two()), (std::vector{0, 1, 2}));
  EXPECT_EQ(*pick_cpus(4, Pin::cores, two_cores_of_two()), (std::vector{0, 1, 2, 3}));
}

// Claim:  more workers than CPUs is an error that says what there is and what to change.
// Method: five workers on four CPUs.
TEST(PickCpus, RefusesMoreWorkersThanCpus) {
  const auto picked = pick_cpus(5, Pin::cores, two_cores_of_two());
  ASSERT_FALSE(picked);
  EXPECT_EQ(
      picked.error().message(),
      "option pin: 5 workers want a CPU each, but this process may use CPUs 0-3; lower the number of workers, "
      "or use Pin::none");
}

// Claim:  a listed CPU that is not there or masked out is named, along with those that may be used.
// Method: a mask with a hole; the hole, a CPU beyond the end and a negative number are asked for.
TEST(PickCpus, RefusesListedCpuThatIsNotAllowed) {
  const Topology topology{{0, 1, 4}, {Core{{0}}, Core{{1}}, Core{{4}}}};
  EXPECT_EQ(*pick_cpus(2, Pin::cpus({4, 0}), topology), (std::vector{4, 0}));
  for (const int cpu : {3, 64, -1}) {
    const auto picked = pick_cpus(2, Pin::cpus({0, cpu}), topology);
    ASSERT_FALSE(picked);
    EXPECT_EQ(picked.error().message(), "option pin: CPU " + std::to_string(cpu) +
                                            " is not there or not allowed; this process may use CPUs 0-1,4");
  }
}

// Claim:  a list must name one CPU for each worker.
// Method: one too few, one too many, none.
TEST(PickCpus, RefusesListOfAnotherLength) {
  EXPECT_FALSE(pick_cpus(2, Pin::cpus({0}), two_cores_of_two()));
  EXPECT_FALSE(pick_cpus(2, Pin::cpus({0, 1, 2}), two_cores_of_two()));
  EXPECT_FALSE(pick_cpus(1, Pin::cpus({}), two_cores_of_two()));
}

// Claim:  Pin reads well as an option's value, and none is its default.
// Method: an options struct filled by designated initialisers.
TEST(PickCpus, PinIsADesignatedInitialiserValue) {
  struct Options {
    std::size_t workers = 1;
    Pin pin;
  };
  EXPECT_TRUE(pick_cpus(7, Options{.workers = 7, .pin = {}}.pin)->empty());
  EXPECT_TRUE(pick_cpus(7, Options{.workers = 7, .pin = Pin::none}.pin)->empty());
  const Options listed{.workers = 1, .pin = Pin::cpus({Topology::of_process().allowed_cpus.front()})};
  EXPECT_EQ(pick_cpus(1, listed.pin)->size(), 1u);
  const Options cores{.workers = 1, .pin = Pin::cores};
  EXPECT_EQ(pick_cpus(1, cores.pin)->size(), 1u);
}

// Claim:  pinning to a CPU that does not exist is an error that names it, not a crash.
// Method: numbers beyond the machine's and below zero.
TEST(PinCurrentThread, RefusesCpuThatIsNotThere) {
  for (const int cpu : {100'000, -1}) {
    const auto status = pin_current_thread(cpu);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().where, "CPU " + std::to_string(cpu));
    EXPECT_NE(status.error().what.find(format_cpu_list(Topology::of_process().allowed_cpus)), std::string::npos);
  }
}

// Claim:  a thread's name is set, and cut to what the kernel keeps.
// Method: a short name and one that is too long, read back.
TEST(NameCurrentThread, KeepsFifteenBytes) {
  std::thread([] {
    char name[16];
    name_current_thread("hr-worker-0");
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name, sizeof name), 0);
    EXPECT_STREQ(name, "hr-worker-0");
    name_current_thread("hr-worker-1234567890");
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name, sizeof name), 0);
    EXPECT_STREQ(name, "hr-worker-12345");
  }).join();
}

// Claim:  lists of CPUs are read and written as the kernel does, and nonsense is told from them.
// Method: round trips, and texts that are no lists.
TEST(CpuList, RoundTrips) {
  for (const std::string text : {"0", "0-3", "0-1,4", "1,3,5-7"}) {
    EXPECT_EQ(format_cpu_list(parse_cpu_list(text)), text);
    EXPECT_EQ(format_cpu_list(parse_cpu_list(text + '\n')), text);
  }
  for (const std::string text : {"", "\n", "-1", "a", "0-", "3-1", "0,,1", "0 1", "99999999999", "0-99999999"}) {
    EXPECT_TRUE(parse_cpu_list(text).empty()) << text;
  }
}

}  // namespace
}  // namespace headrace
