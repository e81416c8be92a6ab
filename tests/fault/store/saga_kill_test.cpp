#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "temporary_folder.hpp"
#include "workshop.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAhead = 8;  // sagas under way in the child

std::unique_ptr<SqliteEventStore> saga_store(const TemporaryFolder& folder) {
  auto opened = SqliteEventStore::open(
      {.file = folder / "sagas.db", .durability = SqliteDurability::memory, .wal_pages = 20});
  HEADRACE_CHECK("test.open", opened.has_value(), "the store does not open");
  return std::move(opened).value();
}

std::string id_of(std::uint32_t run, std::uint32_t number) {
  return std::to_string(run) + "-" + std::to_string(number);
}

// Claim:  whenever the process is killed, every saga whose start was acknowledged ends in exactly one of its two
//         ends, and the world sees what belongs to that end: every step, or every step and then every compensation
//         in reverse.
// Method: kill -9 after a random number of starts, on one file; the next process takes up what the last one left.
//         HEADRACE_KILLS says how often, 25 without.
TEST(StoreKilled, SagasEndInOneOfTheirTwoEnds) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  std::vector<std::string> acknowledged;
  for (auto run = static_cast<std::uint32_t>(from_environment("HEADRACE_KILLS", 25)); run > 0; --run) {
    WritingChild child([&](int pipe) {
      const auto store = saga_store(folder);
      Workshop workshop(*store);
      for (std::uint32_t number = 0;; ++number) {
        const auto started = workshop.runner().start(id_of(run, number), "input");
        if (!started || *started != SagaRunner::Started::started) ::_exit(2);
        say(pipe, {run, number, {}});
        if (number >= kAhead && !workshop.runner().wait_for(id_of(run, number - kAhead), 1h)) ::_exit(3);
      }
    });
    child.wait_for(1 + random() % 30);
    const auto said = child.kill();
    ASSERT_FALSE(said.empty());
    for (const Acknowledged& one : said) acknowledged.push_back(id_of(one.writer, one.number));
  }
  const auto store = saga_store(folder);
  Workshop workshop(*store);
  for (const std::string& id : acknowledged) ASSERT_EQ(workshop.fault(id), "") << id;
  for (const std::string& id : workshop.all_ids()) ASSERT_EQ(workshop.fault(id), "") << id;
  EXPECT_EQ(workshop.runner().counts().under_way, 0U);
  EXPECT_EQ(workshop.runner().counts().halted, 0U);
}

}  // namespace
}  // namespace headrace::test
