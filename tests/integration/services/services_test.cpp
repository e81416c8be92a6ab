#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "rabbit_server.hpp"
#include "redis_server.hpp"
#include "servicebus_emulator.hpp"

namespace headrace::test {
namespace {

constexpr int kOrders = 60;
constexpr int kPoorCustomer = 13;
constexpr int kOddCustomer = 99;

/// The services of tools/examples/services, each a process of its own.
class Shop {
 public:
  explicit Shop(std::string broker) : broker_(std::move(broker)) {
    std::string lines;
    for (int order = 1; order <= kOrders; ++order) {
      const int customer = order == 3 ? kPoorCustomer : order == 5 ? kOddCustomer : 1000 + order;
      lines += std::to_string(order) + " " + std::to_string(customer) + " 2 3998\n";
    }
    order_.write("orders", lines);
    start(order_, "order", order_.path("orders"));
    start(inventory_, "inventory");
    start(payment_, "payment");
    start(notification_, "notification");
  }

  void restart_by_kill(ServerProcess& service, const std::string& role) {
    service.stop(SIGKILL);
    start(service, role);
  }
  /// Of each order, what its customer was told; several mails follow each other.
  [[nodiscard]] std::map<int, std::string> mails() const {
    std::map<int, std::string> mails;
    std::istringstream lines(notification_.log());
    int order = 0;
    for (std::string text; lines >> order && std::getline(lines, text);) mails[order] += text;
    return mails;
  }
  void await_mails(std::size_t count) try {
    notification_.await([&] { return mails().size() >= count; });
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() + state());
  }
  void await_letter() {
    payment_.await([&] { return letters() > 0; });
  }
  /// The payment service's letters go to it again, from outside.
  [[nodiscard]] std::string redrive() {
    payment_.write("repaired", "");
    ServerProcess headrace;
    headrace.start({HEADRACE_PROGRAM, "dlq", "redrive", payment_.path("payment.db"), "--all"});
    EXPECT_EQ(headrace.await_end(), 0) << headrace.log();
    return headrace.log();
  }
  /// How many events the payment service gave up; the odd customer's is to be the only one.
  [[nodiscard]] std::size_t letters() const {
    const std::string lines = letters_of(payment_, "payment");
    return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
  }

  ServerProcess order_, inventory_, payment_, notification_;

 private:
  /// A line of JSON each.
  [[nodiscard]] static std::string letters_of(const ServerProcess& service, const std::string& role) {
    ServerProcess headrace;
    headrace.start({HEADRACE_PROGRAM, "dlq", "list", service.path(role + ".db"), "--json"});
    EXPECT_EQ(headrace.await_end(), 0) << headrace.log();
    return headrace.log();
  }
  /// What each service said and gave up.
  [[nodiscard]] std::string state() const {
    std::string state;
    for (const auto& [role, service] :
         {std::pair{"order", &order_}, std::pair{"inventory", &inventory_}, std::pair{"payment", &payment_},
          std::pair{"notification", &notification_}}) {
      state += std::string("\n") + role + ":\n" + service->log() + letters_of(*service, role);
    }
    return state;
  }
  void start(ServerProcess& service, const std::string& role, const std::string& input = "/dev/null") const {
    service.start({"sh", "-c",
                   "exec " HEADRACE_SERVICES " " + role + " " + service.folder() + " '" + broker_ + "' " +
                       redis_.url() + " <" + input});
  }
  const std::string broker_;
  RedisServer redis_;
};

void tell_every_customer_once(const std::string& broker) {
  Shop shop(broker);
  shop.await_mails(10);
  shop.restart_by_kill(shop.payment_, "payment");
  shop.restart_by_kill(shop.inventory_, "inventory");
  shop.await_mails(kOrders - 1);
  shop.await_letter();
  const std::string report = shop.redrive();
  shop.await_mails(kOrders);
  for (const auto& [order, text] : shop.mails()) {
    EXPECT_EQ(text, order == 3 ? " we could not take your money" : " your books are on their way") << order;
  }
  EXPECT_EQ(shop.letters(), 0U) << report;
}

// Claim:  four services over RabbitMQ, with Redis telling copies apart, tell every customer once how the order ended:
//         two of them are killed in between, and what one gave up is redriven by the program.
// Method: 60 orders, one of a customer without money and one that the bank answers garbage for.
TEST(Services, TellEveryCustomerOnceOverRabbitMq) {
  RabbitServer rabbit;
  rabbit.start();
  tell_every_customer_once(rabbit.url());
}

// Claim:  the same program does the same over Service Bus's conventions; only its configuration differs.
// Method: the same orders and kills. Each subscription has a rule for each subject that its service hears.
TEST(Services, TellEveryCustomerOnceOverServiceBus) {
  if (!ServiceBusEmulator::is_installed()) GTEST_SKIP() << ServiceBusEmulator::kNeeds;
  // A killed service's messages come again when their locks have run out.
  const ServiceBusEmulator servicebus(R"("topics": {"shop": {
    "order": {"lockMs": 3000, "rules": {"taken": {"label": "payments.taken"},
                                        "refused": {"label": "payments.refused"}}},
    "inventory": {"lockMs": 3000, "rules": {"placed": {"label": "orders.placed"},
                                            "refused": {"label": "payments.refused"}}},
    "payment": {"lockMs": 3000, "rules": {"reserved": {"label": "stock.reserved"}}},
    "notification": {"lockMs": 3000, "rules": {"closed": {"label": "orders.closed"}}}}})");
  tell_every_customer_once(servicebus.connection_string());
}

}  // namespace
}  // namespace headrace::test
