// What happened yesterday: events that cross a bus are recorded, and played back to handlers under test on virtual
// time. docs/guide/06-testing-your-handlers.md walks through it.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "headrace/headrace.hpp"
#include "headrace/simulation/event_recorder.hpp"
#include "headrace/simulation/replay.hpp"
#include "headrace/simulation/simulated_bus.hpp"
#include "headrace/simulation/trace_recording.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct OrderPlaced {
  std::uint64_t order = 0;
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(order), order)

struct OrderShipped {
  std::uint64_t order = 0;
};
HEADRACE_EVENT(OrderShipped, "orders.shipped", key(order), order)

/// The handler that runs in the program, and the one under test.
hr::Outcome ship(const OrderPlaced& placed, hr::Context& context) {
  return context.publish(OrderShipped{placed.order}) ? hr::done() : hr::retry();
}

int run(const std::string& path) {
  auto types = std::make_shared<hr::RecordedTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<OrderPlaced>();
  types->add<OrderShipped>();
  const hr::EventId first = hr::EventId::make();
  {
    hr::Bus bus{{.workers = 1}};
    auto shipping = bus.subscribe<OrderPlaced>({.name = "shipping"}, ship);
    auto recorder = hr::EventRecorder::open(bus, path, types, {.filter = "orders.#"});
    if (!recorder) return 1;
    bus.start();
    if (!bus.publish(OrderPlaced{1}, {.id = first})) return 1;
    if (!bus.publish(OrderPlaced{2}, {.id = hr::EventId::make()})) return 1;
    static_cast<void>(bus.stop(60s));
    const hr::RecorderReport report = recorder->close();
    std::printf("recorded %llu events\n", static_cast<unsigned long long>(report.recorded));
    if (report.recorded != 4 || report.skipped != 0 || !report.error.empty()) return 1;
  }

  // Only what came from outside is played: the handler under test publishes the rest itself.
  hr::SimulatedBus sim;
  std::uint64_t shipped = 0;
  auto shipping = sim.subscribe<OrderPlaced>({.name = "shipping"}, ship);
  auto counting = sim.subscribe<OrderShipped>([&](const OrderShipped&) { ++shipped; });
  std::ifstream file(path, std::ios::binary);
  hr::RecordingReader recording(file);
  auto played =
      hr::replay(recording, *types, sim.publisher(), {.speed = 1, .which = hr::ReplayOptions::Which::causes});
  if (!played) return 1;
  sim.run_until_quiet();
  std::printf("played %llu, left out %llu, shipped %llu\n", static_cast<unsigned long long>(played->published),
              static_cast<unsigned long long>(played->left_out), static_cast<unsigned long long>(shipped));

  // What became of the first order: as `headrace trace ID monday.recording` shows it.
  const auto traced = hr::trace_recording(path, first);
  if (!traced) return 1;
  std::printf("%s", to_text(traced->trace).c_str());
  return played->published == 2 && played->left_out == 2 && shipped == 2 && traced->trace.events.size() == 2 ? 0
                                                                                                             : 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "recording-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = run((std::filesystem::path(folder) / "monday.recording").string());
  std::filesystem::remove_all(folder);
  return code;
}
