#include "orchestration.hpp"

#include <chrono>

namespace {

std::uint64_t order_of(const hr::StepCall& call) { return std::stoull(call.input()); }
Cause cause_of(const hr::StepCall& call) { return {call.correlation(), call.causation()}; }

hr::StepAnswer answer_of(const hr::Status& status) {
  return status ? hr::StepAnswer::done() : hr::StepAnswer::retry(status.error().message());
}

hr::StepAnswer pay(Shop& shop, Bank& bank, const hr::StepCall& call) {
  const auto order = shop.order(order_of(call));
  if (!order) return hr::StepAnswer::retry(order.error().message());
  switch (bank.pay(call.key(), order->placed.customer, order->placed.cents)) {
    case Bank::Answer::paid:
      return hr::StepAnswer::done(std::to_string(order->placed.cents));
    case Bank::Answer::refused:
      return hr::StepAnswer::refuse("not enough money");
    case Bank::Answer::not_there:
      return hr::StepAnswer::retry("the bank is not there");
    case Bank::Answer::garbage:
      break;
  }
  return hr::StepAnswer::retry("the bank answers garbage");
}

/// An order's books, taken from the stock or put back.
hr::StepAnswer move_books(Shop& shop, const hr::StepCall& call,
                          hr::Status (Shop::*move)(std::uint64_t, std::uint32_t, Cause)) {
  const auto order = shop.order(order_of(call));
  if (!order) return hr::StepAnswer::retry(order.error().message());
  return answer_of((shop.*move)(order_of(call), order->placed.books, cause_of(call)));
}

}  // namespace

hr::Saga order_saga(Shop& shop, Bank& bank) {
  using namespace std::chrono_literals;
  hr::Saga saga;
  saga.name = "order";
  saga.steps = {
      // Done when the saga begins; undoing it is what the customer sees of a saga that turned round.
      {.name = "place",
       .action = [](const hr::StepCall&) { return hr::StepAnswer::done(); },
       .compensation =
           [&](const hr::StepCall& call) {
             return answer_of(shop.close(order_of(call), Order::State::cancelled, cause_of(call)));
           }},
      {.name = "reserve",
       .action = [&](const hr::StepCall& call) { return move_books(shop, call, &Shop::reserve); },
       .compensation = [&](const hr::StepCall& call) { return move_books(shop, call, &Shop::release); },
       .retry = hr::fixed(10ms, 10)},
      {.name = "pay",
       .action = [&](const hr::StepCall& call) { return pay(shop, bank, call); },
       .compensation =
           [&](const hr::StepCall& call) {
             bank.refund("order/" + call.id() + "/pay");
             return hr::StepAnswer::done();
           },
       .deadline = 1min,
       .retry = hr::exponential(1ms, 2.0, 5).jitter()},
      {.name = "confirm",
       .action =
           [&](const hr::StepCall& call) {
             return answer_of(shop.close(order_of(call), Order::State::confirmed, cause_of(call)));
           },
       .retry = hr::fixed(10ms, 10)},
  };
  return saga;
}
