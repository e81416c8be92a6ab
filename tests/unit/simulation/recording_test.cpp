#include "headrace/simulation/recording.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "headrace/simulation/event_recorder.hpp"
#include "headrace/simulation/replay.hpp"
#include "headrace/simulation/simulated_bus.hpp"
#include "line_codec.hpp"
#include "temporary_folder.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Measured {
  std::uint64_t device = 0;
  std::uint64_t value = 0;
};
HEADRACE_EVENT(Measured, "recording.measured", version(2), key(device), device, value)

struct Alarmed {
  std::uint64_t device = 0;
};
HEADRACE_EVENT(Alarmed, "recording.alarmed", key(device), device)

struct Unknown {
  std::uint64_t value = 0;
};
HEADRACE_EVENT(Unknown, "recording.unknown", value)

std::shared_ptr<RecordedTypes> recorded_types() {
  Upcasters upcasters;
  upcasters.add("recording.measured", 1, [](FieldValue& fields) -> Status {
    return fields.rename("reading", "value") ? Status(Nothing{}) : Status(Error{"no reading", {}});
  });
  auto types = std::make_shared<RecordedTypes>(std::make_shared<LineCodec>(), std::move(upcasters));
  types->add<Measured>();
  types->add<Alarmed>();
  return types;
}

RecordedEvent measured(std::uint64_t device, std::uint64_t value, std::chrono::nanoseconds at = {}) {
  RecordedEvent recorded;
  recorded.type = "recording.measured";
  recorded.at = at;
  recorded.event.envelope.topic = "site/" + std::to_string(device);
  recorded.event.envelope.key = std::to_string(device);
  recorded.event.envelope.version = 2;
  recorded.event.envelope.id = EventId::of(1, 2, value);
  recorded.event.content_type = "text/x-lines";
  const std::string body = "device=" + std::to_string(device) + "\nvalue=" + std::to_string(value) + "\n";
  const auto bytes = std::as_bytes(std::span(body));
  recorded.event.body.assign(bytes.begin(), bytes.end());
  return recorded;
}

std::string written(const std::vector<RecordedEvent>& events) {
  std::ostringstream out;
  RecordingWriter writer(out);
  for (const RecordedEvent& event : events) EXPECT_TRUE(writer.write(event));
  return out.str();
}

/// The events, and the error after them; empty: the end.
struct ReadBack {
  std::vector<RecordedEvent> events;
  std::string error;
};
ReadBack read_back(const std::string& bytes) {
  std::istringstream in(bytes);
  RecordingReader reader(in);
  ReadBack read;
  for (;;) {
    auto next = reader.next();
    if (!next) {
      read.error = next.error().message();
      EXPECT_EQ(reader.next().error().message().empty(), false);
      return read;
    }
    if (!*next) return read;
    read.events.push_back(std::move(**next));
  }
}

// Claim:  what was written is read as it was, every field of it.
// Method: two events with unlike fields, and an empty recording.
TEST(Recording, ReadsWhatWasWritten) {
  RecordedEvent first = measured(7, 70, 3s);
  first.event.envelope.correlation = EventId::of(4, 5, 6);
  first.event.envelope.causation = EventId::of(7, 8, 9);
  first.event.envelope.time = EventTime{1'700'000'000s};
  RecordedEvent second;
  const ReadBack read = read_back(written({first, second}));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.events, (std::vector{first, second}));
  EXPECT_TRUE(read_back(written({})).events.empty());
}

// Claim:  a recording that ends anywhere gives the events that are whole, and then says where the torn one begins;
//         at the end of an event it simply ends.
// Method: every length of a recording of two.
TEST(Recording, TornAnywhereGivesWhatIsWhole) {
  const std::string one = written({measured(7, 70)});
  const std::string both = written({measured(7, 70), measured(8, 80)});
  const std::size_t line = written({}).size();
  for (std::size_t bytes = 0; bytes < both.size(); ++bytes) {
    const ReadBack read = read_back(both.substr(0, bytes));
    EXPECT_EQ(read.events.size(), bytes < one.size() ? 0U : 1U) << bytes;
    if (bytes == line || bytes == one.size()) {
      EXPECT_EQ(read.error, "") << bytes;
    } else if (bytes < line) {
      EXPECT_EQ(read.error, "byte 0: this is no recording of version 1") << bytes;
    } else {
      const std::size_t begins = bytes < one.size() ? line : one.size();
      EXPECT_EQ(read.error, "byte " + std::to_string(begins) + ": the recording ends within an event") << bytes;
    }
  }
}

// Claim:  no single damaged bit goes unseen.
// Method: flip each in turn.
TEST(Recording, EveryDamagedBitIsFound) {
  const std::string whole = written({measured(7, 70)});
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const ReadBack read = read_back(damaged);
    EXPECT_FALSE(read.error.empty()) << bit;
    EXPECT_TRUE(read.events.empty()) << bit;
  }
}

