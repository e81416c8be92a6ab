#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/handler_seat.hpp"
#include "headrace/dispatch/worker.hpp"

// Events that were kept: what the agent needs of a worker to run them, here or in a seat of their own.

namespace headrace {
namespace {

thread_local HandlerSeat* t_seat = nullptr;

}  // namespace

HandlerSeat* HandlerSeat::current() noexcept { return t_seat; }
HandlerSeat::Scope::Scope(HandlerSeat& seat) noexcept : outer_(std::exchange(t_seat, &seat)) {}
HandlerSeat::Scope::~Scope() { t_seat = outer_; }

Tally Worker::run_again(SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
                        std::uint32_t attempt) {
  if (!begin_again(subscription, entry, whole, attempt)) [[unlikely]]
    return {.dropped = 1};
  publisher_.count_for(*subscription.stats[index_]);
  subscription.invoke(subscription.handler.get(), context_.first(), 1, context_, tally_);
  publisher_.count_for_itself();
  Tally tally = std::exchange(tally_, {});
  if (tally.ended && tally.told() == 0) {
    entry.tell_unhandled(whole, 1);
    tally.dropped = 1;
  }
  end_again(subscription, tally);
  running_.leave();
  if (ended_inside_ != nullptr) [[unlikely]]
    std::exchange(ended_inside_, nullptr)->handler.reset();
  return tally;
}

bool Worker::begin_again(SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
                         std::uint32_t attempt) {
  if (!running_.enter(subscription)) [[unlikely]] {
    running_.leave();
    entry.tell_unhandled(whole, 1);
    Tally tally;
    tally.dropped = 1;
    settle_kept(subscription, tally);
    return false;
  }
  look_at(subscription, entry, whole, attempt);
  return true;
}

void Worker::end_again(SubscriptionState& subscription, const Tally& tally) {
  look_away();
  subscription.stats[index_]->runs.add(1);
  settle_kept(subscription, tally);
}

void Worker::look_at(const SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
                     std::uint32_t attempt) noexcept {
  const std::uint32_t offset = entry.ops->payload_offset;
  context_.set_entry(entry, static_cast<const std::byte*>(whole) + offset);
  context_.set_meta(offset == 0 ? nullptr : static_cast<const EventMeta*>(whole));
  context_.set_again(true, attempt);
  context_.set_subscription(subscription);
}

void Worker::look_away() noexcept {
  context_.set_meta(nullptr);
  context_.set_again(false, 1);
}

void Worker::leave_call_behind() noexcept {
  look_away();
  running_.leave();
}

bool Worker::ask_for_stand_in(std::function<bool()> take) { return dispatcher_.stand_in(index_, std::move(take)); }

std::unique_ptr<HandlerSeat> Worker::new_seat() {
  return std::make_unique<HandlerSeat>(index_, dispatcher_.seat_publisher(), dispatcher_);
}

void Worker::settle_kept(SubscriptionState& subscription, const Tally& tally) {
  SubscriptionStats& stats = *subscription.stats[index_];
  stats.handled.add(tally.handled);
  account(stats, tally);
  if (tally.kept != 0) return;
  settled_.add(1);
  kept_left_.add(1);
}

void Worker::report_failed(const SubscriptionState& subscription, const DispatchEntry& entry,
                           std::string_view what) noexcept {
  dispatcher_.report_handler_error({subscription.name, entry.topic->name, what, index_});
}

}  // namespace headrace
