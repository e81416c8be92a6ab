#include "headrace/ring/lane.hpp"

#include <array>

#include "harness/litmus.hpp"
#include "lane_memory.hpp"

namespace headrace::model {
namespace {

using Lane = BasicLane<LaneMemory>;

constexpr FrameKind kOneWord{1, 8, 8};
constexpr FrameKind kTwoWords{2, 16, 8};
constexpr auto kOpen = Lane::Run::open;
constexpr auto kClosed = Lane::Run::closed;

/// What the producer publishes, one commit after another.
struct Publish {
  FrameKind kind;
  std::uint32_t count;
  Lane::Run run;
  std::uint64_t stamp = 0;
  bool alone = false;  ///< by the short way where that is open; `kind` is kOneWord then
};

/// How the consumer takes events.
enum class Takes { runs, one_by_one, alone_first };

/// The producer plays a script; every word of its events is the next number. The consumer checks kinds, numbers
/// and stamps; it takes as many events of a run as it sees, or one after the other, or goes the short way of frames
/// with one event wherever that is open.
template <const auto& script, std::size_t capacity_bytes, Takes takes>
struct Plays : Litmus<Plays<script, capacity_bytes, takes>, 2> {
  Lane lane{capacity_bytes};
  // What the consumer has seen.
  std::size_t at = 0;         ///< of the script
  std::uint32_t of_step = 0;  ///< events
  std::uint64_t seen = 0;     ///< the last number

  void thread(unsigned index) { index == 0 ? produce() : consume(); }

  void produce() {
    std::uint64_t number = 0;
    for (const Publish& step : script) {
      if (step.alone) {
        if (const auto claim = lane.producer().template try_claim_alone<8, 8>()) {
          claim.place.write(0, ++number);
          lane.producer().template commit_alone<8, 8>(claim, step.kind);
          continue;
        }
      }
      LaneMemory::Address events = nullptr;
      while (!(events = lane.producer().try_claim_stamped(step.kind, step.count, step.run, step.stamp))) pause();
      const std::uint64_t words = step.kind.stride_bytes() / 8 * step.count;
      for (std::uint64_t i = 0; i < words; ++i) events.write(i, ++number);
      lane.producer().commit();
    }
  }

  void consume() {
    while (at < script.size()) {
      if (takes == Takes::alone_first && take_alone() > 0) continue;
      Lane::Frame frame;
      while (!lane.consumer().peek(frame)) pause();
      require(frame.count > 0, "a run has events");
      const std::uint32_t count = takes == Takes::one_by_one ? 1 : frame.count;
      const LaneMemory::Address events = lane.consumer().payload(frame);
      for (std::uint32_t i = 0; i < count; ++i) {
        if (at < script.size() && script[at].stamp != 0 && of_step == 0) {
          require(frame.stamped && frame.stamp == script[at].stamp, "a stamp comes with its run");
        }
        see(frame.kind, events, i);
      }
      lane.consumer().consume(count);
    }
  }

  std::uint64_t take_alone() {
    return lane.consumer().consume_alone(script.size() - at, [this](FrameKind kind, LaneMemory::Address event) {
      require(script[at].stamp == 0, "a stamp is not passed over");
      see(kind, event, 0);
    });
  }

  void see(FrameKind kind, const LaneMemory::Address& events, std::uint32_t index) {
    require(at < script.size(), "no more events than were published");
    const Publish& published = script[at];
    require(kind == published.kind, "events have the kind they were published with");
    const std::uint64_t words = published.kind.stride_bytes() / 8;
    for (std::uint64_t w = 0; w < words; ++w) {
      require(events.read(index * words + w) == ++seen, "events come whole and in order");
    }
    if (++of_step == published.count) {
      of_step = 0;
      ++at;
    }
  }
};

constexpr std::array<Publish, 5> kClosedFrames{{{kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed}}};
const Register<Plays<kClosedFrames, 64, Takes::runs>> closed{"lane.closed",
                                                             "Closed frames pass a lane that holds three."};

constexpr std::array<Publish, 7> kOpenFrames{{{kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen}}};
const Register<Plays<kOpenFrames, 128, Takes::runs>> open{"lane.open", "Frames are extended while they are read."};
const Register<Plays<kOpenFrames, 128, Takes::one_by_one>> one_by_one{"lane.open_one_by_one",
                                                                      "The same, read one event after the other."};

constexpr std::array<Publish, 7> kWraps{{{kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed}}};
const Register<Plays<kWraps, 128, Takes::runs>> wraps{"lane.wraps",
                                                      "Frames that do not fit before the end skip to the start."};

constexpr std::array<Publish, 6> kMixed{{{kOneWord, 1, kOpen},
                                         {kTwoWords, 1, kClosed, 17},
                                         {kOneWord, 1, kOpen, 18},
                                         {kOneWord, 1, kOpen},
                                         {kTwoWords, 1, kOpen},
                                         {kOneWord, 2, kClosed}}};
const Register<Plays<kMixed, 128, Takes::runs>> mixed{"lane.mixed",
                                                      "Kinds, stamps, open and closed frames follow each other."};

constexpr std::array<Publish, 7> kAlone{{{kOneWord, 1, kClosed},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kTwoWords, 1, kOpen},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true}}};
const Register<Plays<kAlone, 64, Takes::runs>> alone{"lane.alone",
                                                     "Events in frames of their own take the short way."};
const Register<Plays<kAlone, 64, Takes::alone_first>> both_alone{"lane.both_alone",
                                                                 "And so does the consumer, wherever it can."};
const Register<Plays<kMixed, 128, Takes::alone_first>> mixed_alone{
    "lane.mixed_alone", "It stops before other frames, and takes them the long way."};

}  // namespace
}  // namespace headrace::model
