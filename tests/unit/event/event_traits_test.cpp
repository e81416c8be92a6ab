#include "headrace/event/event_traits.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "headrace/event/event_meta.hpp"

namespace outside {

enum class Deal : std::uint8_t { buy, sell };
struct Order {
  std::uint64_t id;
  std::string customer;
  Deal side;
};
HEADRACE_EVENT(Order, "orders.placed", id, key(customer), side, version(3), customer)

namespace deeper {
struct KeyLast {
  int a;
  Deal side;
};
HEADRACE_EVENT(KeyLast, "deeper.last", a, key(side))
struct KeyFirst {
  int a;
};
HEADRACE_EVENT(KeyFirst, "deeper.first", key(a), version(2))
struct Bare {};
HEADRACE_EVENT(Bare, "deeper.bare")
struct OnlyVersion {
  int a;
};
HEADRACE_EVENT(OnlyVersion, "deeper.version", version(7))
}  // namespace deeper

struct Undescribed {
  int a;
};

/// Names that differ in the case of their letters only are one customer.
struct Call {
  std::string customer;
  int seconds;
};
HEADRACE_EVENT(Call, "calls.made", key(customer), customer, seconds)
std::uint64_t headrace_key_hash(const Call& call) noexcept {
  std::uint64_t hash = 7;
  for (const char c : call.customer) hash = hash * 31 + static_cast<unsigned char>(c | 0x20);
  return hash;
}

}  // namespace outside

namespace headrace {
namespace {

using namespace outside;

template <class T>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  std::apply([&](const auto&... field) { (names.emplace_back(field.name), ...); }, kEventDescription<T>.fields);
  return names;
}

// Claim:  version(...) and key(...) may stand anywhere in a description or be left out; everything else is a
//         field, in the order written; the type may live in any namespace.
// Method: each place once; what the traits say about it.
TEST(EventDescription, VersionAndKeyStandAnywhere) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(event_topic<Order>(), "orders.placed");
  EXPECT_EQ(event_version<Order>(), 3U);
  EXPECT_TRUE(has_event_key<Order>());
  EXPECT_EQ(field_names<Order>(), (Names{"id", "side", "customer"}));

  EXPECT_EQ(event_version<deeper::KeyLast>(), 1U);
  EXPECT_TRUE(has_event_key<deeper::KeyLast>());
  EXPECT_EQ(field_names<deeper::KeyLast>(), (Names{"a"}));

  EXPECT_EQ(event_version<deeper::KeyFirst>(), 2U);
  EXPECT_TRUE(has_event_key<deeper::KeyFirst>());
  EXPECT_TRUE(field_names<deeper::KeyFirst>().empty());

  EXPECT_EQ(event_topic<deeper::Bare>(), "deeper.bare");
  EXPECT_FALSE(has_event_key<deeper::Bare>());
  EXPECT_EQ(event_version<deeper::OnlyVersion>(), 7U);
  EXPECT_FALSE(has_event_key<deeper::OnlyVersion>());
}

// Claim:  a description's fields reach the members.
// Method: read and write through the member pointers.
TEST(EventDescription, FieldsReachTheMembers) {
  Order order{5, "alice", Deal::sell};
  const auto& fields = kEventDescription<Order>.fields;
  EXPECT_EQ(order.*(std::get<0>(fields).member), 5U);
  EXPECT_EQ(order.*(std::get<1>(fields).member), Deal::sell);
  order.*(std::get<2>(fields).member) = "bob";
  EXPECT_EQ(order.customer, "bob");
}

// Claim:  a type that nobody described is an event all the same: its name is its topic, it has version 1 and no
//         key.
// Method: the traits of such a type; two of them differ.
TEST(EventDescription, IsOptional) {
  EXPECT_NE(event_topic<Undescribed>().find("Undescribed"), std::string_view::npos);
  EXPECT_NE(event_topic<Undescribed>(), event_topic<int>());
  EXPECT_EQ(event_version<Undescribed>(), 1U);
  EXPECT_FALSE(has_event_key<Undescribed>());
  EXPECT_EQ(event_key_hash(Undescribed{1}), 0U);
}

