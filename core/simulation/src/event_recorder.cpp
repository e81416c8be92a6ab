#include "headrace/simulation/event_recorder.hpp"

#include <cerrno>
#include <fstream>
#include <mutex>
#include <system_error>
#include <utility>

#include "headrace/bus/bus.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/simulation/recording.hpp"

namespace headrace {

struct EventRecorder::State {
  State(const std::string& path, std::shared_ptr<const EventTypes> of)
      : types(std::move(of)), file(path, std::ios::binary | std::ios::trunc), writer(file) {}

  void record(const AnyEvent& event, Context& context);

  const std::shared_ptr<const EventTypes> types;
  mutable std::mutex mutex;  ///< the worker's and whoever asks; nobody else
  std::ofstream file;
  RecordingWriter writer;
  std::uint64_t begun_ns = 0;
  RecorderReport report;
};

void EventRecorder::State::record(const AnyEvent& event, Context& context) {
  const TimeSource& time = context.dispatcher().options().time;
  const std::lock_guard lock(mutex);
  if (!report.error.empty()) return;
  const auto name = types->name_of(event.type);
  auto body = name ? types->encode(event.type, event.data) : Result<EncodedBody>(name.error());
  if (!body) {
    ++report.skipped;
    report.why_skipped = std::string(event.topic) + ": " + body.error().message();
    return;
  }
  RecordedEvent recorded;
  recorded.type = *name;
  recorded.at = std::chrono::nanoseconds(time.now_ns() - begun_ns);
  Envelope& envelope = recorded.event.envelope;
  envelope.topic = event.topic;
  envelope.key = context.ops().key_text(event.data);
  envelope.version = context.ops().version;
  envelope.time = time.wall_time();
  if (const EventMeta* meta = context.meta()) {
    envelope.id = meta->id;
    envelope.correlation = meta->correlation;
    envelope.causation = meta->causation;
  }
  recorded.event.content_type = std::move(body->content_type);
  recorded.event.body = std::move(body->bytes);
  if (const Status written = writer.write(recorded)) {
    ++report.recorded;
  } else if (!file) {
    report.error = written.error().message();
  } else {
    ++report.skipped;
    report.why_skipped = written.error().message();
  }
}

Result<EventRecorder> EventRecorder::open(Bus& bus, const std::string& path,
                                          std::shared_ptr<const EventTypes> types,
                                          const RecorderOptions& options) {
  HEADRACE_CHECK("event_recorder.types", types != nullptr, "a recorder needs event types");
  auto state = std::make_shared<State>(path, std::move(types));
  if (!state->file) return Error{std::generic_category().message(errno), path};
  state->begun_ns = bus.dispatcher().options().time.now_ns();
  SubscribeOptions how{.filter = options.filter, .name = "recorder", .worker = options.worker};
  return EventRecorder(
      state, bus.tap(how, [state](const AnyEvent& event, Context& context) { state->record(event, context); }));
}

EventRecorder::EventRecorder(std::shared_ptr<State> state, Subscription subscription)
    : state_(std::move(state)), subscription_(std::move(subscription)) {}
EventRecorder::EventRecorder(EventRecorder&&) noexcept = default;
EventRecorder& EventRecorder::operator=(EventRecorder&&) noexcept = default;
EventRecorder::~EventRecorder() = default;

RecorderReport EventRecorder::close() {
  subscription_ = Subscription();
  const std::lock_guard lock(state_->mutex);
  if (state_->file.is_open()) state_->file.close();
  if (!state_->file && state_->report.error.empty()) state_->report.error = "the recording cannot be written";
  return state_->report;
}

RecorderReport EventRecorder::report() const {
  const std::lock_guard lock(state_->mutex);
  return state_->report;
}

}  // namespace headrace
