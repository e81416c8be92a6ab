#include "headrace/ring/spsc_span_ring.hpp"

#include "harness/litmus.hpp"
#include "spsc_litmuses.hpp"

namespace headrace::model {
namespace {

template <class T>
struct Ring : SpscSpanRing<T> {
  static constexpr std::size_t kCapacity = 2;
  Ring() : SpscSpanRing<T>({.capacity_slots = kCapacity}) {}
};

const Register<OneAtATime<Ring<Boxed>, Boxed>> one_at_a_time{"spsc_span_ring.one_at_a_time",
                                                             "Events pass two slots, in order."};
const Register<OneAtATime<Ring<int>, int>> trivial{"spsc_span_ring.trivial",
                                                   "The same with events that have no destructor."};
const Register<Batches<Ring<Boxed>>> batches{"spsc_span_ring.batches", "Batches are cut and lose nothing."};
const Register<InPlace<Ring<int>>> in_place{"spsc_span_ring.in_place", "Claimed slots are seen when committed."};
const Register<ProducersInTurn<Ring<Boxed>>> producers{"spsc_span_ring.producers_in_turn",
                                                       "A second producer goes on where the first stopped."};
const Register<ConsumersInTurn<Ring<Boxed>>> consumers{"spsc_span_ring.consumers_in_turn",
                                                       "A second consumer goes on where the first stopped."};

struct Size : Litmus<Size, 3> {
  Ring<int> ring;
  void thread(unsigned index) {
    if (index == 0) {
      push_all(ring.producer(), 1, 4);
    } else if (index == 1) {
      pop_all<int>(ring.consumer(), 1, 4);
    } else {
      for (int i = 0; i < 2; ++i) require(ring.size_approx() <= 4, "no more than were pushed");
    }
  }
};
const Register<Size> size{"spsc_span_ring.size", "The size that an observer gets never runs below zero."};

}  // namespace
}  // namespace headrace::model
