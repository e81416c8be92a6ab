// publisher (first cpu) ──► bus ──► handler (second cpu)
//
// Question: what does dispatch add when events come in batches of 256 and memory bandwidth is what there is?
// At most 8,192 events in flight; the handler is called an event and adds up. Disruptor fills its batch in place,
// the others copy one that was filled before.

#include "harness/bench.hpp"
#include "peers/disruptor.hpp"
#include "peers/lane_bus.hpp"
#include "peers/variant_bus.hpp"
#include "scenario/headrace_bus.hpp"
#include "scenario/throughput.hpp"

namespace headrace::bench {

HEADRACE_BENCH_ROW("dispatch.64b.batch256", .unit = "M/s") {
  row.ours(in_batches<HeadraceBus, Sample<0>>);
  row.peer("bare lane, lagging", in_batches<LaggingLaneBus, Sample<0>>);
  row.peer("bare lane, chasing", in_batches<ChasingLaneBus, Sample<0>>);
  row.peer("best by hand: moodycamel 1.0.3 of variant", in_batches<VariantBus, Sample<0>>);
#if defined(HEADRACE_BENCH_DISRUPTOR)
  row.peer("LMAX Disruptor 3.4.4, yielding", disruptor("batch256", "yielding"), everywhere(1.3));
  row.peer("LMAX Disruptor 3.4.4, busy", disruptor("batch256", "busy"), everywhere(1.3));
#endif
}

HEADRACE_BENCH_ROW("dispatch.8b.batch256", .unit = "M/s") {
  row.ours(in_batches<HeadraceBus, SmallSample>);
  row.peer("bare lane, lagging", in_batches<LaggingLaneBus, SmallSample>, everywhere(0.85));
  row.peer("bare lane, chasing", in_batches<ChasingLaneBus, SmallSample>, everywhere(0.85));
  row.peer("best by hand: moodycamel 1.0.3 of variant", in_batches<VariantBus, SmallSample>);
}

}  // namespace headrace::bench
