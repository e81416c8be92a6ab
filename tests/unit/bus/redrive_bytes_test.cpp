#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bytes_only_store.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/port/event_types.hpp"
#include "line_codec.hpp"
#include "settle.hpp"
#include "timed.hpp"

// Dead letters as bytes, and events that are changed before they run again.

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Bill {
  std::uint64_t customer = 0;
  std::uint64_t cents = 0;
  std::string currency;
};
HEADRACE_EVENT(Bill, "test.bill", version(2), key(customer), customer, cents, currency)

Upcasters adds_currency() {
  Upcasters upcasters;
  upcasters.add("test.bill", 1, [](FieldValue& fields) -> Status {
    fields.set("currency", "EUR");
    return Nothing{};
  });
  return upcasters;
}

std::shared_ptr<EventTypes> bill_types() {
  auto types = std::make_shared<EventTypes>(std::make_shared<LineCodec>(), adds_currency());
  types->add<Bill>();
  return types;
}

/// A bus whose handler rejects what has no currency, or everything while `down`.
struct Billing {
  explicit Billing(std::shared_ptr<DeadLetterStore> letters, std::shared_ptr<EventTypes> types = bill_types())
      : store(std::move(letters)), timed({.dead_letters = store, .event_types = std::move(types)}) {}
  void publish(std::uint64_t customer, std::string currency) {
    ASSERT_TRUE(timed.bus.publish("bills/north", Bill{customer, 100, std::move(currency)},
                                  {.id = EventId::of(1, 2, customer)}));
    timed.run();
  }
  std::vector<DeadLetter> letters() { return *store->list({}, 100); }

  std::shared_ptr<DeadLetterStore> store;
  Timed timed;
  bool down = false;
  std::vector<std::string> handled;
  Subscription sub = timed.bus.subscribe<Bill>(
      {.filter = "bills/+", .name = "billing"}, [this](const Bill& bill, Context& context) -> Outcome {
        if (down || bill.currency.empty()) return dead_letter("no currency");
        handled.push_back(std::to_string(bill.customer) + " " + bill.currency + " " +
                          std::string(context.topic()) +
                          (context.meta() != nullptr ? " " + context.meta()->id.to_string() : ""));
        return done();
      });
};

// Claim:  an event that is given up into a store of bytes is encoded, and redriven as it was: same topic, same id.
// Method: fail one, look at its letter, redrive it.
TEST(RedriveBytes, LettersComeBackFromBytes) {
  Billing billing{std::make_shared<BytesOnlyStore>()};
  billing.down = true;
  billing.publish(7, "CHF");
  ASSERT_EQ(billing.letters().size(), 1U);
  EXPECT_EQ(billing.letters()[0].body->content_type, "text/x-lines");
  EXPECT_EQ(billing.letters()[0].envelope.version, 2U);
  billing.down = false;
  const auto run = billing.timed.bus.dead_letters().redrive({.subscription = "billing"});
  billing.timed.run();
  EXPECT_TRUE(run->report().finished);
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(billing.handled, (std::vector<std::string>{"7 CHF bills/north " + EventId::of(1, 2, 7).to_string()}));
  EXPECT_TRUE(billing.letters().empty());
  EXPECT_EQ(stop_drained(billing.timed.bus), (Ledger{.published = 2, .handled = 1, .dead_lettered = 1}));
}

/// As a program of another version left it.
void add_letter(DeadLetterStore& store, std::uint32_t version, const std::string& body) {
  DeadLetter letter;
  letter.subscription = "billing";
  letter.envelope.topic = "bills/south";
  letter.envelope.key = "5";
  letter.envelope.version = version;
  const auto bytes = std::as_bytes(std::span(body));
  letter.body = EncodedBody{"text/x-lines", {bytes.begin(), bytes.end()}};
  ASSERT_EQ(store.add({&letter, 1})->letters, 1U);
}

