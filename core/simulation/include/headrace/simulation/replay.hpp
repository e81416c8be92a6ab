#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "headrace/dispatch/publisher.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/route/filter.hpp"
#include "headrace/simulation/recording.hpp"
#include "headrace/simulation/simulated_publisher.hpp"

namespace headrace {

/// The event types of recordings: EventTypes that can also be published.
///
///     auto types = std::make_shared<hr::RecordedTypes>(std::make_shared<hr::wire::JsonCodec>(), upcasters);
///     types->add<OrderPlaced>();
class RecordedTypes final : public EventTypes {
 public:
  using EventTypes::EventTypes;

  template <DescribedEvent T>
  requires Event<T> && std::copy_constructible<T>
  void add() {
    EventTypes::add<T>();
    publish_[event_type_id<T>()] = [](Publisher& publisher, std::string_view topic, const HeldEvent& event,
                                      const PublishOptions* options) {
      if (options == nullptr) return publisher.publish(topic, T(*event.as<T>()));
      return publisher.publish(topic, T(*event.as<T>()), *options);
    };
  }

  struct Replayed {
    HeldEvent event;  ///< without its meta
    std::uint64_t key = 0;
    std::function<PublishResult(Publisher&)> publish;
  };
  /// Decodes it, through the upcasters.
  [[nodiscard]] Result<Replayed> prepare(const RecordedEvent& recorded) const;

 private:
  using Publish = PublishResult (*)(Publisher&, std::string_view topic, const HeldEvent&, const PublishOptions*);
  std::map<EventTypeId, Publish> publish_;
};

struct ReplayOptions {
  /// 1: the pauses as they were; 2: twice as fast; 0: none.
  double speed = 0;
  std::string filter = {};  ///< of topics; empty: all
  enum class Which : std::uint8_t {
    all,
    causes,  ///< only what nothing recorded had caused: handlers will publish the rest again
  };
  Which which = Which::all;
};

struct ReplayReport {
  std::uint64_t published = 0;
  std::uint64_t left_out = 0;                            ///< by the options
  std::uint64_t refused = 0;                             ///< the bus did not take them
  PublishStatus why_refused = PublishStatus::published;  ///< of the last one
};

/// Publishes what a recording holds, in its order, to the topics and with the ids that it had. A bus that is
/// `full` is asked again a millisecond later, until it takes the event; every other refusal is counted.
///
/// Errors:  what cannot be read or decoded, by its byte or its type; what came before it has been published.
/// Threads: the publisher's; it sleeps through the pauses.
[[nodiscard]] Result<ReplayReport> replay(RecordingReader& recording, const RecordedTypes& types,
                                          Publisher& publisher, const ReplayOptions& options = {});
/// The same in a simulation: hands everything to the publisher at once, which publishes it when its virtual time
/// has come. `published` counts what was handed over; the publisher knows what became of it.
[[nodiscard]] Result<ReplayReport> replay(RecordingReader& recording, const RecordedTypes& types,
                                          SimulatedPublisher& publisher, const ReplayOptions& options = {});

}  // namespace headrace
