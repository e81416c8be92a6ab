#pragma once

#if defined(HEADRACE_BENCH_CAF)
#include <caf/all.hpp>
#include <cstdint>

#include "peers/in_flight.hpp"

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(headrace::bench::Sample<0>)

namespace headrace::bench {

/// An actor of CAF on a scheduler with one thread: what publish and subscribe come to since CAF has no groups that
/// cross types.
template <class Event>
class CafBus {
  struct OneThread : caf::actor_system_config {
    OneThread() { set("scheduler.max-threads", 1); }
  };

 public:
  CafBus(int cpu, Tallies& tallies) : limit_{tallies, Waiting::spin}, system_(config_) {
    actor_ = system_.spawn([cpu, &tally = tallies[0]](caf::event_based_actor*) -> caf::behavior {
      pin_this_thread(cpu);  // runs on the scheduler's only thread
      return {[&tally](const Event& event) { tally.add(event.value); }};
    });
  }
  ~CafBus() {
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
    actor_ = nullptr;
    system_.await_all_actors_done();
  }

  class Handle {
   public:
    Handle(caf::actor actor, InFlightLimit& limit) : actor_(std::move(actor)), in_flight_(limit) {}

    void publish(const Event& event) {
      caf::anon_send(actor_, event);
      in_flight_.sent(1);
    }

   private:
    caf::actor actor_;
    InFlight in_flight_;
  };
  [[nodiscard]] Handle publisher() { return Handle(actor_, limit_); }

 private:
  InFlightLimit limit_;
  OneThread config_;
  caf::actor_system system_;
  caf::actor actor_;
};

}  // namespace headrace::bench
#endif
