// Dekker's question: two threads store, then load what the other stored. May both miss it?

#include "harness/litmus.hpp"
#include "headrace/base/atomic.hpp"

namespace headrace::model {
namespace {

template <void (*left)(), void (*right)(), std::memory_order store, std::memory_order load>
struct StoreBuffering : Litmus<StoreBuffering<left, right, store, load>, 2> {
  Atomic<int> flag[2];
  int seen[2] = {};
  void thread(unsigned index) {
    flag[index].store(1, store);
    if (index == 0) left();
    if (index == 1) right();
    seen[index] = flag[1 - index].load(load);
  }
  void after() { require(seen[0] + seen[1] > 0, "one thread sees the other"); }
};

void none() {}
void full() { atomic_fence(std::memory_order_seq_cst); }
void acq_rel() { atomic_fence(std::memory_order_acq_rel); }
void light() { asymmetric_fence_light(); }
void heavy() { asymmetric_fence_heavy(); }

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kSeqCst = std::memory_order_seq_cst;

const Register<StoreBuffering<full, full, kRelaxed, kRelaxed>> fences{
    "store_buffering.fences", "Not with a fence on both sides.", Search::exhaustive};
const Register<StoreBuffering<light, heavy, kRelaxed, kRelaxed>> asymmetric{
    "store_buffering.asymmetric", "Not with a light and a heavy fence.", Search::exhaustive};
const Register<StoreBuffering<none, none, kSeqCst, kSeqCst>> seq_cst{
    "store_buffering.seq_cst", "Not with seq_cst operations.", Search::exhaustive};
const Register<StoreBuffering<light, light, kRelaxed, kRelaxed>> light_light{
    "store_buffering.light_light", "With two light fences, yes.", Search::exhaustive, Expect::failure};
const Register<StoreBuffering<light, full, kRelaxed, kRelaxed>> light_full{
    "store_buffering.light_full", "With a light and an ordinary fence, yes.", Search::exhaustive, Expect::failure};
const Register<StoreBuffering<full, none, kRelaxed, kRelaxed>> one_sided{
    "store_buffering.one_sided", "With one fence, yes.", Search::exhaustive, Expect::failure};
const Register<StoreBuffering<full, acq_rel, kRelaxed, kRelaxed>> weak_fence{
    "store_buffering.weak_fence", "With a fence that is not seq_cst, yes.", Search::exhaustive, Expect::failure};
const Register<StoreBuffering<none, none, std::memory_order_release, std::memory_order_acquire>> acquire_release{
    "store_buffering.acquire_release", "With acquire and release alone, yes.", Search::exhaustive,
    Expect::failure};

}  // namespace
}  // namespace headrace::model
