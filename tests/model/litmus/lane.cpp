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

/// The producer plays a script; every word of its events is the next number. The consumer checks kinds, numbers
/// and stamps; it takes as many events of a run as it sees, or one after the other.
template <const auto& script, std::size_t capacity_bytes, std::uint32_t at_once>
struct Plays : Litmus<Plays<script, capacity_bytes, at_once>, 2> {
  Lane lane{capacity_bytes};

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
    std::uint64_t number = 0;
    for (std::size_t step = 0, of_step = 0; step < script.size();) {
      Lane::Frame frame;
      while (!lane.consumer().peek(frame)) pause();
      require(frame.count > 0, "a run has events");
      const std::uint32_t count = frame.count < at_once ? frame.count : at_once;
      const LaneMemory::Address events = lane.consumer().payload(frame);
      for (std::uint32_t i = 0; i < count; ++i) {
        require(step < script.size(), "no more events than were published");
        const Publish& published = script[step];
        require(frame.kind == published.kind, "events have the kind they were published with");
        if (published.stamp != 0 && of_step == 0) {
          require(frame.stamped && frame.stamp == published.stamp, "a stamp comes with its run");
        }
        const std::uint64_t words = published.kind.stride_bytes() / 8;
        for (std::uint64_t w = 0; w < words; ++w) {
          require(events.read(i * words + w) == ++number, "events come whole and in order");
        }
        if (++of_step == published.count) {
          of_step = 0;
          ++step;
        }
      }
      lane.consumer().consume(count);
    }
  }
};

constexpr std::uint32_t kAll = 100;

constexpr std::array<Publish, 5> kClosedFrames{{{kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed},
                                                {kOneWord, 1, kClosed}}};
const Register<Plays<kClosedFrames, 64, kAll>> closed{"lane.closed",
                                                      "Closed frames pass a lane that holds three."};

constexpr std::array<Publish, 7> kOpenFrames{{{kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen},
                                              {kOneWord, 1, kOpen}}};
const Register<Plays<kOpenFrames, 128, kAll>> open{"lane.open", "Frames are extended while they are read."};
const Register<Plays<kOpenFrames, 128, 1>> one_by_one{"lane.open_one_by_one",
                                                      "The same, read one event after the other."};

constexpr std::array<Publish, 7> kWraps{{{kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed},
                                         {kTwoWords, 1, kOpen},
                                         {kTwoWords, 1, kClosed}}};
const Register<Plays<kWraps, 128, kAll>> wraps{"lane.wraps",
                                               "Frames that do not fit before the end skip to the start."};

constexpr std::array<Publish, 6> kMixed{{{kOneWord, 1, kOpen},
                                         {kTwoWords, 1, kClosed, 17},
                                         {kOneWord, 1, kOpen, 18},
                                         {kOneWord, 1, kOpen},
                                         {kTwoWords, 1, kOpen},
                                         {kOneWord, 2, kClosed}}};
const Register<Plays<kMixed, 128, kAll>> mixed{"lane.mixed",
                                               "Kinds, stamps, open and closed frames follow each other."};

constexpr std::array<Publish, 7> kAlone{{{kOneWord, 1, kClosed},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kTwoWords, 1, kOpen},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true},
                                         {kOneWord, 1, kClosed, 0, true}}};
const Register<Plays<kAlone, 64, kAll>> alone{"lane.alone", "Events in frames of their own take the short way."};

}  // namespace
}  // namespace headrace::model
