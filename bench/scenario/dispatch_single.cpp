// publisher (first cpu) ──► bus ──► handler (second cpu)
//
// Question: what does the whole way of an event cost, when events are published one at a time and stream?
// 64 bytes each, at most 8,192 in flight, the handler adds up and counts. Peers: the bare lane, whose consumer lags as
// a worker does or looks again at once; buses written by hand (peers/variant_bus.hpp, peers/usual_bus.hpp); CAF; LMAX
// Disruptor with both wait strategies that spin. And the same with eight event types in turn, each with a handler of
// its own.

#include "harness/bench.hpp"
#include "peers/caf_bus.hpp"
#include "peers/disruptor.hpp"
#include "peers/lane_bus.hpp"
#include "peers/usual_bus.hpp"
#include "peers/variant_bus.hpp"
#include "scenario/headrace_bus.hpp"
#include "scenario/throughput.hpp"

namespace headrace::bench {

HEADRACE_BENCH_ROW("dispatch.64b.single", .unit = "M/s") {
  row.ours(one_at_a_time<HeadraceBus, Sample<0>>);
  row.peer("bare lane, lagging", one_at_a_time<LaggingLaneBus, Sample<0>>, everywhere(0.85));
  row.peer("bare lane, chasing", one_at_a_time<ChasingLaneBus, Sample<0>>, everywhere(0.85));
  row.peer("best by hand: moodycamel 1.0.3 of variant", one_at_a_time<VariantBus, Sample<0>>, everywhere(3));
  row.peer("usual: std::mutex, unique_ptr, map", one_at_a_time<UsualMutexBus, Sample<0>>, everywhere(12));
  row.peer("usual: moodycamel 1.0.3, unique_ptr, map", one_at_a_time<UsualMoodycamelBus, Sample<0>>,
           everywhere(12));
#if defined(HEADRACE_BENCH_CAF)
  row.peer("CAF 0.17.6", one_at_a_time<CafBus, Sample<0>>, everywhere(25));
#endif
#if defined(HEADRACE_BENCH_DISRUPTOR)
  row.peer("LMAX Disruptor 3.4.4, yielding", disruptor("single", "yielding"), everywhere(1.3));
  row.peer("LMAX Disruptor 3.4.4, busy", disruptor("single", "busy"), everywhere(1.3));
#endif
}

HEADRACE_BENCH_ROW("dispatch.64b.types8", .unit = "M/s") {
  row.ours(eight_types<HeadraceBus>);
  row.peer("best by hand: moodycamel 1.0.3 of variant", eight_types<VariantBus>);
  row.peer("usual: moodycamel 1.0.3, unique_ptr, map", eight_types<UsualMoodycamelBus>);
#if defined(HEADRACE_BENCH_DISRUPTOR)
  row.peer("LMAX Disruptor 3.4.4, yielding", disruptor("types8", "yielding"), everywhere(1.2));
  row.peer("LMAX Disruptor 3.4.4, busy", disruptor("types8", "busy"), everywhere(1.2));
#endif
}

}  // namespace headrace::bench
