#include <chrono>
#include <cstdint>
#include <cstdio>
#include <headrace/headrace.hpp>

struct Reading {
  std::uint64_t device, value;
};
HEADRACE_EVENT(Reading, "readings", version(1), key(device), device, value)

int main() {
  std::uint64_t sum = 0;
  headrace::Bus bus{{.workers = 1}};
  auto adding = bus.subscribe<Reading>([&](const Reading& reading) { sum += reading.value; });
  bus.start();
  for (std::uint64_t value = 1; value <= 100; ++value) {
    if (!bus.publish(Reading{7, value})) return 1;
  }
  static_cast<void>(bus.stop(std::chrono::seconds(10)));
  std::printf("whole bus: %llu\n", static_cast<unsigned long long>(sum));
  return sum == 5050 ? 0 : 1;
}
