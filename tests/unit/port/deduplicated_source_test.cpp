#include "headrace/port/deduplicated_source.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../../conformance/adapter/collector.hpp"

namespace headrace {
namespace {

using std::chrono::milliseconds;

/// A broker's end: the test hands messages in, and waits for how they were settled.
class DedupTestSource final : public Source, public SettlementTarget {
 public:
  [[nodiscard]] Status start(Deliver deliver) override {
    deliver_ = std::move(deliver);
    return start_answer;
  }
  void pause() override {}
  void resume() override {}
  std::size_t stop(milliseconds) override { return 0; }
  [[nodiscard]] Health health() const override { return {}; }
  [[nodiscard]] Capabilities capabilities() const override { return {.name = "test"}; }
  void settle(std::uint64_t tag, Settlement settlement) noexcept override {
    static const std::map<Settlement, std::string> kNames = {
        {Settlement::done, "done"}, {Settlement::retry, "retry"}, {Settlement::reject, "reject"}};
    note(tag, kNames.at(settlement));
  }
  void reject(std::uint64_t tag, std::string_view reason) noexcept override {
    note(tag, "reject: " + std::string(reason));
  }

  /// Under that number; with a key of that text, or none.
  void hand_in(std::uint64_t number, std::string_view key) {
    ReceivedMessage received;
    received.message = test::message_of("t", std::to_string(number), std::string(key));
    received.settle = Settle(std::shared_ptr<SettlementTarget>(std::shared_ptr<void>(), this), number);
    deliver_(std::move(received));
  }
  std::string await_settled(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return settled_.contains(number); });
    return settled_.at(number);
  }
  bool is_settled(std::uint64_t number) {
    const std::scoped_lock lock(mutex_);
    return settled_.contains(number);
  }

  Status start_answer = Nothing{};

 private:
  void note(std::uint64_t number, std::string text) {
    const std::scoped_lock lock(mutex_);
    settled_[number] = std::move(text);
    changed_.notify_all();
  }
  Deliver deliver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::string> settled_;
};

/// The states of a DedupStore, of which no claim runs out by itself.
class DedupTestStore final : public DedupStore {
 public:
  Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime,
               std::span<DedupAnswer> answers) override {
    const std::scoped_lock lock(mutex_);
    count_call();
    if (is_down_) return kAway;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto [at, fresh] = events_.try_emplace(keys[i], owner);
      answers[i].claim = fresh ? DedupClaim::run : at->second == 0 ? DedupClaim::done : DedupClaim::in_progress;
    }
    return Nothing{};
  }
  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime) override {
    const std::scoped_lock lock(mutex_);
    count_call();
    if (is_down_) return kAway;
    std::size_t ended = 0;
    for (const DedupFinish& end : ends) {
      const auto at = events_.find(end.key);
      if (at == events_.end() || at->second != owner) continue;
      ++ended;
      if (end.end == DedupEnd::done) at->second = 0;
      if (end.end == DedupEnd::failed) events_.erase(at);
    }
    return ended;
  }
  Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner, EventTime, EventTime) override {
    const std::scoped_lock lock(mutex_);
    renewed_ += keys.size();
    changed_.notify_all();
    return keys.size();
  }

  void set_down(bool is_down) {
    const std::scoped_lock lock(mutex_);
    is_down_ = is_down;
  }
  void forget(std::string_view key) {
    const std::scoped_lock lock(mutex_);
    events_.erase(DedupKey::of(key));
  }
  /// Until it was called so often more.
  void await_calls(std::size_t more) {
    std::unique_lock lock(mutex_);
    const std::size_t until = calls_ + more;
    changed_.wait(lock, [&] { return calls_ >= until; });
  }
  void await_renewals() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return renewed_ > 0; });
  }
  /// Of each key that has one: 0 is done.
  std::map<DedupKey, DedupOwner> events() {
    const std::scoped_lock lock(mutex_);
    return events_;
  }

 private:
  const Error kAway{"away", "", Error::Retry::maybe};
  void count_call() {
    ++calls_;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<DedupKey, DedupOwner> events_;
  std::size_t calls_ = 0;
  std::size_t renewed_ = 0;
  bool is_down_ = false;
};

DeduplicatedSourceOptions dedup_options(std::shared_ptr<DedupStore> store, DedupOwner owner = 1) {
  DeduplicatedSourceOptions options;
  options.key = [](const Message& message) {
    return message.key.empty() ? std::nullopt : std::optional(DedupKey::of(message.key));
  };
  options.store = std::move(store);
  options.owner = owner;
  options.again = {milliseconds(1), milliseconds(1)};
  return options;
}

