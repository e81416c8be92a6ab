#include "textbook_ring.hpp"

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

template <PlantedBug bug>
struct ReusesSlots : Litmus<ReusesSlots<bug>, 2> {
  TextbookRing<2, bug> ring;
  void thread(unsigned index) {
    for (int i = 1; i <= 3; ++i) {
      if (index == 0) {
        while (!ring.try_push(i)) pause();
      } else {
        int value = 0;
        while (!ring.try_pop(value)) pause();
        require(value == i, "events arrive in order");
      }
    }
  }
};
const Register<ReusesSlots<PlantedBug::none>> reuses{"textbook_ring.reuses_slots",
                                                     "Three events pass two slots, in order."};
const Register<ReusesSlots<PlantedBug::pushes_when_full>> full{"textbook_ring.pushes_when_full",
                                                               "Two operations on two slots would not show it.",
                                                               Search::random, Expect::failure};
const Register<ReusesSlots<PlantedBug::publishes_before_it_writes>> early{
    "textbook_ring.publishes_early", "The consumer reads a slot while it is written.", Search::random,
    Expect::failure};

}  // namespace
}  // namespace headrace::model
