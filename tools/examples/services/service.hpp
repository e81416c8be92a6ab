#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/bus/durable_topics.hpp"
#include "headrace/bus/inbound_events.hpp"
#include "headrace/delivery/dead_letter_service.hpp"
#include "headrace/headrace.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;

/// What every service has of its own: a file, with the events that it caused, what it has done, and what it gave up.
/// It hears typed events on a bus, and keeps what it causes; how events come onto the bus and where they go from the
/// file is not its business (wiring.hpp).
class Service {
 public:
  /// `types` are also the bus's, for its dead letters. `done` tells copies of events apart; none: the service's own file
  /// does.
  Service(std::string name, hr::Bus& bus, std::shared_ptr<hr::EventTypes> types,
          const std::filesystem::path& folder, std::shared_ptr<hr::DedupStore> done = nullptr);

  /// Handled once, tried again after a failure, given up into the service's dead letters.
  template <class T>
  void on(std::function<hr::Outcome(const T&, hr::Context&)> handle) {
    types_->add<T>();
    hr::SubscribeOptions options = options_of(hr::event_topic<T>());
    subscriptions_.push_back(bus_.subscribe<T>(std::move(options), std::move(handle)));
    hears_.push_back({std::string(hr::event_topic<T>()), [](hr::InboundEvents& inbound) { inbound.topic<T>(); }});
  }
  /// Others want to hear of these.
  template <class T>
  void emits() {
    types_->add<T>();
    emits_.push_back({std::string(hr::event_topic<T>()),
                      [](hr::DurableTopics& durable) { static_cast<void>(durable.topic<T>()); }});
  }

  /// Keeps an event that the handled one caused. The same cause has the same effect, which is kept once.
  template <class T>
  [[nodiscard]] hr::Outcome keep(const T& event, const hr::Context& context) {
    const hr::Status kept =
        append(hr::encode_event(json_, event, effect_of(*context.meta(), hr::event_topic<T>())));
    return kept ? hr::done() : hr::retry(kept.error().message());
  }
  /// The first event of a business transaction.
  template <class T>
  [[nodiscard]] hr::Status begin(const T& event) {
    hr::Envelope envelope;
    envelope.id = envelope.correlation = hr::EventId::make();
    return append(hr::encode_event(json_, event, std::move(envelope)));
  }

  template <class Wire>
  struct Wired {
    std::string topic;
    std::function<void(Wire&)> add;
  };
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] hr::SqliteEventStore& store() noexcept { return *store_; }
  [[nodiscard]] const std::shared_ptr<hr::EventTypes>& types() const noexcept { return types_; }
  [[nodiscard]] const std::vector<Wired<hr::InboundEvents>>& hears() const noexcept { return hears_; }
  [[nodiscard]] const std::vector<Wired<hr::DurableTopics>>& emits_to() const noexcept { return emits_; }
  [[nodiscard]] hr::DeadLetterStore& letters() noexcept { return *letters_; }
  /// Runs all letters again; `headrace dlq redrive FILE --all` does the same from outside.
  [[nodiscard]] std::shared_ptr<hr::Redrive> redrive() {
    return bus_.dead_letters(letters_).redrive(hr::DeadLetterFilter{});
  }

 private:
  [[nodiscard]] hr::SubscribeOptions options_of(std::string_view topic) const;
  [[nodiscard]] static hr::Envelope effect_of(const hr::EventMeta& cause, std::string_view topic);
  [[nodiscard]] hr::Status append(hr::Result<hr::EncodedEvent> event);

  const std::string name_;
  hr::Bus& bus_;
  hr::wire::JsonCodec json_;
  std::shared_ptr<hr::EventTypes> types_;
  std::unique_ptr<hr::SqliteEventStore> store_;
  std::shared_ptr<hr::DeadLetterStore> letters_;
  std::shared_ptr<hr::DedupStore> done_;
  std::vector<Wired<hr::InboundEvents>> hears_;
  std::vector<Wired<hr::DurableTopics>> emits_;
  std::vector<hr::Subscription> subscriptions_;
  std::unique_ptr<hr::DeadLetterService> redrives_;
};
