#include "headrace/dispatch/doorbell.hpp"

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

// The worker opens what it was rung for: it has to see what the publisher did before, by the doorbell's orders
// alone.
struct Rings : Litmus<Rings, 3> {
  static constexpr std::uint32_t kPublishers = 2;
  Doorbell doorbell{kPublishers};
  Plain<int> made[kPublishers];

  void thread(unsigned index) {
    if (index < kPublishers) {
      made[index].set(1);
      doorbell.ring(index);
      return;
    }
    for (std::uint32_t opened = 0; opened < kPublishers;) {
      const auto key = doorbell.sleepers().prepare_wait();
      if (doorbell.was_rung()) {
        doorbell.sleepers().cancel_wait(key);
      } else {
        doorbell.sleepers().wait(key);
      }
      doorbell.answer([&](std::uint32_t publisher) {
        require(made[publisher].get() == 1, "what was rung for is there");
        ++opened;
      });
    }
  }
};
const Register<Rings> rings{"doorbell.rings", "Each ring opens what stood behind it, and none is lost."};

}  // namespace
}  // namespace headrace::model
