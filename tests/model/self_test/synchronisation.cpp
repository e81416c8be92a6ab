// What the checker takes for ordered and what not.

#include "harness/litmus.hpp"
#include "headrace/base/atomic.hpp"

namespace headrace::model {
namespace {

// A relaxed store after the release store, by the same thread: it synchronised until C++17, and no more.
struct SameThreadStore : Litmus<SameThreadStore, 2> {
  Atomic<int> flag{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      flag.store(1, std::memory_order_release);
      flag.store(2, std::memory_order_relaxed);
    } else if (flag.load(std::memory_order_acquire) == 2) {
      require(data.get() == 1, "the data is there");
    }
  }
};
const Register<SameThreadStore> same_thread{
    "synchronisation.same_thread_store",
    "A later store of one thread does not carry the release of an earlier one.", Search::exhaustive,
    Expect::failure};

struct ReadModifyWrite : Litmus<ReadModifyWrite, 3> {
  Atomic<int> flag{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      flag.store(1, std::memory_order_release);
    } else if (index == 1) {
      flag.fetch_add(2, std::memory_order_relaxed);
    } else if (flag.load(std::memory_order_acquire) == 3) {
      require(data.get() == 1, "the data is there");
    }
  }
};
const Register<ReadModifyWrite> rmw{"synchronisation.read_modify_write",
                                    "A relaxed read-modify-write carries the release on.", Search::exhaustive};

// Two seq_cst fences order loads and stores around them, but do not make plain accesses ordered.
struct FencesAlone : Litmus<FencesAlone, 2> {
  Atomic<int> flag{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      flag.store(1, std::memory_order_relaxed);
      atomic_fence(std::memory_order_seq_cst);
    } else {
      atomic_fence(std::memory_order_seq_cst);
      if (flag.load(std::memory_order_relaxed) == 1) require(data.get() == 1, "the data is there");
    }
  }
};
const Register<FencesAlone> fences_alone{"synchronisation.fences_alone",
                                         "Fences on the wrong sides of store and load do not publish.",
                                         Search::exhaustive, Expect::failure};

// A light fence is nothing to the processor: what stands before it is not released by what comes behind.
struct LightFence : Litmus<LightFence, 2> {
  Atomic<int> flag{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      asymmetric_fence_light();
      flag.store(1, std::memory_order_relaxed);
    } else if (flag.load(std::memory_order_acquire) == 1) {
      require(data.get() == 1, "the data is there");
    }
  }
};
const Register<LightFence> light_fence{"synchronisation.light_fence", "A light fence does not publish.",
                                       Search::exhaustive, Expect::failure};

// Neither order of the exchange depends on the other: a failed one synchronises though a done one does not.
struct FailureOrder : Litmus<FailureOrder, 2> {
  Atomic<int> flag{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      flag.store(1, std::memory_order_release);
    } else {
      int expected = 0;
      if (!flag.compare_exchange_strong(expected, 2, std::memory_order_relaxed, std::memory_order_acquire)) {
        require(data.get() == 1, "the data is there");
      }
    }
  }
};
const Register<FailureOrder> failure_order{"synchronisation.failure_order", "A failed exchange acquires.",
                                           Search::exhaustive};

struct Uninitialised : Litmus<Uninitialised, 2> {
  Cell<int> cell;
  void thread(unsigned index) { require(index == 0 || cell.get() == 0, "nothing was ever constructed here"); }
};
const Register<Uninitialised> uninitialised{"synchronisation.uninitialised", "Reading an empty cell is found.",
                                            Search::exhaustive, Expect::failure};

}  // namespace
}  // namespace headrace::model
