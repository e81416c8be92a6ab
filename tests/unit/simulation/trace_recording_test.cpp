#include "headrace/simulation/trace_recording.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "headrace/bus/bus.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/simulation/event_recorder.hpp"
#include "line_codec.hpp"
#include "temporary_folder.hpp"

namespace headrace {
namespace {

struct TracedOrder {
  std::uint64_t order = 0;
};
HEADRACE_EVENT(TracedOrder, "traced.ordered", key(order), order)

struct TracedCharge {
  std::uint64_t order = 0;
};
HEADRACE_EVENT(TracedCharge, "traced.charged", key(order), order)

/// Two orders, each charged by a handler, as they crossed a bus.
struct RecordedTransactions {
  test::TemporaryFolder folder;
  const std::string path = (folder.path() / "orders.recording").string();
  const EventId first = EventId::make();
  const EventId second = EventId::make();

  RecordedTransactions() {
    const auto types = std::make_shared<EventTypes>(std::make_shared<test::LineCodec>());
    types->add<TracedOrder>();
    types->add<TracedCharge>();
    Bus bus({.workers = 0});
    auto recorder = EventRecorder::open(bus, path, types);
    const auto charges = bus.subscribe<TracedOrder>([](const TracedOrder& ordered, Context& context) {
      static_cast<void>(context.publish(TracedCharge{ordered.order}));
    });
    bus.start();
    EXPECT_TRUE(bus.publish(TracedOrder{7}, {.id = first}));
    EXPECT_TRUE(bus.publish(TracedOrder{8}, {.id = second}));
    EXPECT_TRUE(bus.publish(TracedOrder{7}, {.id = first}));  // its sender did not hear the first answer
    while (bus.poll() > 0) {
    }
    EXPECT_EQ(recorder->close().skipped, 0U);
  }
};

// Claim:  a recording tells what an event brought about, by its own id or the correlation, in each of the forms.
// Method: two transactions on one bus, one of whose first events comes twice.
TEST(TraceRecording, ShowsWhatAnEventBroughtAbout) {
  const RecordedTransactions recorded;
  ASSERT_TRUE(is_recording(recorded.path));
  const auto found = trace_recording(recorded.path, recorded.second);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->trace.events.size(), 2U);
  EXPECT_EQ(found->trace.events[1].topic, "traced.charged");
  EXPECT_EQ(found->trace.events[1].cause, 0U);
  EXPECT_FALSE(found->damage);

  const EventId effect = found->trace.events[1].id;
  const auto again = trace_recording(recorded.path, effect);
  EXPECT_EQ(again->trace.correlation, recorded.second);
  EXPECT_NE(to_text(again->trace).find("└─ traced.charged  recording@"), std::string::npos)
      << to_text(again->trace);
  EXPECT_TRUE(to_mermaid(again->trace).starts_with("flowchart TD\n"));
  EXPECT_TRUE(to_graphviz(again->trace).starts_with("digraph trace {\n"));

  const auto twice = trace_recording(recorded.path, recorded.first);
  EXPECT_EQ(twice->trace.events.size(), 3U) << "a copy is no event of its own; what its handler published is";
  EXPECT_TRUE(trace_recording(recorded.path, EventId::make())->trace.events.empty());
}

// Claim:  of a torn recording what can be read is shown, with where it ends; what is no recording is an error.
// Method: the last bytes cut off; another file; none.
TEST(TraceRecording, ShowsATornRecordingUpToThere) {
  const RecordedTransactions recorded;
  std::filesystem::resize_file(recorded.path, std::filesystem::file_size(recorded.path) - 1);
  const auto found = trace_recording(recorded.path, recorded.second);
  ASSERT_TRUE(found && found->damage);
  EXPECT_EQ(found->trace.events.size(), 2U);
  EXPECT_NE(found->damage->message().find("orders.recording, byte "), std::string::npos)
      << found->damage->message();

  const std::string other = (recorded.folder.path() / "other").string();
  std::ofstream(other) << "SQLite format 3";
  EXPECT_FALSE(is_recording(other));
  EXPECT_FALSE(trace_recording(other, recorded.first));
  EXPECT_FALSE(trace_recording(other + ".none", recorded.first));
}

}  // namespace
}  // namespace headrace