/// A process: a source that looks for copies in a store that others have, too.
struct DedupProcess {
  explicit DedupProcess(DeduplicatedSourceOptions options) {
    auto made = std::make_unique<DedupTestSource>();
    broker = made.get();
    source = std::make_unique<DeduplicatedSource>(std::move(made), std::move(options));
    EXPECT_TRUE(source->start(got.keep()));
  }
  std::vector<std::string> bodies(const std::vector<ReceivedMessage>& all) const {
    std::vector<std::string> texts;
    for (const ReceivedMessage& each : all) texts.push_back(test::body_text(each.message));
    return texts;
  }
  test::Collector got;
  DedupTestSource* broker = nullptr;
  std::unique_ptr<DeduplicatedSource> source;
};

using Bodies = std::vector<std::string>;

// Claim:  a copy of a message that is done is done at once, in this process and in the next; one of a message that is out
//         gets that one's answer; one of a message that was not done is handed on.
// Method: two processes, one after the other, with one store; each answer there is.
TEST(DeduplicatedSource, HandsEachMessageOnOnce) {
  const auto store = std::make_shared<DedupTestStore>();
  {
    DedupProcess process(dedup_options(store));
    process.broker->hand_in(1, "a");
    process.broker->hand_in(2, "a");
    process.broker->hand_in(3, "b");
    process.got.await(2);
    auto got = process.got.take();
    EXPECT_EQ(process.bodies(got), (Bodies{"1", "3"}));
    EXPECT_FALSE(process.broker->is_settled(2));
    got[0].settle(Settlement::done);
    EXPECT_EQ(process.broker->await_settled(1), "done");
    EXPECT_EQ(process.broker->await_settled(2), "done");
    got[1].settle.reject("no use");
    EXPECT_EQ(process.broker->await_settled(3), "reject: no use");
    EXPECT_EQ(process.source->copies(), 1U);
  }
  DedupProcess process(dedup_options(store));
  process.broker->hand_in(1, "a");
  process.broker->hand_in(2, "b");
  EXPECT_EQ(process.broker->await_settled(1), "done");
  process.got.await(1);
  auto got = process.got.take();
  EXPECT_EQ(process.bodies(got), Bodies{"2"});
  got[0].settle(Settlement::retry);
  EXPECT_EQ(process.broker->await_settled(2), "retry");
  process.broker->hand_in(3, "b");
  process.got.await(1);
}

// Claim:  messages without a key are handed on, each of them, in their place.
// Method: two of them around one with a key.
TEST(DeduplicatedSource, MessagesWithoutAKeyAreNoCopies) {
  DedupProcess process(dedup_options(std::make_shared<DedupTestStore>()));
  process.broker->hand_in(1, "");
  process.broker->hand_in(2, "a");
  process.broker->hand_in(3, "");
  process.got.await(3);
  auto got = process.got.take();
  EXPECT_EQ(process.bodies(got), (Bodies{"1", "2", "3"}));
  for (ReceivedMessage& each : got) each.settle(Settlement::done);
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(process.broker->await_settled(i), "done");
}

// Claim:  a message is recorded as done before its broker hears so.
// Method: a broker that looks into the store when it is told.
TEST(DeduplicatedSource, RecordsBeforeItAcknowledges) {
  const auto store = std::make_shared<DedupTestStore>();
  DedupProcess process(dedup_options(store));
  process.broker->hand_in(1, "a");
  process.got.await(1);
  store->set_down(true);
  process.got.take()[0].settle(Settlement::done);
  store->await_calls(2);
  EXPECT_FALSE(process.broker->is_settled(1));
  store->set_down(false);
  EXPECT_EQ(process.broker->await_settled(1), "done");
  EXPECT_EQ(store->events().at(DedupKey::of("a")), 0U);
}

// Claim:  what a process claimed before it died, it takes up at once when it is started again, in order.
// Method: claims by the same owner, made beforehand, of the first two of three messages.
TEST(DeduplicatedSource, TakesUpItsOwnClaims) {
  const auto store = std::make_shared<DedupTestStore>();
  const DedupKey keys[] = {DedupKey::of("a"), DedupKey::of("b")};
  DedupAnswer answers[2];
  ASSERT_TRUE(store->claim(keys, 1, {}, answers));
  DedupProcess process(dedup_options(store, 1));
  const std::string names = "abc";
  for (std::uint64_t i = 0; i < 3; ++i) process.broker->hand_in(i, names.substr(i, 1));
  process.got.await(3);
  EXPECT_EQ(process.bodies(process.got.take()), (Bodies{"0", "1", "2"}));
}

