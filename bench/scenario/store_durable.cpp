// 1 or 64 publishers ── publish(event) ──► append ──► file ──► follower ──► bus ──► handler
//
// Question: what does a durable topic cost beside the append that it makes? The peer appends the same bodies, encoded
// beforehand, and nobody reads them; here each is encoded, stored, read, decoded and handled while others are
// published. Bodies of 200 bytes; thousands of events a second that were acknowledged, counted over a fixed time. The
// note says how long it takes until all of them are handled.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "headrace/bus/durable_topics.hpp"
#include "scenario/store_files.hpp"

namespace headrace::bench {
namespace {

using namespace std::chrono_literals;

struct Posted {
  std::string text;
};
HEADRACE_EVENT(Posted, "bench.posted", text)

/// The least that can be called a codec: the one field, as it is.
class TextCodec final : public Codec {
 public:
  [[nodiscard]] std::string_view content_type() const noexcept override { return "text/plain"; }
  [[nodiscard]] Result<std::vector<std::byte>> encode(const FieldValue& fields) const override {
    const auto& text = *fields.as<FieldValue::Record>()->front().value.as<std::string>();
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  [[nodiscard]] Result<FieldValue> decode(std::span<const std::byte> body) const override {
    FieldValue fields{FieldValue::Record{}};
    fields.as<FieldValue::Record>()->push_back(
        {"text", std::string(reinterpret_cast<const char*>(body.data()), body.size())});
    return fields;
  }
};

Measure publishes_durably(std::size_t writers) {
  return [writers](Context& context) {
    const StoreFolder folder;
    const auto store = open_store(folder, SqliteDurability::normal);
    auto types = std::make_shared<EventTypes>(std::make_shared<TextCodec>());
    types->add<Posted>();
    Bus bus({.workers = 1});
    DurableTopics durable(bus, *store, store->checkpoints(), types, {.name = "bench"});
    const DurableTopic<Posted> posted = durable.topic<Posted>();
    std::atomic<std::uint64_t> handled{0};
    const auto subscription = bus.subscribe<Posted>([&](const Posted&) {
      handled.fetch_add(1, std::memory_order_relaxed);  // no partner: the bus's end orders it
    });
    bus.start();
    durable.start();
    const Posted event{std::string(kStoredBodyBytes, 'x')};
    std::atomic<std::uint64_t> published{0};
    const double rate = thousands_per_second(context, writers, 1, [&](std::size_t) {
      Context::require(posted.publish(event).has_value(), "a publish was refused");
      published.fetch_add(1, std::memory_order_relaxed);  // no partner: the threads' ends order it
    });
    const auto begin = std::chrono::steady_clock::now();
    Context::require(durable.wait_for(*store->last_position(), 1min), "events were not handled");
    const std::chrono::duration<double, std::milli> behind = std::chrono::steady_clock::now() - begin;
    context.note("behind_ms", behind.count());
    Context::require(durable.stop(1min).has_value() && bus.stop(1min).drained, "the bus was not drained");
    // No partner in both: the bus has stopped.
    const bool all = handled.load(std::memory_order_relaxed) >= published.load(std::memory_order_relaxed);
    Context::require(all, "events were lost");
    return rate;
  };
}

Measure appends(std::size_t writers) {
  return [writers](Context& context) {
    const StoreFolder folder;
    const auto store = open_store(folder, SqliteDurability::normal);
    return thousands_per_second(context, writers, 1, [&](std::size_t) {
      const auto receipt =
          store->append(AppendRequest::to("bench.posted", ExpectedVersion::any(), stored_events(1)));
      Context::require(receipt && receipt->outcome == AppendOutcome::appended, "an append was refused");
    });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("store.durable.1_publisher", .unit = "k/s", .cores = Cores::one) {
  row.ours(publishes_durably(1));
  row.peer("the append alone", appends(1));
}

HEADRACE_BENCH_ROW("store.durable.64_publishers", .unit = "k/s", .cores = Cores::one) {
  row.ours(publishes_durably(64));
  row.peer("the append alone", appends(64));
}

}  // namespace headrace::bench
