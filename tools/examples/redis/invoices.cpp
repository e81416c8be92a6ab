// Invoices over a Redis stream. Two mailers share it as consumers of one group. An invoice that was sent twice is mailed
// once, whichever of them gets the copy; what somebody else wrote, and nobody can read, ends in the dead letters.
//
//     example_redis redis://127.0.0.1:6379

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "headrace/bus/inbound_events.hpp"
#include "headrace/headrace.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/redis/redis_dedup_store.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "headrace/wire/cloud_events.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Invoice {
  std::uint64_t number = 0;
  std::uint64_t cents = 0;
};
HEADRACE_EVENT(Invoice, "invoices", key(number), number, cents)

namespace {

constexpr std::uint64_t kInvoices = 10;

hr::wire::CloudEvents format() {
  return hr::wire::CloudEvents({.binding = hr::wire::CloudEventsBinding::amqp, .source = "urn:shop:billing"});
}

std::shared_ptr<const hr::EventTypes> types() {
  auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<Invoice>();
  return types;
}

/// How many messages the server did not take.
int send_all(hr::redis::RedisSink& sink) {
  std::atomic<int> refused = 0;
  const auto send = [&](hr::Message message) {
    const auto taken = sink.send(std::move(message), [&](const hr::Status& answer) { refused += answer ? 0 : 1; });
    refused += taken == hr::SendResult::taken ? 0 : 1;
  };
  for (std::uint64_t number = 1; number <= kInvoices; ++number) {
    hr::Envelope envelope;
    envelope.id = hr::EventId::make();
    const auto event = hr::encode_event(hr::wire::JsonCodec(), Invoice{number, 1999}, std::move(envelope));
    const auto message = event ? format().write(*event) : event.error();
    if (!message) return 1;
    send(*message);
    if (number == 3) send(*message);  // as who did not hear the answer does
  }
  hr::Message foreign;
  foreign.topic = "invoices";
  foreign.headers = {{"note", "not an event"}};
  send(std::move(foreign));
  return static_cast<int>(sink.stop(10s)) + refused;  // waits until the server has answered
}

/// A consumer of the group, as it would be in a process of its own.
class Mailer {
 public:
  Mailer(const std::string& url, const std::string& name, std::atomic<std::uint64_t>& mailed)
      : source_({.server = {.url = url}, .stream = "invoices", .group = "mailing", .consumer = name}),
        inbound_(bus_, source_, types(), [](const hr::Message& message) { return format().read_one(message); }) {
    inbound_.topic<Invoice>();
    auto done = std::make_shared<hr::redis::RedisDedupStore>(
        hr::redis::RedisDedupOptions{.server = {.url = url}, .scope = "mailing"});
    mailing_ =
        bus_.subscribe<Invoice>({.group = "mailing", .deduplicated = hr::Deduplicated{.store = std::move(done)}},
                                [&mailed, name](const Invoice& invoice) {
                                  std::printf("%s: invoice %" PRIu64 "\n", name.c_str(), invoice.number);
                                  ++mailed;
                                });
    bus_.start();
  }
  bool start() { return inbound_.start().has_value(); }
  /// How many messages were left for the next time.
  std::size_t stop() {
    const std::size_t left = inbound_.stop(10s);
    bus_.stop(10s);
    return left;
  }

 private:
  hr::Bus bus_{{.workers = 1}};
  hr::redis::RedisSource source_;
  hr::InboundEvents inbound_;
  hr::Subscription mailing_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
  hr::redis::RedisSink sink({.server = {.url = url}});
  if (!sink.start() || send_all(sink) != 0) return 1;

  std::atomic<std::uint64_t> mailed = 0;
  std::atomic<std::uint64_t> letters = 0;
  Mailer one(url, "mailer-1", mailed);
  Mailer two(url, "mailer-2", mailed);
  hr::redis::RedisSource dead({.server = {.url = url}, .stream = "invoices.dead", .consumer = "clerk"});
  const auto started = dead.start([&](hr::ReceivedMessage&& letter) {
    letter.settle(hr::Settlement::done);
    ++letters;
    letters.notify_one();
  });
  if (!started || !one.start() || !two.start()) return 1;
  letters.wait(0);
  const std::size_t left = one.stop() + two.stop() + dead.stop(10s);
  std::printf("mailed %" PRIu64 ", dead letters %" PRIu64 "\n", mailed.load(), letters.load());
  return mailed == kInvoices && letters == 1 && left == 0 ? 0 : 1;
}
