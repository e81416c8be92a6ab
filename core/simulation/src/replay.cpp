#include "headrace/simulation/replay.hpp"

#include <algorithm>
#include <memory>
#include <thread>

namespace headrace {
namespace {

constexpr std::chrono::milliseconds kAskAgain{1};

/// Calls hand_over(event, pause): for each one that the options let through, with its time from the first one on.
template <class HandOver>
Result<ReplayReport> play(RecordingReader& recording, const RecordedTypes& types, const ReplayOptions& options,
                          HandOver&& hand_over) {
  if (!(options.speed >= 0)) return Error{"a replay's speed is not below zero", "ReplayOptions::speed"};
  std::optional<Filter> filter;
  if (!options.filter.empty()) {
    Result<Filter> parsed = Filter::parse(options.filter);
    if (!parsed) return parsed.error();
    filter = std::move(*parsed);
  }
  ReplayReport report;
  std::optional<std::chrono::nanoseconds> first;
  for (;;) {
    Result<std::optional<RecordedEvent>> next = recording.next();
    if (!next) return next.error();
    if (!*next) return report;
    const RecordedEvent& event = **next;
    const Envelope& envelope = event.event.envelope;
    const bool is_effect = options.which == ReplayOptions::Which::causes && !envelope.causation.is_none();
    if (is_effect || (filter && !filter->matches(envelope.topic))) {
      ++report.left_out;
      continue;
    }
    Result<RecordedTypes::Replayed> ready = types.prepare(event);
    if (!ready) return ready.error();
    if (!first) first = event.at;
    std::chrono::nanoseconds due{};
    if (options.speed > 0) {
      // In floating point: times of a damaged or foreign recording may be any.
      const double wait =
          (static_cast<double>(event.at.count()) - static_cast<double>(first->count())) / options.speed;
      due = std::chrono::nanoseconds(static_cast<std::int64_t>(std::clamp(wait, 0.0, 4e18)));
    }
    hand_over(std::move(*ready), due, report);
  }
}

}  // namespace

Result<RecordedTypes::Replayed> RecordedTypes::prepare(const RecordedEvent& recorded) const {
  const Envelope& envelope = recorded.event.envelope;
  const Result<EventTypeId> type = find(recorded.type);
  if (!type) return type.error();
  const auto publish = publish_.find(*type);
  if (publish == publish_.end()) return Error{"RecordedTypes was not given this type itself", recorded.type};
  const auto read = fields(*type, envelope.version, {recorded.event.content_type, recorded.event.body});
  if (!read) return read.error();
  Result<HeldEvent> event = make(*type, *read);
  if (!event) return event.error();
  Replayed ready;
  ready.event = *event;
  const EventOps& ops = *event->ops();
  ready.key = ops.has_key ? ops.key_hash(event->data()) : 0;
  std::optional<PublishOptions> options;
  if (envelope.id || envelope.correlation || envelope.causation) {
    options =
        PublishOptions{.id = envelope.id, .correlation = envelope.correlation, .causation = envelope.causation};
  }
  ready.publish = [call = publish->second, topic = envelope.topic, held = ready.event,
                   options](Publisher& publisher) {
    return call(publisher, topic, held, options ? &*options : nullptr);
  };
  return ready;
}

Result<ReplayReport> replay(RecordingReader& recording, const RecordedTypes& types, Publisher& publisher,
                            const ReplayOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  return play(recording, types, options,
              [&](RecordedTypes::Replayed&& event, std::chrono::nanoseconds due, ReplayReport& report) {
                if (due > due.zero()) std::this_thread::sleep_until(begun + due);
                PublishResult result = event.publish(publisher);
                for (; result.status() == PublishStatus::full; result = event.publish(publisher)) {
                  std::this_thread::sleep_for(kAskAgain);
                }
                if (result) {
                  ++report.published;
                } else {
                  ++report.refused;
                  report.why_refused = result.status();
                }
              });
}

Result<ReplayReport> replay(RecordingReader& recording, const RecordedTypes& types, SimulatedPublisher& publisher,
                            const ReplayOptions& options) {
  return play(recording, types, options,
              [&](RecordedTypes::Replayed&& event, std::chrono::nanoseconds due, ReplayReport& report) {
                publisher.call_after(due, event.key, std::move(event.publish));
                ++report.published;
              });
}

}  // namespace headrace
