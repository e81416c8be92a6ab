#include "headrace/sourcing/projection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "headrace/sourcing/topic_filter.hpp"
#include "stored_events.hpp"

namespace headrace::test {
namespace {

constexpr std::chrono::hours kLong{1};

/// A read model: what it has seen, in order.
struct Seen {
  std::mutex mutex;
  std::vector<std::string> bodies;
  std::string poison;  ///< the body that cannot be handled

  StoredEventHandler handler() {
    return [this](const StoredEvent& event) -> Status {
      const std::lock_guard lock(mutex);
      const std::string body = text_of(event.event.body);
      if (body == poison) throw std::runtime_error("poisoned");
      bodies.push_back(body);
      return Nothing{};
    };
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex);
    return bodies;
  }
};

class ProjectionTest : public ::testing::Test {
 protected:
  EventPosition append(const char* topic, const std::string& body) {
    return store_.append(AppendRequest::to("s", ExpectedVersion::any(), {event_of(topic, body)}))->last;
  }
  static ProjectionOptions options(std::string name, const char* topics = "#") {
    ProjectionOptions made;
    made.name = std::move(name);
    made.query = EventQuery::of_topic(topic_filter(topics).value());
    made.batch_events = 4;
    return made;
  }

  MemoryEventStore store_{MemoryEventStoreOptions{.position_step = 3}};
  MemoryCheckpointStore checkpoints_;
};

// Claim:  a projection applies what was there before it, then what comes, in order, and only what it asked for.
TEST_F(ProjectionTest, CatchesUpThenGoesLive) {
  Seen seen;
  for (int i = 0; i < 10; ++i) append(i % 2 ? "odd" : "even", std::to_string(i));
  Projection projection(store_, options("odd", "odd"), checkpoint_after(checkpoints_, "odd", seen.handler()));
  for (int i = 10; i < 20; ++i) append(i % 2 ? "odd" : "even", std::to_string(i));
  ASSERT_TRUE(projection.wait_for(*store_.last_position(), kLong));
  EXPECT_EQ(seen.all(), (Bodies{"1", "3", "5", "7", "9", "11", "13", "15", "17", "19"}));
  const auto status = projection.status();
  EXPECT_EQ(status.behind, 0U);
  EXPECT_EQ(status.lag.count(), 0);
  EXPECT_EQ(status.events, 10U);
}

// Claim:  the lag of a reader is that of the oldest event that it waits for, and none while only others' wait.
// Method: events of another topic, then one of its own, then it has read them.
TEST_F(ProjectionTest, LagIsOfItsOwnEvents) {
  const EventQuery query = options("odd", "odd").query;
  const auto last = append("even", "0");
  EXPECT_EQ(lag_of(store_, query, 0).behind, last);
  EXPECT_EQ(lag_of(store_, query, 0).oldest.count(), 0);
  const auto own = append("odd", "1");
  EXPECT_GT(lag_of(store_, query, last).oldest.count(), 0);
  EXPECT_EQ(lag_of(store_, query, last).behind, own - last);
  EXPECT_EQ(lag_of(store_, query, own).oldest.count(), 0);
  EXPECT_EQ(lag_of(store_, query, own).behind, 0U);
}

// Claim:  the next projection of the name goes on where the last one stopped.
TEST_F(ProjectionTest, GoesOnFromItsCheckpoint) {
  Seen seen;
  for (int run = 0; run < 3; ++run) {
    const auto last = append("t", std::to_string(run));
    Projection projection(store_, options("p"), checkpoint_after(checkpoints_, "p", seen.handler()));
    ASSERT_TRUE(projection.wait_for(last, kLong));
  }
  EXPECT_EQ(seen.all(), (Bodies{"0", "1", "2"}));
}

// Claim:  a projection that fails stops alone, says at which event, and resume() tries that event again; those
//         before it are not applied a second time.
// Method: a handler that throws at one event, beside a healthy projection.
TEST_F(ProjectionTest, FailsAloneAndSaysWhere) {
  Seen poisoned;
  poisoned.poison = "2";
  Seen healthy;
  Projection bad(store_, options("bad"), checkpoint_after(checkpoints_, "bad", poisoned.handler()));
  Projection good(store_, options("good"), checkpoint_after(checkpoints_, "good", healthy.handler()));
  EventPosition last = 0;
  for (int i = 0; i < 5; ++i) last = append("t", std::to_string(i));
  ASSERT_TRUE(good.wait_for(last, kLong));
  EXPECT_FALSE(bad.wait_for(last, kLong));
  const auto status = bad.status();
  ASSERT_EQ(status.state, ProjectionStatus::State::failed);
  EXPECT_EQ(status.error->message(), "projection bad, position 9, s@3, t: poisoned");
  EXPECT_GT(status.behind, 0U);
  EXPECT_GT(status.lag.count(), 0);
  const auto metrics = metrics_of(std::vector{good.lag(), bad.lag()});
  const auto of_bad = [&](std::string_view name) {
    const auto family = std::ranges::find(metrics, name, &MetricFamily::name);
    return family == metrics.end() ? -1.0 : family->samples.at(1).value;
  };
  EXPECT_EQ(metrics.at(0).samples.at(1).labels.at(0).second, "bad");
  EXPECT_EQ(of_bad("headrace_reader_position"), static_cast<double>(status.position));
  EXPECT_EQ(of_bad("headrace_reader_behind_positions"), static_cast<double>(status.behind));
  const auto seconds = [](std::chrono::nanoseconds lag) { return std::chrono::duration<double>(lag).count(); };
  EXPECT_GE(of_bad("headrace_reader_lag_seconds"), seconds(status.lag));
  EXPECT_LE(of_bad("headrace_reader_lag_seconds"), seconds(bad.status().lag));
  EXPECT_EQ(of_bad("headrace_reader_stands_still"), 1);
  EXPECT_EQ(metrics.at(3).samples.at(0).value, 0) << "the healthy one goes on";
  EXPECT_EQ(poisoned.all(), (Bodies{"0", "1"}));
  {
    const std::lock_guard lock(poisoned.mutex);
    poisoned.poison.clear();
  }
  bad.resume();
  ASSERT_TRUE(bad.wait_for(last, kLong));
  EXPECT_EQ(poisoned.all(), (Bodies{"0", "1", "2", "3", "4"}));
}

// Claim:  an error that a retry may help is tried again by itself, from where the read model stands, and others
//         wait for it no longer than it lasts.
// Method: a broker that is down for the first five tries, in the middle of a batch.
TEST_F(ProjectionTest, TriesAgainWhatMayHelp) {
  std::vector<std::string> published;
  int refusals = 5;
  const StoredEventHandler publish = [&](const StoredEvent& event) -> Status {
    if (published.size() == 2 && refusals-- > 0) return Error{"the broker is down", {}, Error::Retry::maybe};
    published.push_back(text_of(event.event.body));
    return Nothing{};
  };
  EventPosition last = 0;
  for (int i = 0; i < 4; ++i) last = append("t", std::to_string(i));
  ProjectionOptions relay = options("relay");
  relay.retry_first = std::chrono::milliseconds{1};
  relay.retry_longest = std::chrono::milliseconds{2};
  Projection projection(store_, relay, checkpoint_after(checkpoints_, "relay", publish));
  ASSERT_TRUE(projection.wait_for(last, kLong));
  EXPECT_EQ(published, (Bodies{"0", "1", "2", "3"}));
  EXPECT_EQ(projection.status().state, ProjectionStatus::State::running);
}

// Claim:  a read model is rebuilt beside the live one, and takes its place with nothing missing and nothing twice.
// Method: rebuild while events come; append more after the switch; the old one sees nothing of those.
TEST_F(ProjectionTest, IsRebuiltBesideAndSwitched) {
  Seen old_model, new_model;
  for (int i = 0; i < 10; ++i) append("t", std::to_string(i));
  Projection projection(store_, options("p"), checkpoint_after(checkpoints_, "p", old_model.handler()));
  ASSERT_TRUE(projection.wait_for(*store_.last_position(), kLong));
  bool switched = false;
  ASSERT_TRUE(projection.rebuild(checkpoint_after(checkpoints_, "p-2", new_model.handler()), [&]() -> Status {
    switched = true;
    EXPECT_EQ(new_model.all().size(), 10U);
    return Nothing{};
  }));
  EXPECT_TRUE(switched);
  const auto last = append("t", "10");
  ASSERT_TRUE(projection.wait_for(last, kLong));
  EXPECT_EQ(new_model.all().size(), 11U);
  EXPECT_EQ(old_model.all().size(), 10U);
}

// Claim:  when a rebuild or its switch fails the old read model lives on.
TEST_F(ProjectionTest, OldModelLivesOnWhenARebuildFails) {
  Seen old_model, new_model;
  new_model.poison = "1";
  for (int i = 0; i < 3; ++i) append("t", std::to_string(i));
  Projection projection(store_, options("p"), checkpoint_after(checkpoints_, "p", old_model.handler()));
  const auto never = []() -> Status { return Error{"not now", {}}; };
  EXPECT_FALSE(projection.rebuild(checkpoint_after(checkpoints_, "p-2", new_model.handler()), never));
  new_model.poison.clear();
  EXPECT_FALSE(projection.rebuild(checkpoint_after(checkpoints_, "p-2", new_model.handler()), never));
  const auto last = append("t", "3");
  ASSERT_TRUE(projection.wait_for(last, kLong));
  EXPECT_EQ(old_model.all().size(), 4U);
}

}  // namespace
}  // namespace headrace::test
