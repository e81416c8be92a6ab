#include "headrace/ring/spsc_ring.hpp"

#include "harness/litmus.hpp"
#include "spsc_litmuses.hpp"

namespace headrace::model {
namespace {

template <class T, std::size_t group_slots, std::size_t groups>
struct Ring : SpscRing<T, group_slots> {
  static constexpr std::size_t kCapacity = group_slots * groups;
  Ring() : SpscRing<T, group_slots>(kCapacity) {}
};

const Register<OneAtATime<Ring<Boxed, 1, 2>, Boxed>> two_groups{"spsc_ring.two_groups",
                                                                "Events pass two groups of a slot, in order."};
const Register<OneAtATime<Ring<Boxed, 2, 1>, Boxed>> one_group{"spsc_ring.one_group",
                                                               "Events pass one group of two slots, in order."};
const Register<OneAtATime<Ring<int, 2, 2>, int>> trivial{"spsc_ring.trivial",
                                                         "The same with events that have no destructor."};
const Register<Batches<Ring<Boxed, 2, 2>>> batches{"spsc_ring.batches", "Batches are cut and lose nothing."};
const Register<InPlace<Ring<int, 2, 1>>> in_place{"spsc_ring.in_place", "Claimed slots are seen when committed."};
const Register<ProducersInTurn<Ring<Boxed, 1, 2>>> producers{"spsc_ring.producers_in_turn",
                                                             "A second producer goes on where the first stopped."};
const Register<ConsumersInTurn<Ring<Boxed, 1, 2>>> consumers{"spsc_ring.consumers_in_turn",
                                                             "A second consumer goes on where the first stopped."};

}  // namespace
}  // namespace headrace::model