// Claim:  a message that another owner has claimed waits, and those behind it, until that one has ended.
// Method: a claim by another owner of the first of two messages; the store is asked several times, then the claim ends.
TEST(DeduplicatedSource, WaitsForAnotherOwnerInOrder) {
  const auto store = std::make_shared<DedupTestStore>();
  const DedupKey key = DedupKey::of("a");
  DedupAnswer answer;
  ASSERT_TRUE(store->claim({&key, 1}, 2, {}, {&answer, 1}));
  DedupProcess process(dedup_options(store, 1));
  process.broker->hand_in(1, "a");
  process.broker->hand_in(2, "b");
  store->await_calls(6);
  EXPECT_EQ(process.got.kept(), 0U);
  store->forget("a");
  process.got.await(2);
  EXPECT_EQ(process.bodies(process.got.take()), (Bodies{"1", "2"}));
}

// Claim:  while the store is away nothing is handed on, its state is told, and messages come in order when it is back.
// Method: a store that is down when two messages come; then it answers.
TEST(DeduplicatedSource, WaitsForItsStore) {
  const auto store = std::make_shared<DedupTestStore>();
  store->set_down(true);
  std::mutex mutex;
  std::set<std::string> told;
  auto options = dedup_options(store);
  options.on_store = [&](const Status& answer) {
    const std::scoped_lock lock(mutex);
    told.insert(answer ? "up" : answer.error().message());
  };
  DedupProcess process(std::move(options));
  process.broker->hand_in(1, "a");
  process.broker->hand_in(2, "b");
  store->await_calls(2);
  EXPECT_EQ(process.got.kept(), 0U);
  store->set_down(false);
  process.got.await(2);
  EXPECT_EQ(process.bodies(process.got.take()), (Bodies{"1", "2"}));
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(told, (std::set<std::string>{"away", "up"}));
}

// Claim:  more messages than a call of the store may have are handed on all the same, in order.
// Method: five while the store is away, by twos.
TEST(DeduplicatedSource, AsksInBatches) {
  const auto store = std::make_shared<DedupTestStore>();
  store->set_down(true);
  auto options = dedup_options(store);
  options.batch_max = 2;
  DedupProcess process(std::move(options));
  const std::string names = "abacde";
  for (std::uint64_t i = 0; i < names.size(); ++i) process.broker->hand_in(i, names.substr(i, 1));
  store->await_calls(1);
  store->set_down(false);
  process.got.await(5);
  auto got = process.got.take();
  EXPECT_EQ(process.bodies(got), (Bodies{"0", "1", "3", "4", "5"}));
  for (ReceivedMessage& each : got) each.settle(Settlement::done);
  for (std::uint64_t i = 0; i < names.size(); ++i) EXPECT_EQ(process.broker->await_settled(i), "done");
}

// Claim:  claims of messages that are out are renewed.
// Method: one that is not answered.
TEST(DeduplicatedSource, RenewsItsClaims) {
  const auto store = std::make_shared<DedupTestStore>();
  auto options = dedup_options(store);
  options.renew_every = milliseconds(1);
  DedupProcess process(std::move(options));
  process.broker->hand_in(1, "a");
  process.got.await(1);
  store->await_renewals();
}

// Claim:  a source that was stopped hands nothing on and gives back what waits; an answer that comes later does nothing.
// Method: one message out and one that waits for the store when it stops; then the answer, and another message.
TEST(DeduplicatedSource, StopGivesBackWhatWaits) {
  const auto store = std::make_shared<DedupTestStore>();
  DedupProcess process(dedup_options(store));
  process.broker->hand_in(1, "a");
  process.got.await(1);
  auto got = process.got.take();
  store->set_down(true);
  process.broker->hand_in(2, "b");
  store->await_calls(1);
  static_cast<void>(process.source->stop(milliseconds(0)));
  EXPECT_EQ(process.broker->await_settled(1), "retry");
  EXPECT_EQ(process.broker->await_settled(2), "retry");
  got[0].settle(Settlement::done);
  process.broker->hand_in(3, "c");
  EXPECT_EQ(process.broker->await_settled(3), "retry");
  EXPECT_EQ(process.broker->await_settled(1), "retry");
  EXPECT_EQ(process.got.kept(), 0U);
}

// Claim:  a source that cannot be started says so, and options that cannot be honoured are refused.
// Method: a broker's end that answers with an error; each option that lacks.
TEST(DeduplicatedSource, RefusesWhatCannotBeHonoured) {
  const auto store = std::make_shared<DedupTestStore>();
  auto broker = std::make_unique<DedupTestSource>();
  broker->start_answer = Error{"bad url", ""};
  DeduplicatedSource source(std::move(broker), dedup_options(store));
  const Status started = source.start([](ReceivedMessage&&) {});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message(), "bad url");
  auto nobody = dedup_options(store, 0);
  auto keyless = dedup_options(store);
  keyless.key = nullptr;
  auto batchless = dedup_options(store);
  batchless.batch_max = 0;
  for (const auto& options : {nobody, keyless, batchless, dedup_options(nullptr)}) {
    EXPECT_THROW(DeduplicatedSource(std::make_unique<DedupTestSource>(), options), ConfigError);
  }
}

}  // namespace
}  // namespace headrace
