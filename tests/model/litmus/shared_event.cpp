#include "headrace/dispatch/shared_event.hpp"

#include "boxed.hpp"
#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

const EventOps& boxed_ops() {
  static const EventOps ops = [] {
    EventOps made{};
    made.size = sizeof(Boxed);
    made.align = alignof(Boxed);
    made.destroy = [](void* events, std::size_t) noexcept { std::destroy_at(static_cast<Boxed*>(events)); };
    return made;
  }();
  return ops;
}

struct Releases : Litmus<Releases, 3> {
  SharedEvent* event = SharedEvent::allocate(boxed_ops(), 3);
  Releases() { std::construct_at(static_cast<Boxed*>(event->data()), 1); }
  void thread(unsigned index) {
    if (index == 0) {  // gives a share to somebody else, who is done first
      event->share();
      event->release();
    }
    require(static_cast<Boxed*>(event->data())->value() == 1, "a holder sees the event");
    event->release();
  }
};
const Register<Releases> releases{"shared_event.releases",
                                  "The last holder destroys it, after all others are done."};

}  // namespace
}  // namespace headrace::model
