#pragma once

#if defined(HEADRACE_BENCH_DISRUPTOR)
#include <memory>
#include <string>

#include "harness/bench.hpp"
#include "peers/child_process.hpp"

namespace headrace::bench {

enum class DisruptorThreads {
  pinned,  ///< publisher on the first cpu, handler on the second
  free
};

/// LMAX Disruptor in a Java process of its own, which is started and warmed up at the first measurement and then
/// waits for the next.
inline Measure disruptor(std::string scenario, std::string wait_strategy,
                         DisruptorThreads threads = DisruptorThreads::pinned) {
  const std::vector<std::string> command{
      HEADRACE_BENCH_JAVA,      "-Xms256m",      "-Xmx256m",          "-cp",
      HEADRACE_BENCH_DISRUPTOR, "DisruptorPeer", std::move(scenario), std::move(wait_strategy)};
  return [command, threads, child = std::shared_ptr<ChildProcess>()](Context& context) mutable {
    if (child == nullptr) child = std::make_shared<ChildProcess>(command);
    return context.millions_per_second([&](std::uint64_t events) {
      const std::string prepared = child->ask("prepare " + std::to_string(events));
      Context::require(prepared == "prepared", prepared.c_str());
      if (threads == DisruptorThreads::pinned) {
        child->pin_thread("publisher", context.cpus()[0]);
        child->pin_thread("handler", context.cpus()[1]);
      }
      return child->ask_number("go");
    });
  };
}

}  // namespace headrace::bench
#endif
