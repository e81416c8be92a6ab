// An event whose fields have changed twice since the first of it was stored. Old ones come in through steps; one of a
// version that this program does not know is refused with that reason, and not misread.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "headrace/headrace.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sourcing/event_handlers.hpp"
#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "headrace/sourcing/projection.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;

/// As version 1 had it, kept for the step from it: one name, and a price in whole euros.
namespace v1 {
struct Sold {
  std::string article;
  std::uint64_t euros = 0;
};
HEADRACE_EVENT(Sold, "shop.sold", version(1), key(article), article, euros)
}  // namespace v1
namespace v2 {
struct Sold {
  std::string article;
  std::uint64_t cents = 0;
};
HEADRACE_EVENT(Sold, "shop.sold", version(2), key(article), article, cents)
}  // namespace v2
struct Sold {
  std::string article;
  std::uint64_t cents = 0;
  std::string currency;
};
HEADRACE_EVENT(Sold, "shop.sold", version(3), key(article), article, cents, currency)

namespace {

hr::Upcasters upcasters() {
  hr::Upcasters steps;
  // From one struct to the next, where both are kept …
  steps.add<v1::Sold, v2::Sold>([](const v1::Sold& old) { return v2::Sold{old.article, old.euros * 100}; });
  // … or on the fields alone.
  steps.add("shop.sold", 2, [](hr::FieldValue& fields) -> hr::Status {
    fields.set("currency", "EUR");
    return hr::Nothing{};
  });
  steps.require<Sold>(1);
  return steps;
}

/// What a store or a broker gives back.
hr::EncodedEvent stored(std::uint32_t version, const std::string& json) {
  hr::EncodedEvent event;
  event.envelope.topic = "shop.sold";
  event.envelope.version = version;
  event.content_type = "application/json";
  const auto bytes = std::as_bytes(std::span(json));
  event.body.assign(bytes.begin(), bytes.end());
  return event;
}

bool reads(const hr::Codec& codec, const hr::EncodedEvent& event) {
  const auto sold = hr::decode_event<Sold>(codec, event, upcasters());
  if (!sold) {
    std::printf("%s\n", sold.error().message().c_str());
    return false;
  }
  std::printf("%s for %llu cents %s\n", sold->article.c_str(), static_cast<unsigned long long>(sold->cents),
              sold->currency.c_str());
  return sold->cents == 500 && sold->currency == "EUR";
}

/// What a state may be: how much was sold.
struct Turnover {
  std::uint64_t cents = 0;
};

/// The same of events in a store: an aggregate's state, and a read model.
bool folds(const std::shared_ptr<const hr::EventTypes>& types) {
  hr::MemoryEventStore store;
  const auto append = [&](std::uint32_t version, const std::string& json) {
    return store.append(hr::AppendRequest::to("shop", hr::ExpectedVersion::any(), {stored(version, json)}))
        .has_value();
  };
  if (!append(1, R"({"article": "lamp", "euros": 5})")) return false;
  if (!append(3, R"({"article": "cup", "cents": 250, "currency": "EUR"})")) return false;

  hr::AggregateKind<Turnover> kind;
  kind.fold = hr::EventHandlers<Turnover&>(types).on<Sold>(
      [](Turnover& turnover, const Sold& sold) { turnover.cents += sold.cents; });
  hr::Aggregate<Turnover> shops(store, kind);
  const auto shop = shops.load("shop");
  if (!shop) return false;
  std::printf("the shop has sold for %llu cents\n", static_cast<unsigned long long>(shop->state.cents));

  // One of a newer version stops a projection, which says where; no other, and no handler that does not want it.
  if (!append(4, R"({"article": "lamp", "price": "5.00 EUR"})")) return false;
  hr::EventHandlers<> sales(types);
  sales.on<Sold>([](const Sold& sold) { std::printf("counted: %s\n", sold.article.c_str()); });
  hr::MemoryCheckpointStore checkpoints;
  hr::Projection live(store, {.name = "sales", .query = sales.query()},
                      hr::checkpoint_after(checkpoints, "sales", sales));
  if (live.wait_for(*store.last_position(), std::chrono::minutes(1))) return false;
  std::printf("%s\n", live.status().error->message().c_str());
  return shop->state.cents == 750 && !shops.load("shop");
}

}  // namespace

int main() {
  // At start-up: does a step lack?
  if (const hr::Status whole = upcasters().check(); !whole) return 1;
  hr::Upcasters gap;
  gap.add("shop.sold", 1, [](hr::FieldValue&) -> hr::Status { return hr::Nothing{}; });
  hr::EventTypes types(std::make_shared<hr::wire::JsonCodec>(), std::move(gap));
  try {
    types.add<Sold>();
    return 1;
  } catch (const hr::ConfigError& fault) {
    std::printf("%s\n", fault.what());
  }

  const hr::wire::JsonCodec codec;
  if (!reads(codec, stored(1, R"({"article": "lamp", "euros": 5})"))) return 1;
  if (!reads(codec, stored(2, R"({"article": "lamp", "cents": 500})"))) return 1;
  if (!reads(codec, stored(3, R"({"article": "lamp", "cents": 500, "currency": "EUR"})"))) return 1;
  if (reads(codec, stored(4, R"({"article": "lamp", "price": "5.00 EUR"})"))) return 1;

  const auto known = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>(), upcasters());
  known->add<Sold>();
  return folds(known) ? 0 : 1;
}
