// Headrace alone, for the row telemetry.cost: built once with telemetry and once without, since one program cannot
// hold both. Reads lines "EVENTS FIRST_CPU SECOND_CPU" and answers the seconds that dispatching so many took.

#include <cstdio>
#include <exception>

#include "scenario/headrace_bus.hpp"
#include "scenario/throughput.hpp"

int main() {
  using namespace headrace::bench;
  try {
    unsigned long events = 0;
    Cpus cpus(2);
    while (std::scanf("%lu %d %d", &events, &cpus[0], &cpus[1]) == 3) {
      std::printf("%.9f\n",
                  dispatch_seconds<HeadraceBus<Sample<0>>>(cpus, events, [](auto& publisher, std::uint64_t count) {
                    publish_singly<Sample<0>>(publisher, count);
                  }));
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
