#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "headrace/mqtt/mqtt_source.hpp"
#include "scripted_server.hpp"

namespace headrace::mqtt {
namespace {

const std::string kConnack("\x20\x03\x00\x00\x00", 5);
std::string suback_with(char code) { return std::string("\x90\x04\x00\x01\x00", 5) + code; }

/// A source of a broker that keeps to a script, and what it says of its health.
class SubscribingSource {
 public:
  explicit SubscribingSource(test::ScriptedServer::Script script) : broker_(std::move(script)) {
    MqttSourceOptions options;
    options.broker.url = "mqtt://127.0.0.1:" + std::to_string(broker_.port());
    options.broker.client_id = "source";
    options.broker.answer_timeout = std::chrono::milliseconds(100);
    options.broker.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(5)};
    options.broker.on_health = [this](const Health& health) {
      {
        const std::scoped_lock lock(mutex_);
        said_.push_back(std::string(to_string(health.state)) + ": " + health.reason);
      }
      changed_.notify_all();
    };
    options.filters = {"a/#"};
    source_.emplace(std::move(options));
    EXPECT_TRUE(source_->start([](ReceivedMessage&&) {}));
  }
  test::ScriptedServer& broker() { return broker_; }
  /// Waits until it has said something that holds this; all that it said until then.
  std::string until(std::string_view part) {
    std::unique_lock lock(mutex_);
    std::string all;
    changed_.wait(lock, [&] {
      all.clear();
      for (const std::string& each : said_) all += each + "\n";
      return all.find(part) != std::string::npos;
    });
    return all;
  }

 private:
  test::ScriptedServer broker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> said_;
  std::optional<MqttSource> source_;
};

// Claim:  a broker that never answers the subscription is not waited for for ever: the source says so and connects
//         again.
// Method: a broker that greets and is silent, until the source has said so.
TEST(MqttSubscribing, AnswerThatNeverComesIsGivenUp) {
  SubscribingSource source({kConnack});
  (void)source.until("no answer to the subscription");
  source.broker().now({kConnack, suback_with(1)});
  (void)source.until("\nup: ");
}

// Claim:  a subscription that is over a quota is tried again, since a quota is not for ever; one that is not allowed
//         gives up.
// Method: a broker that answers with 0x97 until the source has said so; one that answers with 0x87.
TEST(MqttSubscribing, QuotaIsNotForEver) {
  SubscribingSource full({kConnack, suback_with('\x97')});
  EXPECT_EQ(full.until("quota exceeded").find("gave up"), std::string::npos);
  full.broker().now({kConnack, suback_with(1)});
  (void)full.until("\nup: ");
  SubscribingSource forbidden({kConnack, suback_with('\x87')});
  EXPECT_NE(forbidden.until("\ngave up: ").find("not authorised"), std::string::npos);
}

}  // namespace
}  // namespace headrace::mqtt
