#include "receiver.hpp"

#include <proton/terminus.h>

#include <algorithm>
#include <utility>

#include "headrace/base/utf8.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSessionFilter = "com.microsoft:session-filter";
constexpr const char* kDeadLetter = "com.microsoft:dead-letter";
constexpr const char* kUnreadable = "headrace: the body is neither bytes nor text";
/// Before a session that another consumer has is asked for again.
constexpr milliseconds kSessionAgain{1'000};
/// Before a lock is renewed again that the broker could not tell about.
constexpr milliseconds kRenewAgain{200};
/// .NET counts hundreds of nanoseconds since the year 1.
constexpr std::int64_t kTicksAt1970 = 621'355'968'000'000'000;
constexpr std::int64_t kTicksInMs = 10'000;

/// How long until half of what is left until `until_ms`, by this machine's clock.
milliseconds half_of_rest(std::int64_t until_ms) {
  const auto now = std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  return milliseconds(std::max<std::int64_t>(0, until_ms - now.count()) / 2);
}

/// Service Bus takes a text for each of both, so that what is no UTF-8 must not break the frame.
void bury(pn_delivery_t* delivery, std::string_view reason, std::string_view description = {}) {
  pn_condition_t* const condition = pn_disposition_condition(pn_delivery_local(delivery));
  pn_condition_set_name(condition, kDeadLetter);
  pn_data_t* const info = pn_condition_info(condition);
  pn_data_put_map(info);
  pn_data_enter(info);
  pn_data_put_symbol(info, bytes_of("DeadLetterReason"));
  pn_data_put_string(info, bytes_of(reason));
  if (!description.empty()) {
    std::string text(description);
    if (malformed_utf8(text) != std::string_view::npos)
      std::ranges::replace_if(
          text, [](char c) { return (c & 0x80) != 0; }, '?');
    pn_data_put_symbol(info, bytes_of("DeadLetterErrorDescription"));
    pn_data_put_string(info, bytes_of(text));
  }
  pn_data_exit(info);
  pn_delivery_update(delivery, PN_REJECTED);
}

void ask_for_session(pn_terminus_t* source, const std::string& session) {
  pn_data_t* const filter = pn_terminus_filter(source);
  pn_data_put_map(filter);
  pn_data_enter(filter);
  pn_data_put_symbol(filter, bytes_of(kSessionFilter));
  if (session.empty()) {
    pn_data_put_null(filter);
  } else {
    pn_data_put_string(filter, bytes_of(session));
  }
  pn_data_exit(filter);
}

std::string session_of(pn_link_t* link) {
  std::string session;
  each_entry(pn_terminus_filter(pn_link_remote_source(link)), [&](std::string_view name, pn_data_t* value) {
    if (name == kSessionFilter) session = text_at(value).value_or("");
  });
  return session;
}

std::int64_t session_locked_until_ms(pn_link_t* link) {
  std::int64_t ticks = kTicksAt1970;
  each_entry(pn_link_remote_properties(link), [&](std::string_view name, pn_data_t* value) {
    if (name == "com.microsoft:locked-until-utc") ticks = number_at(value).value_or(ticks);
  });
  return (ticks - kTicksAt1970) / kTicksInMs;
}

}  // namespace

Receiver::Receiver(Connection& connection, Options options, std::uint8_t index, Host host)
    : connection_(connection),
      options_(std::move(options)),
      index_(index),
      host_(std::move(host)),
      reader_(options_.entity) {
  open();
}

Receiver::~Receiver() {
  if (link_ != nullptr) Connection::forget(link_);
}

void Receiver::open() {
  const std::string name = "receive-" + std::to_string(index_) + "-" + std::to_string(++numbered_);
  link_ = pn_receiver(connection_.session(), name.c_str());
  pn_terminus_set_address(pn_link_source(link_), options_.entity.c_str());
  pn_terminus_set_address(pn_link_target(link_), "headrace");
  if (options_.sessions) ask_for_session(pn_link_source(link_), options_.session);
  // The broker settles first: an outcome that it refuses, since the lock is lost, is seen.
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link_, PN_RCV_SECOND);
  pn_link_set_max_message_size(link_, kMessageBytesMax);
  connection_.watch(link_, *this);
  pn_link_open(link_);
  open_at_ = Clock::time_point::max();
}

/// What is held is held no more: the broker gives it to the session's next consumer.
void Receiver::leave() {
  Connection::forget(link_);
  pn_link_close(link_);
  pn_link_free(link_);
  link_ = nullptr;
  opened_ = false;
  held_.clear();
  session_.clear();
  renew_session_at_ = Clock::time_point::max();
}

void Receiver::opened(pn_link_t* link) {
  opened_ = true;
  active_at_ = Clock::now();
  if (!options_.sessions) return;
  session_ = session_of(link);
  renew_session_at_ = Clock::now() + half_of_rest(session_locked_until_ms(link));
}

Status Receiver::closed(pn_link_t* link, Error reason) {
  const std::string_view condition = text_of(pn_condition_get_name(pn_link_remote_condition(link)));
  const bool in_use = condition == "com.microsoft:session-cannot-be-locked";
  const bool goes_on =
      in_use || condition == "com.microsoft:timeout" || condition == "com.microsoft:session-lock-lost";
  if (!options_.sessions || !goes_on) return reason;
  if (condition == "com.microsoft:session-lock-lost") host_.lock_lost();
  leave();
  open_at_ = Clock::now() + (in_use ? kSessionAgain : milliseconds(0));
  return Nothing{};
}

