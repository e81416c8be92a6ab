#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/bus/durable_topics.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/headrace.hpp"
#include "headrace/sourcing/projection.hpp"
#include "shop.hpp"

/// Nobody is in charge: stored events are published, each service listens for what concerns it, and what it does
/// is an event again.
///
///   orders.placed ─► inventory ─► stock.reserved ─► payment ─┬► payments.taken ───► orders ─► orders.closed
///                                                            └► payments.refused ─► orders, inventory
///   a refused payment: inventory ─► stock.released;  orders.closed, however it came ─► mail
///   analytics counts in the store itself, behind everybody's back
class Choreography {
 public:
  Choreography(Shop& shop, Bank& bank);
  ~Choreography();

  /// Waits until so many customers have got their mail; each gets one for each order.
  void wait_for_mails(std::size_t mails);
  [[nodiscard]] std::map<std::uint64_t, std::string> mails();
  [[nodiscard]] hr::MemoryDeadLetterStore& letters() { return *letters_; }
  void wait_for_letter();
  /// Runs all letters again. Answers how many went well.
  [[nodiscard]] std::uint64_t redrive();
  /// Publishes the first event again, as it may come again after a crash.
  void publish_again(const OrderPlaced& order, hr::EventId id);
  /// Waits until everything stored is counted.
  [[nodiscard]] std::int64_t cents_of_confirmed_orders();

 private:
  void start_services();
  void make_topics_durable();
  [[nodiscard]] hr::Outcome pay(const StockReserved& reserved, hr::Context& context);
  [[nodiscard]] hr::Outcome send_mail(const OrderClosed& closed);

  Shop& shop_;
  Bank& bank_;
  std::shared_ptr<hr::MemoryDeadLetterStore> letters_ = std::make_shared<hr::MemoryDeadLetterStore>();
  hr::Bus bus_{{.workers = 2}, {.dead_letters = letters_}};
  std::vector<hr::Subscription> services_;

  std::mutex mutex_;
  std::condition_variable mailed_;
  std::map<std::uint64_t, std::string> mails_;  // behind mutex_

  // Last: they use all of the above.
  std::unique_ptr<hr::DurableTopics> durable_;
  std::unique_ptr<hr::Projection> analytics_;
};
