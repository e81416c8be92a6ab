// A shop of four services: order, inventory, payment, notification. Their code is in roles.cpp and does not know how
// events travel; wiring.cpp does.
//
//   example_services                                            all four in this process
//   example_services ROLE FOLDER BROKER [REDIS_URL]             one of them, until it gets SIGTERM
//
// BROKER is RabbitMQ's URL (amqp://…) or a connection string of Azure Service Bus (Endpoint=…).
// A process keeps its files in FOLDER. The order service places the orders that come on its standard input, a line
// each: NUMBER CUSTOMER BOOKS CENTS. Notification writes a line a mail. The bank of the payment service answers garbage
// for customer 99 until FOLDER/repaired exists; then `headrace dlq redrive FOLDER/payment.db --all` helps.

#include <atomic>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "events.hpp"
#include "headrace/redis/redis_dedup_store.hpp"
#include "roles.hpp"
#include "wiring.hpp"

namespace {

using namespace std::chrono_literals;

constexpr const char* kRoles[] = {"order", "inventory", "payment", "notification"};

struct Mails {
  std::mutex mutex;
  std::map<std::uint64_t, std::string> by_order;

  void add(std::uint64_t order, std::string_view text) {
    const std::scoped_lock lock(mutex);
    by_order[order] += text;
  }
  std::size_t count() {
    const std::scoped_lock lock(mutex);
    return by_order.size();
  }
};

int all_in_one(const std::filesystem::path& folder) {
  constexpr std::uint64_t kOrders = 20;  // one of them is of a customer without money, one of an odd one
  std::atomic<bool> repaired{false};
  Mails mails;
  const RoleOptions options{[&] { return repaired.load(); },
                            [&](std::uint64_t order, std::string_view text) { mails.add(order, text); }};
  const auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  hr::Bus bus({.workers = 2}, {.event_types = types});
  std::vector<std::unique_ptr<Service>> services;
  InOneProcess wiring;
  for (const char* role : kRoles) {
    Service& service = *services.emplace_back(std::make_unique<Service>(role, bus, types, folder));
    if (!play(role, service, options)) return 2;
    wiring.add(service, bus);
  }
  bus.start();
  wiring.start();
  for (std::uint64_t order = 1; order <= kOrders; ++order) {
    const std::uint64_t customer = order == 3   ? Bank::kPoorCustomer
                                   : order == 5 ? Bank::kOddCustomer
                                                : order + 1000;
    if (!services[0]->begin(OrderPlaced{order, customer, 2, 3998})) return 3;
  }
  Service& payment = *services[2];
  while (mails.count() < kOrders - 1 || payment.letters().counts()->stored < 1) std::this_thread::sleep_for(1ms);
  repaired = true;
  const auto redrive = payment.redrive();
  while (mails.count() < kOrders) std::this_thread::sleep_for(1ms);
  wiring.stop(10s);
  const bool drained = bus.stop(10s).drained;
  for (const auto& [order, text] : mails.by_order) std::printf("order %" PRIu64 ": %s\n", order, text.c_str());
  const bool right =
      mails.by_order[3] == "we could not take your money" && mails.by_order[5] == "your books are on their way";
  return drained && right ? 0 : 4;
}

std::atomic<bool> stopped{false};

int one_of_four(const std::string& role, const std::filesystem::path& folder, const std::string& broker,
                const std::string& redis) {
  std::signal(SIGTERM, [](int) { stopped = true; });
  std::filesystem::create_directories(folder);
  const auto mail = [](std::uint64_t order, std::string_view text) {
    std::printf("%" PRIu64 " %.*s\n", order, static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
  };
  std::shared_ptr<hr::DedupStore> done;
  if (!redis.empty()) {
    done = std::make_shared<hr::redis::RedisDedupStore>(
        hr::redis::RedisDedupOptions{.server = {.url = redis}, .scope = role, .claim = 5s});
  }
  const auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  hr::Bus bus({.workers = 1}, {.event_types = types});
  Service service(role, bus, types, folder, done);
  if (!play(role, service, {[folder] { return std::filesystem::exists(folder / "repaired"); }, mail})) {
    std::fprintf(stderr, "'%s' is none of order, inventory, payment, notification\n", role.c_str());
    return 2;
  }
  OverBroker wiring(bus, service, ends_at(broker, role));
  bus.start();
  wiring.start();
  if (role == "order") {
    OrderPlaced order{};
    while (std::cin >> order.order >> order.customer >> order.books >> order.cents) {
      if (const auto kept = service.begin(order); !kept) {
        std::fprintf(stderr, "order %" PRIu64 ": %s\n", order.order, kept.error().message().c_str());
        return 3;
      }
    }
  }
  while (!stopped) std::this_thread::sleep_for(10ms);
  wiring.stop(10s);
  static_cast<void>(bus.stop(10s));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 || argc == 5) return one_of_four(argv[1], argv[2], argv[3], argc == 5 ? argv[4] : "");
    if (argc != 1) {
      std::fprintf(stderr, "usage: %s [ROLE FOLDER BROKER [REDIS_URL]]\n", argv[0]);
      return 2;
    }
    std::string folder = (std::filesystem::temp_directory_path() / "services-XXXXXX").string();
    if (!::mkdtemp(folder.data())) return 1;
    const int code = all_in_one(folder);
    std::filesystem::remove_all(folder);
    return code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