void Receiver::change_session() {
  const auto now = Clock::now();
  if (link_ == nullptr) {
    if (now >= open_at_) open();
    return;
  }
  const bool another = options_.sessions && options_.session.empty();
  if (!another || !opened_ || !held_.empty() || now < active_at_ + options_.session_idle) return;
  leave();
  open();
}

void Receiver::give_credit(bool wanted) {
  if (!opened_) return;
  const int credit = std::max(0, pn_link_credit(link_));
  if (!wanted) {
    if (credit > 0 && !pn_link_get_drain(link_)) pn_link_drain(link_, 0);
    return;
  }
  if (pn_link_get_drain(link_)) pn_link_set_drain(link_, false);
  const std::size_t out = held_.size() + static_cast<std::size_t>(credit);
  if (out >= options_.unsettled_max) return;
  const std::size_t room = options_.unsettled_max - out;
  // Little by little would be a frame for each message.
  if (credit == 0 || 4 * room >= options_.unsettled_max) pn_link_flow(link_, static_cast<int>(room));
}

void Receiver::settle(std::uint64_t tag, Settlement settlement, std::string_view reason) {
  const auto at = held_.find(tag);
  if (at != held_.end()) tell(at->second, settlement, reason);
}

void Receiver::abandon_rest() {
  for (auto& [tag, held] : held_) {
    if (!held.told) tell(held, Settlement::retry);
  }
}

void Receiver::tell(Held& held, Settlement settlement, std::string_view reason) {
  held.told = true;
  switch (settlement) {
    case Settlement::done:
      return pn_delivery_update(held.delivery, PN_ACCEPTED);
    case Settlement::retry:
      pn_disposition_set_failed(pn_delivery_local(held.delivery), true);
      return pn_delivery_update(held.delivery, PN_MODIFIED);
    case Settlement::reject:
      return bury(held.delivery, options_.reject_reason, reason);
    case Settlement::defer:
      pn_disposition_set_undeliverable(pn_delivery_local(held.delivery), true);
      return pn_delivery_update(held.delivery, PN_MODIFIED);
  }
}

void Receiver::delivered(pn_delivery_t* delivery) {
  const auto tag = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pn_delivery_get_context(delivery)));
  if (tag != 0) return answered(delivery, tag);
  if (pn_delivery_aborted(delivery)) return pn_delivery_settle(delivery);
  if (pn_delivery_pending(delivery) > kMessageBytesMax) {
    return connection_.fail({"a message larger than any may be", connection_.where(), Error::Retry::maybe});
  }
  if (const auto bytes = read_whole(delivery, buffer_)) take(delivery, *bytes);
}

/// The broker has settled, as told or otherwise.
void Receiver::answered(pn_delivery_t* delivery, std::uint64_t tag) {
  if (!pn_delivery_updated(delivery) || !pn_delivery_settled(delivery)) return;
  active_at_ = Clock::now();
  const bool refused =
      pn_delivery_remote_state(delivery) == PN_REJECTED && pn_delivery_local_state(delivery) != PN_REJECTED;
  if (refused) host_.lock_lost();
  pn_delivery_settle(delivery);
  held_.erase(tag);
}

void Receiver::take(pn_delivery_t* delivery, std::string_view bytes) {
  const std::uint64_t tag = ++numbered_ << 8 | index_;
  pn_delivery_set_context(delivery, reinterpret_cast<void*>(static_cast<std::uintptr_t>(tag)));
  active_at_ = Clock::now();
  Held& held = held_[tag];
  held.delivery = delivery;
  auto incoming = reader_.of(bytes);
  if (!incoming) {
    held.told = true;
    return bury(delivery, kUnreadable);
  }
  const std::string_view token = text_of(pn_delivery_tag(delivery));
  if (!options_.sessions && token.size() == held.token.size() && incoming->locked_until_ms != 0) {
    std::ranges::copy(token, held.token.begin());
    held.renew_until = active_at_ + options_.lock_renewal;
    held.renew_at = active_at_ + half_of_rest(incoming->locked_until_ms);
  }
  host_.arrived(std::move(*incoming), tag);
}

void Receiver::renew_locks(LockRenewal& locks) {
  const auto now = Clock::now();
  if (options_.sessions) return renew_session_lock(locks, now);
  return renew_message_locks(locks, now);
}

void Receiver::renew_message_locks(LockRenewal& locks, Clock::time_point now) {
  std::vector<LockRenewal::Lock> due;
  for (auto& [tag, held] : held_) {
    if (held.told || held.renew_at > now || held.renew_until < now) continue;
    held.renew_at = now + connection_.answer_timeout();  // not asked again while it is
    due.push_back({tag, held.token});
  }
  locks.renew(std::move(due), [this](std::uint64_t tag, std::int64_t until_ms) {
    const auto at = held_.find(tag);
    if (at == held_.end()) return;
    // A lost one's outcome will be refused, and is counted then.
    at->second.renew_at = until_ms == 0 ? Clock::time_point::max() : Clock::now() + half_of_rest(until_ms);
  });
}

/// A session's lock is its messages' lock. It is held while the link is, however long their outcomes take.
void Receiver::renew_session_lock(LockRenewal& locks, Clock::time_point now) {
  if (!opened_ || now < renew_session_at_) return;
  renew_session_at_ = now + kRenewAgain;
  locks.renew_session(session_, [this, session = session_](std::int64_t until_ms) {
    // The broker ends the link of a session that is lost, which says it too.
    if (session == session_ && until_ms != 0) renew_session_at_ = Clock::now() + half_of_rest(until_ms);
  });
}

}  // namespace headrace::servicebus