// Claim:  equal keys hash equally and different ones differently, whatever their type.
// Method: integers, enums, strings, and a type with std::hash.
TEST(EventKey, HashFollowsTheKey) {
  EXPECT_EQ(event_key_hash(Order{1, "alice", Deal::buy}), event_key_hash(Order{2, "alice", Deal::sell}));
  EXPECT_NE(event_key_hash(Order{1, "alice", Deal::buy}), event_key_hash(Order{1, "alicf", Deal::buy}));
  EXPECT_EQ(event_key_hash(Order{1, "alice", Deal::buy}), hash_key(std::string_view("alice")));
  EXPECT_NE(event_key_hash(deeper::KeyLast{1, Deal::buy}), event_key_hash(deeper::KeyLast{1, Deal::sell}));
  std::set<std::uint64_t> hashes;
  for (int i = -500; i < 500; ++i) hashes.insert(event_key_hash(deeper::KeyFirst{i}));
  EXPECT_EQ(hashes.size(), 1000U);
  EXPECT_EQ(hash_key(1.5), hash_key(1.5));
  EXPECT_NE(hash_key(1.5), hash_key(2.5));
}

struct Tracked {
  explicit Tracked(std::shared_ptr<int> owned) : shared(std::move(owned)) {}
  Tracked(Tracked&&) noexcept = default;
  std::shared_ptr<int> shared;
};

// Claim:  the untyped operations move one event and destroy a run, each object once, and know size, alignment and
//         kind.
// Method: a move-only type that shares a counter, in raw storage.
TEST(EventOps, MoveAndDestroyOnce) {
  const EventOps& ops = event_ops<Tracked>();
  EXPECT_EQ(ops.size, sizeof(Tracked));
  EXPECT_EQ(ops.align, alignof(Tracked));
  EXPECT_EQ(ops.type, event_type_id<Tracked>());
  EXPECT_FALSE(ops.trivially_copyable);
  EXPECT_FALSE(ops.has_key);
  EXPECT_TRUE(event_ops<Undescribed>().trivially_copyable);
  EXPECT_TRUE(event_ops<Order>().has_key);

  const auto counter = std::make_shared<int>(0);
  alignas(Tracked) std::byte storage[3 * sizeof(Tracked)];
  for (std::size_t i = 0; i < 3; ++i) {
    Tracked source(counter);
    ops.move(storage + i * sizeof(Tracked), &source);
    EXPECT_EQ(source.shared, nullptr);
  }
  EXPECT_EQ(counter.use_count(), 4);
  ops.destroy(storage, 3);
  EXPECT_EQ(counter.use_count(), 1);
}

struct MayThrow {
  MayThrow(MayThrow&&) noexcept(false) {}
};

// Claim:  what cannot be moved and destroyed without throwing is no event; ids tell event types apart.
// Method: the concept, and ids of several types asked twice.
TEST(EventOps, ConceptAndIds) {
  static_assert(Event<Order> && Event<int> && Event<std::unique_ptr<int>>);
  static_assert(!Event<MayThrow> && !Event<int&> && !Event<const int> && !Event<void>);
  EXPECT_EQ(event_type_id<Order>(), event_type_id<Order>());
  EXPECT_NE(event_type_id<Order>(), event_type_id<deeper::Bare>());
  EXPECT_NE(event_type_id<Order>(), kAnyEventType);
}

// Claim:  a program may hash its keys itself, beside the type; the bus then knows keys by that, with and without meta.
// Method: two spellings of one key, by the trait and by what the untyped parts call.
TEST(EventKey, IsHashedByTheProgramWhereItWants) {
  const Call one{"Ada", 60};
  const Call two{"ADA", 5};
  const Call other{"Bob", 60};
  EXPECT_EQ(event_key_hash(one), headrace_key_hash(one));
  EXPECT_EQ(event_key_hash(one), event_key_hash(two));
  EXPECT_NE(event_key_hash(one), event_key_hash(other));
  EXPECT_EQ(event_ops<Call>().key_hash(&two), headrace_key_hash(one));
  const WithMeta<Call> with_meta{{}, two};
  EXPECT_EQ(event_ops<WithMeta<Call>>().key_hash(&with_meta), headrace_key_hash(one));
  EXPECT_EQ(event_key_hash(Order{1, "Ada", Deal::buy}), hash_key(std::string("Ada"))) << "others as before";
}

}  // namespace
}  // namespace headrace