/// A simulated bus on which high readings raise an alarm.
struct Site {
  SimulatedBus sim;
  std::map<std::uint64_t, std::vector<std::string>> seen;  ///< by device
  Subscription alarms = sim.subscribe<Measured>({.filter = "site/+"}, [this](const Measured& e, Context& context) {
    seen[e.device].push_back(std::to_string(e.value) + "@" + std::to_string(sim.time().now_ns() / 1'000'000'000) +
                             (context.meta() != nullptr ? " " + context.meta()->id.to_string() : ""));
    if (e.value < 100) return;
    EXPECT_TRUE(context.publish(Alarmed{e.device}));
  });
  std::uint64_t alarmed = 0;
  Subscription counts = sim.subscribe<Alarmed>([this](const Alarmed&) { ++alarmed; });
};

// Claim:  what crossed one bus is played back on another: each publisher's events in order, at the same times, to
//         the same topics, with the same ids; and of a bus that makes the consequences itself only the causes.
// Method: record a simulation, with a type that the recorder does not know; replay it into a new one, at each
//         speed.
TEST(Recording, ReplaysWhatCrossedABus) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "site.recording").string();
  Site first;
  auto recorder = EventRecorder::open(first.sim.bus(), path, recorded_types());
  ASSERT_TRUE(recorder);
  SimulatedPublisher& source = first.sim.publisher();
  for (std::uint64_t i = 0; i < 20; ++i) {
    source.call_after(std::chrono::seconds(i), 0, [i](Publisher& publisher) {
      return publisher.publish("site/" + std::to_string(i % 3), Measured{i % 3, i * 10},
                               {.id = EventId::of(1, 2, i)});
    });
  }
  source.publish(Unknown{});
  ASSERT_TRUE(first.sim.run_until_quiet());
  const RecorderReport recorded = recorder->close();
  EXPECT_EQ(recorded.recorded, 30U);
  EXPECT_EQ(recorded.skipped, 1U);
  EXPECT_NE(recorded.why_skipped.find("recording.unknown"), std::string::npos);
  EXPECT_EQ(recorded.error, "");
  EXPECT_EQ(recorder->close().error, "");

  const auto types = recorded_types();
  for (const auto which : {ReplayOptions::Which::causes, ReplayOptions::Which::all}) {
    Site again;
    std::ifstream file(path, std::ios::binary);
    RecordingReader reader(file);
    const auto report = replay(reader, *types, again.sim.publisher(), {.speed = 1, .which = which});
    ASSERT_TRUE(report);
    ASSERT_TRUE(again.sim.run_until_quiet());
    EXPECT_EQ(again.seen, first.seen);
    EXPECT_EQ(again.alarmed, which == ReplayOptions::Which::all ? 20U : 10U);
    EXPECT_EQ(report->left_out, which == ReplayOptions::Which::all ? 0U : 10U);
  }
  for (const double speed : {0.0, 2.0}) {
    Site again;
    std::ifstream file(path, std::ios::binary);
    RecordingReader reader(file);
    const std::uint64_t begun_ns = again.sim.time().now_ns();
    ASSERT_TRUE(replay(reader, *types, again.sim.publisher(), {.speed = speed, .filter = "site/1"}));
    ASSERT_TRUE(again.sim.run_until_quiet());
    EXPECT_EQ(again.seen.size(), 1U);
    EXPECT_EQ(again.seen[1].size(), 7U);
    const auto took = std::chrono::nanoseconds(again.sim.time().now_ns() - begun_ns);
    EXPECT_EQ(took >= 9s, speed == 2.0) << took.count();
    EXPECT_LT(took, 10s);
  }
}

// Claim:  old versions come in through the upcasters; a type, a version or a body that cannot be read ends the
//         replay with an error, after what came before.
// Method: recordings made by hand, into a polled bus by a plain publisher.
TEST(Recording, ReplayReadsOldVersionsAndRefusesTheRest) {
  const auto types = recorded_types();
  const auto play = [&](const RecordedEvent& second) {
    Bus bus({.workers = 0});
    std::vector<std::uint64_t> values;
    const auto sub =
        bus.subscribe<Measured>({.filter = "#"}, [&](const Measured& e) { values.push_back(e.value); });
    bus.start();
    Publisher publisher = bus.publisher();
    std::istringstream in(written({measured(1, 5), second}));
    RecordingReader reader(in);
    const auto report = replay(reader, *types, publisher);
    bus.poll();
    std::string text = report ? std::to_string(report->published) : report.error().message();
    for (const auto value : values) text += " " + std::to_string(value);
    static_cast<void>(bus.stop(1s));
    return text;
  };
  RecordedEvent old = measured(2, 6);
  old.event.envelope.version = 1;
  const std::string body = "device=2\nreading=6\n";
  const auto bytes = std::as_bytes(std::span(body));
  old.event.body.assign(bytes.begin(), bytes.end());
  EXPECT_EQ(play(old), "2 5 6");
  RecordedEvent newer = old;
  newer.event.envelope.version = 3;
  EXPECT_NE(play(newer).find("newer than 2"), std::string::npos) << play(newer);
  RecordedEvent strange = old;
  strange.type = "recording.unknown";
  EXPECT_NE(play(strange).find("recording.unknown"), std::string::npos);
  EXPECT_TRUE(play(strange).ends_with(" 5"));
  RecordedEvent damaged = old;
  damaged.event.body.pop_back();
  EXPECT_NE(play(damaged).find("no line"), std::string::npos);
}

// Claim:  a file that cannot be opened is an error that names it, and a filter or a speed that means nothing is
//         one.
// Method: a folder that is not there; a filter with a hole; a speed below zero.
TEST(Recording, BadArgumentsAreErrors) {
  Bus bus({.workers = 0});
  const auto recorder = EventRecorder::open(bus, "/nowhere/at/all", recorded_types());
  ASSERT_FALSE(recorder);
  EXPECT_NE(recorder.error().message().find("/nowhere/at/all"), std::string::npos);
  Publisher publisher = bus.publisher();
  std::istringstream in(written({}));
  RecordingReader reader(in);
  EXPECT_FALSE(replay(reader, *recorded_types(), publisher, {.filter = "a/#/b"}));
  EXPECT_FALSE(replay(reader, *recorded_types(), publisher, {.speed = -1}));
}

}  // namespace
}  // namespace headrace
