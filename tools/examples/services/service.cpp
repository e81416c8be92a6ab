#include "service.hpp"

#include <stdexcept>

#include "headrace/base/hash.hpp"

namespace {

template <class T>
T value_of(hr::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(result).value();
}

}  // namespace

Service::Service(std::string name, hr::Bus& bus, std::shared_ptr<hr::EventTypes> types,
                 const std::filesystem::path& folder, std::shared_ptr<hr::DedupStore> done)
    : name_(std::move(name)),
      bus_(bus),
      types_(std::move(types)),
      store_(value_of(hr::SqliteEventStore::open({.file = folder / (name_ + ".db")}))),
      letters_(value_of(store_->dead_letters())),
      done_(done != nullptr ? std::move(done) : store_->deduplication({.scope = name_})),
      redrives_(std::make_unique<hr::DeadLetterService>(bus_.dead_letters(letters_),
                                                        store_->dead_letter_requests(),
                                                        hr::DeadLetterServiceOptions{.name = name_})) {}

hr::SubscribeOptions Service::options_of(std::string_view topic) const {
  hr::SubscribeOptions options;
  options.name = options.group = name_ + ":" + std::string(topic);
  // 2.5 s in all: the bank is away for every fifth call, so that of four tries all fail now and then.
  options.retry = hr::exponential(std::chrono::milliseconds{5}, 2.0, 10);
  options.deduplicated = hr::Deduplicated{.store = done_};
  options.dead_letters = letters_;
  return options;
}

hr::Envelope Service::effect_of(const hr::EventMeta& cause, std::string_view topic) {
  const std::uint64_t mixed = hr::mix64(cause.id.high ^ hr::mix64(cause.id.low ^ hr::hash_bytes(topic)));
  hr::Envelope envelope;
  envelope.id = hr::EventId::of(cause.id.unix_ms(), mixed, hr::mix64(mixed));
  envelope.correlation = cause.correlation;
  envelope.causation = cause.id;
  return envelope;
}

hr::Status Service::append(hr::Result<hr::EncodedEvent> event) {
  if (!event) return event.error();
  const std::string stream = event->envelope.key;
  const auto receipt =
      store_->append(hr::AppendRequest::to(stream, hr::ExpectedVersion::any(), {std::move(*event)}));
  return receipt ? hr::Status{hr::Nothing{}} : hr::Status{receipt.error()};
}
