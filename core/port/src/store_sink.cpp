#include "headrace/port/store_sink.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "headrace/port/deadline.hpp"

namespace headrace {

/// What the store's answers reach, also after the sink has gone.
struct StoreSink::State {
  explicit State(HealthBoard::Changed changed) : health(std::move(changed)) {}

  void answered() {
    {
      const std::scoped_lock lock(mutex);
      --unconfirmed;
    }
    room.notify_all();
  }

  HealthBoard health;
  std::mutex mutex;
  std::condition_variable room;
  std::size_t unconfirmed = 0;  // behind mutex
  bool open = false;            // behind mutex
};

namespace {

/// FNV-1a of 128 bits, since the id is kept in files: the hashes for tables in memory may change.
EventId hashed_id(std::string_view text) noexcept {
  __extension__ using Uint128 = unsigned __int128;
  constexpr Uint128 kPrime = Uint128{1} << 88 | 0x13b;
  Uint128 sum = Uint128{0x6c62272e07bb0142} << 64 | 0x62b821756295c58d;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * kPrime;
  return {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum) | 1};
}

EventId id_of(const Message& message, const std::string& header) {
  const auto at = std::ranges::find(message.headers, header, &std::pair<std::string, std::string>::first);
  if (at == message.headers.end() || at->second.empty()) return {};
  if (const auto id = EventId::parse(at->second); id && *id) return *id;
  return hashed_id(at->second);
}

/// The store's answer as a sink's.
Status answer_of(const Result<AppendReceipt>& appended, HealthBoard& health) {
  if (appended && appended->is_stored()) return Nothing{};
  if (appended) return Error{"the store has another event under this id, or in its stream", "store sink"};
  Error error = appended.error();
  // What is wrong with a message was looked for before: so it is the store that does not work any more.
  if (error.retry == Error::Retry::no) health.set(AdapterState::gave_up, error.message());
  error.retry = Error::Retry::maybe;
  return error;
}

}  // namespace

StoreSink::StoreSink(std::shared_ptr<EventStore> store, StoreSinkOptions options)
    : store_(std::move(store)), options_(std::move(options)), state_(std::make_shared<State>(options_.on_health)) {
  HEADRACE_CHECK("store_sink.store", store_ != nullptr, "a store sink needs a store");
}

StoreSink::~StoreSink() { static_cast<void>(stop(std::chrono::milliseconds(0))); }

Status StoreSink::start() {
  if (options_.unconfirmed_max == 0) return Error{"unconfirmed_max must be at least 1", "store sink"};
  if (options_.stream.size() > kStreamNameBytesMax) return Error{"the stream's name is too long", "store sink"};
  {
    const std::scoped_lock lock(state_->mutex);
    state_->open = true;
  }
  state_->health.set(AdapterState::up);
  return Nothing{};
}

AppendRequest StoreSink::request_of(Message&& message) const {
  EncodedEvent event;
  if (!options_.identity.empty()) event.envelope.id = id_of(message, options_.identity);
  event.envelope.topic = message.topic;
  event.envelope.key = std::move(message.key);
  event.envelope.headers = std::move(message.headers);
  event.content_type = std::move(message.content_type);
  event.body = std::move(message.body);
  std::string stream = options_.stream.empty() ? std::move(message.topic) : options_.stream;
  std::vector<EncodedEvent> events;
  events.push_back(std::move(event));
  return AppendRequest::to(std::move(stream), ExpectedVersion::any(), std::move(events));
}

SendResult StoreSink::send(Message&& message, Confirm confirm) {
  if (message.body.size() > kEventBytesMax) return SendResult::too_large;
  {
    const std::scoped_lock lock(state_->mutex);
    if (!state_->open) return SendResult::closed;
    if (state_->unconfirmed >= options_.unconfirmed_max) return SendResult::full;
    ++state_->unconfirmed;
  }
  AppendRequest request = request_of(std::move(message));
  if (const Status good = check_append(request); !good) {
    if (confirm) confirm(Error{good.error().what, good.error().where, Error::Retry::no});
    state_->answered();
    return SendResult::taken;
  }
  store_->submit(std::move(request),
                 [state = state_, confirm = std::move(confirm)](Result<AppendReceipt> appended) {
                   const Status answer = answer_of(appended, state->health);
                   if (confirm) confirm(answer);
                   state->answered();
                 });
  return SendResult::taken;
}

bool StoreSink::wait_for_room(std::chrono::milliseconds deadline) {
  std::unique_lock lock(state_->mutex);
  return state_->room.wait_for(lock, bounded(deadline), [this] {
    return !state_->open || state_->unconfirmed < options_.unconfirmed_max;
  }) && state_->open;
}

std::size_t StoreSink::stop(std::chrono::milliseconds deadline) {
  std::size_t left = 0;
  {
    std::unique_lock lock(state_->mutex);
    state_->open = false;
    state_->room.notify_all();
    state_->room.wait_for(lock, bounded(deadline), [this] { return state_->unconfirmed == 0; });
    left = state_->unconfirmed;
  }
  state_->health.set(AdapterState::idle);
  return left;
}

Health StoreSink::health() const { return state_->health.get(); }

Capabilities StoreSink::capabilities() const {
  return {.name = "event store",
          .order_by_key = true,
          .retry = true,
          .dead_letters = false,
          .redelivery_flag = false,
          .headers = true,
          .content_type = true,
          .durable = store_->capabilities().durable,
          .body_bytes_max = kEventBytesMax};
}

}  // namespace headrace