// Claim:  a letter of an old version goes through the upcasters; one of a version that is not known, or whose
//         bytes are damaged, stays where it is and the report says why.
// Method: three letters, redriven by filter.
TEST(RedriveBytes, OldVersionsAreUpcastAndNewerOnesAreLeftAlone) {
  const auto store = std::make_shared<BytesOnlyStore>();
  add_letter(*store, 1, "customer=5\ncents=3\n");
  add_letter(*store, 3, "customer=5\ncents=3\ncurrency:EUR\n");
  add_letter(*store, 2, "customer=5");
  Billing billing{store};
  const auto run = billing.timed.bus.dead_letters().redrive({.subscription = "billing"}, {.letters_max = 2});
  billing.timed.run();
  EXPECT_EQ(billing.handled, (std::vector<std::string>{"5 EUR bills/south"}));
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(run->report().skipped, 1U);
  EXPECT_NE(run->report().why_skipped.find("version 3"), std::string::npos) << run->report().why_skipped;
  const auto second = billing.timed.bus.dead_letters().redrive({.subscription = "billing"});
  billing.timed.run();
  EXPECT_EQ(second->report().skipped, 2U);
  EXPECT_NE(second->report().why_skipped.find("no line"), std::string::npos) << second->report().why_skipped;
  EXPECT_EQ(billing.letters().size(), 2U);
  static_cast<void>(billing.timed.bus.stop(1s));
}

// Claim:  an edited letter runs with the fields that the edit left, from memory and from bytes; when it fails
//         again it stands in the store as edited.
// Method: mend the missing currency while the handler is down, then when it is up.
TEST(RedriveBytes, EditedLettersRunAsEdited) {
  for (const bool bytes : {false, true}) {
    std::shared_ptr<DeadLetterStore> store = std::make_shared<MemoryDeadLetterStore>();
    if (bytes) store = std::make_shared<BytesOnlyStore>();
    Billing billing{store};
    billing.publish(7, "");
    ASSERT_EQ(billing.letters().size(), 1U);
    const DeadLetterId id = billing.letters()[0].id;
    billing.down = true;
    auto dead = billing.timed.bus.dead_letters();
    const auto first = dead.redrive_edited(id, [](FieldValue& fields) -> Status {
      fields.set("currency", "USD");
      return Nothing{};
    });
    billing.timed.run();
    EXPECT_EQ(first->report().returned, 1U);
    billing.down = false;
    const auto second = dead.redrive(id);
    billing.timed.run();
    EXPECT_EQ(second->report().handled, 1U);
    EXPECT_EQ(billing.handled,
              (std::vector<std::string>{"7 USD bills/north " + EventId::of(1, 2, 7).to_string()}));
    EXPECT_TRUE(billing.letters().empty());
    static_cast<void>(billing.timed.bus.stop(1s));
  }
}

// Claim:  an edit that says no, throws, makes no event, or changes the key leaves the letter as it was.
// Method: one of each; then a plain redrive still meets the first event.
TEST(RedriveBytes, EditsThatDoNotFitChangeNothing) {
  Billing billing{std::make_shared<MemoryDeadLetterStore>()};
  billing.publish(7, "");
  const DeadLetterId id = billing.letters()[0].id;
  auto dead = billing.timed.bus.dead_letters();
  const auto why = [&](Redrive::Edit edit) {
    const auto run = dead.redrive_edited(id, std::move(edit));
    billing.timed.run();
    EXPECT_EQ(run->report().skipped, 1U);
    return run->report().why_skipped;
  };
  EXPECT_EQ(why([](FieldValue&) -> Status { return Error{"not today", {}}; }), "not today");
  EXPECT_EQ(why([](FieldValue&) -> Status { throw std::runtime_error("no"); }), "the edit threw: no");
  EXPECT_NE(why([](FieldValue& fields) -> Status { return fields.remove("cents"), Nothing{}; }).find("cents"),
            std::string::npos);
  EXPECT_NE(why([](FieldValue& fields) -> Status { return fields.set("customer", 8), Nothing{}; }).find("key"),
            std::string::npos);
  EXPECT_EQ(billing.letters().size(), 1U);
  EXPECT_TRUE(billing.handled.empty());
  static_cast<void>(billing.timed.bus.stop(1s));
}

// Claim:  a store that keeps bytes, on a bus that cannot make any, is refused at start-up and not at the first letter.
// Method: such a store for the bus, and for one subscription.
TEST(RedriveBytes, ByteStoreWithoutTypesIsRefused) {
  const auto store = std::make_shared<BytesOnlyStore>();
  const auto handler = [](const Bill&) { return done(); };
  Bus for_all({.workers = 0}, {.dead_letters = store});
  EXPECT_THROW(static_cast<void>(for_all.subscribe<Bill>({.retry = immediate(2)}, handler)), ConfigError);
  Bus for_one({.workers = 0});
  EXPECT_THROW(static_cast<void>(for_one.subscribe<Bill>({.dead_letters = store}, handler)), ConfigError);
}

