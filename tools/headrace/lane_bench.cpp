#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "headrace/base/check.hpp"
#include "headrace/ring/lane.hpp"
#include "machine_bench.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kLaneBytes = std::size_t{1} << 20U;

template <std::size_t Bytes>
double events_a_second(std::pair<int, int> cpus, std::uint32_t batch, std::uint64_t wanted) {
  struct Payload {
    std::array<std::uint64_t, Bytes / 8> words;
  };
  const std::uint64_t events = wanted / batch * batch;
  Lane lane(kLaneBytes);
  const FrameKind kind(1, sizeof(Payload), alignof(Payload));
  const PairWait waiting(cpus);
  std::uint64_t sum = 0;
  const auto produce = [&] {
    Lane::Producer& producer = lane.producer();
    Payload payload{};
    for (std::uint64_t sent = 0; sent < events;) {
      auto* place = reinterpret_cast<Payload*>(producer.try_claim(kind, batch));
      if (place == nullptr) {
        waiting.once();
        continue;
      }
      for (std::uint32_t i = 0; i < batch; ++i) {
        payload.words[0] = sent++;
        std::memcpy(static_cast<void*>(place + i), &payload, sizeof payload);
      }
      producer.commit();
    }
  };
  const auto consume = [&] {
    Lane::Consumer& consumer = lane.consumer();
    Lane::Frame frame;
    for (std::uint64_t got = 0; got < events;) {
      if (!consumer.peek(frame)) {
        waiting.once();
        continue;
      }
      const auto* run = reinterpret_cast<const Payload*>(consumer.payload(frame));
      for (std::uint32_t i = 0; i < frame.count; ++i) sum += run[i].words[0];
      got += frame.count;
      consumer.consume(frame.count);
    }
  };
  const double seconds = run_pair(cpus, produce, consume);
  HEADRACE_CHECK("bench.lane", sum == events * (events - 1) / 2, "the lane lost or doubled an event");
  return static_cast<double>(events) / seconds;
}

template <std::size_t Bytes>
void measure(const BenchOptions& options, std::pair<int, int> cpus, std::vector<BenchRow>& rows) {
  for (const std::uint32_t batch : {1U, 16U, 256U}) {
    if (Bytes * batch > kLaneBytes / 8) continue;  // the most that a frame holds
    auto rates = measure_rates(options.runs,
                               [&](std::uint64_t events) { return events_a_second<Bytes>(cpus, batch, events); });
    rows.push_back(summarize_rates(fmt::format("lane.{}b.batch{}", Bytes, batch), std::move(rates)));
  }
}

}  // namespace

std::vector<BenchRow> measure_lane(const BenchOptions& options, std::pair<int, int> cpus) {
  std::vector<BenchRow> rows;
  measure<8>(options, cpus, rows);
  measure<64>(options, cpus, rows);
  measure<256>(options, cpus, rows);
  measure<1024>(options, cpus, rows);
  return rows;
}

}  // namespace headrace::program
