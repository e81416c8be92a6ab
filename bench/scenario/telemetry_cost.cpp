// publisher (first cpu) ──► bus ──► handler (second cpu)
//
// Question: what does telemetry cost where it hurts most, with 64-byte events published one at a time? The same
// program built with telemetry and without, each in a process of its own (peers/telemetry/main.cpp).

#if defined(HEADRACE_BENCH_WITH_TELEMETRY)
#include <memory>
#include <string>

#include "harness/bench.hpp"
#include "peers/child_process.hpp"

namespace headrace::bench {
namespace {

Measure dispatch_of(const std::string& program) {
  return [program, child = std::shared_ptr<ChildProcess>()](Context& context) mutable {
    if (child == nullptr) child = std::make_shared<ChildProcess>(std::vector<std::string>{program});
    const std::string cpus = std::to_string(context.cpus()[0]) + ' ' + std::to_string(context.cpus()[1]);
    return context.millions_per_second(
        [&](std::uint64_t events) { return child->ask_number(std::to_string(events) + ' ' + cpus); });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("telemetry.cost", .unit = "M/s") {
  row.ours(dispatch_of(HEADRACE_BENCH_WITH_TELEMETRY));
  row.peer("headrace without telemetry", dispatch_of(HEADRACE_BENCH_WITHOUT_TELEMETRY), everywhere(0.97));
}

}  // namespace headrace::bench
#endif
