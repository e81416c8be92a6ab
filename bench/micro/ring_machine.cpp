//   first cpu ◄──► second cpu, with no ring between them
//
// Question: what does the machine allow? A value and its flag in one line, there and back; and the streaming
// hand-over of 64 KiB chunks, written in place by ordinary and by non-temporal stores.

#include "micro/ring_machine.hpp"

#include "harness/bench.hpp"

namespace headrace::bench {
namespace {

HEADRACE_BENCH_ROW("machine.pingpong", .unit = "ns", .better = Better::lower) { row.ours(bare_round_trip); }
HEADRACE_BENCH_ROW("machine.handover.ordinary", .unit = "GB/s") { row.ours(bare_handover<Stores::ordinary>); }
HEADRACE_BENCH_ROW("machine.handover.non_temporal", .unit = "GB/s") {
  row.ours(bare_handover<Stores::non_temporal>);
}

}  // namespace
}  // namespace headrace::bench