// Claim:  upcasters that do not lead to a type's version are found when the type is added.
// Method: a step beyond it.
TEST(RedriveBytes, UpcastersThatDoNotFitAreRefused) {
  Upcasters upcasters = adds_currency();
  upcasters.add("test.bill", 2, [](FieldValue&) -> Status { return Nothing{}; });
  EventTypes types(std::make_shared<LineCodec>(), std::move(upcasters));
  EXPECT_THROW(types.add<Bill>(), ConfigError);
}

// Claim:  a letter that waits for its next try longer than its lease is nobody else's: the lease goes on.
// Method: a retry of an hour; while it waits, another run finds nothing to take.
TEST(RedriveBytes, LeaseGoesOnWhileTheNextTryIsAwaited) {
  const auto store = std::make_shared<MemoryDeadLetterStore>();
  Timed timed{{.dead_letters = store}};
  std::uint64_t calls = 0;
  bool down = true;
  const auto sub = timed.bus.subscribe<Bill>({.name = "billing", .retry = fixed(1h, 2)},
                                             [&](const Bill&, Context& context) -> Outcome {
                                               ++calls;
                                               if (down) return dead_letter("down");
                                               return context.attempt() == 1 ? retry() : done();
                                             });
  ASSERT_TRUE(timed.bus.publish(Bill{}, {.id = EventId::of(1, 2, 3)}));
  timed.run();
  down = false;
  const auto first = timed.bus.dead_letters().redrive(DeadLetterFilter{}, {.lease_for = 1s});
  timed.run();
  timed.advance(10min);
  const auto other = timed.bus.dead_letters().redrive(DeadLetterFilter{});
  timed.run();
  EXPECT_EQ(other->report().handled + other->report().returned + other->report().skipped, 0U);
  EXPECT_EQ(calls, 2U);
  timed.advance(50min);
  EXPECT_EQ(first->report().handled, 1U);
  EXPECT_EQ(calls, 3U);
  EXPECT_EQ(store->counts()->stored, 0U);
  static_cast<void>(timed.bus.stop(1s));
}

struct Dunning {
  std::uint64_t customer = 0;
  std::uint64_t days = 0;
};
HEADRACE_EVENT(Dunning, "test.dunning", key(customer), customer, days)

// Claim:  of two subscriptions of one name a letter goes back to that of its event's type, also when it comes from
//         bytes. One whose type is not known here is skipped, and one that does not say goes to the oldest.
// Method: a letter of the younger subscription; the same with another type's name, and with none.
TEST(RedriveBytes, LetterGoesToTheSubscriptionOfItsType) {
  const auto store = std::make_shared<BytesOnlyStore>();
  const auto types = bill_types();
  types->add<Dunning>();
  Billing billing{store, types};
  bool fails = true;
  std::vector<std::uint64_t> days;
  const auto younger = billing.timed.bus.subscribe<Dunning>({.name = "billing"}, [&](const Dunning& dunning) {
    if (fails) return dead_letter("not yet");
    days.push_back(dunning.days);
    return done();
  });
  ASSERT_TRUE(billing.timed.bus.publish(Dunning{7, 14}, {.id = EventId::of(1, 2, 3)}));
  billing.timed.run();
  ASSERT_EQ(billing.letters().size(), 1U);
  EXPECT_EQ(billing.letters()[0].type, "test.dunning");
  fails = false;
  const auto redrive_as = [&](std::string type) {
    std::vector<DeadLetter> letter{billing.letters()[0]};
    letter[0].type = std::move(type);
    EXPECT_TRUE(store->add(letter));
    const auto run = billing.timed.bus.dead_letters().redrive(DeadLetterFilter{});
    billing.timed.run();
    return run->report();
  };
  EXPECT_NE(redrive_as("test.unheard").why_skipped.find("test.unheard"), std::string::npos);
  EXPECT_EQ(redrive_as("").skipped, 1U);  // a Bill has other fields
  EXPECT_EQ(redrive_as("test.dunning").handled, 1U);
  EXPECT_EQ(days, std::vector<std::uint64_t>{14});
}

}  // namespace
}  // namespace headrace
