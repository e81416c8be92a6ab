#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/bus/durable_topics.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/event/event_fields.hpp"
#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "line_codec.hpp"

namespace headrace::test {

struct Booked {
  std::uint64_t account = 0;
  std::int64_t number = 0;
};
HEADRACE_EVENT(Booked, "books.booked", key(account), account, number)

/// What outlives a program: the stores.
struct DurableWorld {
  DurableWorld() { types->add<Booked>(); }

  MemoryEventStore store{{.position_step = 3}};
  MemoryCheckpointStore checkpoints;
  std::shared_ptr<MemoryDeadLetterStore> letters = std::make_shared<MemoryDeadLetterStore>();
  std::shared_ptr<EventTypes> types = std::make_shared<EventTypes>(std::make_shared<LineCodec>());
};

/// A program that uses them, polled by the test; it ends as by a crash: nothing is waited for.
struct DurableProgram {
  explicit DurableProgram(DurableWorld& of, FollowerOptions options = {})
      : world(of),
        bus({.workers = 0}, {.dead_letters = of.letters, .event_types = of.types}),
        durable(bus, of.store, of.checkpoints, of.types, with_name(std::move(options))),
        booked(durable.topic<Booked>()) {
    bus.start();
  }
  static FollowerOptions with_name(FollowerOptions options) {
    options.name = "books";
    options.save_events = 1;
    return options;
  }
  EventPosition book(std::int64_t number, std::uint64_t account = 1) {
    const auto position = booked.publish({account, number});
    HEADRACE_CHECK("test.book", position.has_value(), "the event was not stored");
    return *position;
  }
  /// Until nothing more happens.
  void run() {
    while (durable.poll() + bus.poll() > 0) {
    }
    static_cast<void>(durable.poll());  // saves what has been handled since
  }

  DurableWorld& world;
  Bus bus;
  DurableTopics durable;
  DurableTopic<Booked> booked;
};

using Numbers = std::vector<std::int64_t>;

}  // namespace headrace::test
