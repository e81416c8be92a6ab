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
  explicit SubscribingSource(std::vector<test::ScriptedServer::Script> scripts) : broker_(std::move(scripts)) {
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
// Method: a broker that greets and is silent, and on the next connection answers.
TEST(MqttSubscribing, AnswerThatNeverComesIsGivenUp) {
  SubscribingSource source({{kConnack}, {kConnack, suback_with(1)}});
  EXPECT_NE(source.until("\nup: ").find("no answer to the subscription"), std::string::npos);
}

// Claim:  a subscription that is over a quota is tried again, since a quota is not for ever; one that is not allowed
//         gives up.
// Method: a broker that answers with 0x97, and on the next connection takes it; one that answers with 0x87.
TEST(MqttSubscribing, QuotaIsNotForEver) {
  SubscribingSource full({{kConnack, suback_with('\x97')}, {kConnack, suback_with(1)}});
  EXPECT_NE(full.until("\nup: ").find("connecting: "), std::string::npos);
  EXPECT_NE(full.until("\nup: ").find("quota exceeded"), std::string::npos);
  SubscribingSource forbidden({{kConnack, suback_with('\x87')}});
  EXPECT_NE(forbidden.until("\ngave up: ").find("not authorised"), std::string::npos);
}

}  // namespace
}  // namespace headrace::mqtt
