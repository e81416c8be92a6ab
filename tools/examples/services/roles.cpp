#include "roles.hpp"

#include <memory>

#include "events.hpp"

namespace {

void order(Service& service) {
  service.emits<OrderPlaced>();
  service.emits<OrderClosed>();
  service.on<PaymentTaken>([&service](const PaymentTaken& taken, hr::Context& context) {
    return service.keep(OrderClosed{taken.order, true}, context);
  });
  service.on<PaymentRefused>([&service](const PaymentRefused& refused, hr::Context& context) {
    return service.keep(OrderClosed{refused.order, false}, context);
  });
}

void inventory(Service& service) {
  service.emits<StockReserved>();
  service.on<OrderPlaced>([&service](const OrderPlaced& placed, hr::Context& context) {
    return service.keep(StockReserved{placed.order, placed.customer, placed.books, placed.cents}, context);
  });
  // Nobody listens to it: the stock is what its own events say.
  service.on<PaymentRefused>([&service](const PaymentRefused& refused, hr::Context& context) {
    return service.keep(StockReleased{refused.order, refused.books}, context);
  });
}

void payment(Service& service, const RoleOptions& options) {
  service.emits<PaymentTaken>();
  service.emits<PaymentRefused>();
  service.on<StockReserved>([&service, bank = std::make_shared<Bank>(options.bank_is_repaired)](
                                const StockReserved& reserved, hr::Context& context) -> hr::Outcome {
    switch (bank->pay(reserved.customer)) {
      case Bank::Answer::paid:
        return service.keep(PaymentTaken{reserved.order, reserved.cents}, context);
      case Bank::Answer::refused:
        return service.keep(PaymentRefused{reserved.order, reserved.books, "not enough money"}, context);
      case Bank::Answer::not_there:
        return hr::retry("the bank is not there");
      case Bank::Answer::garbage:
        break;
    }
    return hr::dead_letter("the bank answers garbage");
  });
}

void notification(Service& service, const RoleOptions& options) {
  service.on<OrderClosed>([mail = options.mail](const OrderClosed& closed, hr::Context&) -> hr::Outcome {
    mail(closed.order, closed.confirmed ? "your books are on their way" : "we could not take your money");
    return hr::done();
  });
}

}  // namespace

Bank::Answer Bank::pay(std::uint64_t customer) {
  if (calls_.fetch_add(1) % 5 == 0) return Answer::not_there;
  if (customer == kPoorCustomer) return Answer::refused;
  if (customer == kOddCustomer && !is_repaired_()) return Answer::garbage;
  return Answer::paid;
}

bool play(std::string_view role, Service& service, const RoleOptions& options) {
  if (role == "order") return order(service), true;
  if (role == "inventory") return inventory(service), true;
  if (role == "payment") return payment(service, options), true;
  if (role == "notification") return notification(service, options), true;
  return false;
}
