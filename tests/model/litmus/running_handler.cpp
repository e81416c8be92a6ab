#include "headrace/dispatch/running_handler.hpp"

#include <array>

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

struct Subscription {
  Atomic<bool> cancelled{false};
  Plain<int> heir{0};
};

// Two workers run two handlers, one of which is unsubscribed and destroyed meanwhile.
struct Unsubscribes : Litmus<Unsubscribes, 3> {
  std::array<Subscription, 2> subscriptions;
  std::array<RunningHandler<Subscription>, 2> workers;
  Plain<int> handler{1};

  void thread(unsigned index) {
    if (index < 2) {
      for (const std::size_t subscription : {0U, 1U, 0U}) {
        const bool runs = workers[index].enter(subscriptions[subscription]);
        if (runs && subscription == 0) require(handler.get() == 1, "a handler that runs is alive");
        workers[index].leave();
        if (!runs) {
          RunningHandler<Subscription>::see_cancel(subscriptions[subscription]);
          require(subscriptions[subscription].heir.get() == 1, "who was refused sees who runs instead");
        }
      }
      return;
    }
    subscriptions[0].heir.set(1);
    RunningHandler<Subscription>::cancel(subscriptions[0]);
    for (const auto& worker : workers) {
      while (worker.running() == &subscriptions[0]) pause();
    }
    handler.set(0);
  }
};
const Register<Unsubscribes> unsubscribes{"running_handler.unsubscribes",
                                          "A handler is destroyed only when it neither runs nor will."};

}  // namespace
}  // namespace headrace::model
