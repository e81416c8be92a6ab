// A gateway that takes readings of devices under topics of their own, such as site/2/dev/17/temp.
// - "alarms" filters by wildcard: the temperatures of all devices at all sites;
// - "site-2" takes everything below one site;
// - "dashboard" is slow. It wants the latest reading of each device and no backlog: its overflow policy conflates,
//   so that what it misses is counted as dropped, and neither the gateway nor the alarms ever wait for it.

#include <array>
#include <cmath>
#include <cstdio>
#include <string>

#include "headrace/headrace.hpp"

namespace hr = headrace;

struct Reading {
  std::uint32_t device;
  std::uint32_t sequence;
  double value;
};
HEADRACE_EVENT(Reading, "readings", key(device), device, sequence, value)

namespace {

constexpr std::uint32_t kSites = 4;
constexpr std::uint32_t kDevices = 32;
constexpr std::uint32_t kRounds = 2'000;
constexpr unsigned kWorkers = 2;

/// Stands for drawing: keeps a core busy for a few microseconds.
double draw(double value) {
  for (int i = 0; i < 500; ++i) value = std::sqrt(value * value + 1e-9);
  return value;
}

}  // namespace

int main() {
  std::uint64_t hot = 0;
  std::uint64_t of_site_2 = 0;
  std::uint64_t drawn = 0;
  std::array<std::uint32_t, kDevices> shown{};
  double screen = 0;

  hr::Bus bus{{.workers = kWorkers, .lane_bytes = 1 << 14}};
  auto alarms = bus.subscribe<Reading>({.filter = "site/+/dev/+/temp", .group = "alarms", .worker = 0},
                                       hr::where([](const Reading& r) { return r.value >= 49.0; }),
                                       [&hot](const Reading&, hr::Context& context) {
                                         if (++hot == 1)
                                           std::printf("hot: %s\n", std::string(context.topic()).c_str());
                                       });
  auto site_2 = bus.subscribe<Reading>({.filter = "site/2/#", .group = "site-2", .worker = 0},
                                       [&of_site_2](const Reading&) { ++of_site_2; });
  // One more than there are devices: the reading that is being drawn counts until it is done.
  auto dashboard = bus.subscribe<Reading>(
      {.filter = "site/#", .group = "dashboard", .worker = 1, .overflow = hr::Overflow::conflate(kDevices + 1)},
      [&](const Reading& r) {
        screen += draw(r.value);
        shown[r.device] = r.sequence;
        ++drawn;
      });
  bus.start();

  std::array<std::string, kDevices> topics;
  for (std::uint32_t device = 0; device < kDevices; ++device) {
    topics[device] = "site/" + std::to_string(device % kSites) + "/dev/" + std::to_string(device) + "/temp";
  }
  hr::Publisher publisher = bus.publisher();
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    for (std::uint32_t device = 0; device < kDevices; ++device) {
      const Reading reading{device, round, 20.0 + (round * 7 + device * 13) % 30};
      if (!publisher.publish(topics[device], reading)) return 1;
    }
  }
  const hr::StopReport report = bus.stop(std::chrono::seconds(30));

  std::printf("%lu hot readings, %lu from site 2; the dashboard drew %lu of %u\n%s\n",
              static_cast<unsigned long>(hot), static_cast<unsigned long>(of_site_2),
              static_cast<unsigned long>(drawn), kRounds * kDevices, to_string(report.ledger).c_str());
  if (!std::isfinite(screen) || of_site_2 != kRounds * kDevices / kSites) return 2;
  for (const std::uint32_t sequence : shown) {
    if (sequence != kRounds)
      return 3;  // the latest reading of each device is shown in the end, whatever was missed
  }
  return report.ledger.balanced() && report.ledger.in_flight == 0 ? 0 : 4;
}
