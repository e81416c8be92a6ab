#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "../program.hpp"
#include "environment.hpp"
#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/redis/redis_dedup_store.hpp"
#include "mosquitto.hpp"
#include "rabbit_world.hpp"
#include "readings.hpp"
#include "redis_server.hpp"

namespace headrace {
namespace {

constexpr const char* kQueue = "plant.temp";

/// Devices ── MQTT ──► gateway ── RabbitMQ ──► a consumer that asks Redis whether it had a reading before.
class Chain {
 public:
  explicit Chain(std::size_t readings)
      : readings_(readings),
        ahead_max_(std::max<std::size_t>(500, readings / 200)),
        seen_(seen_options(redis_)),
        arrivals_(readings, seen_) {
    queue_ = test::rabbit_source(test::source_of(kQueue, rabbitmq::Topology::queue_with_dead_letters(kQueue)),
                                 arrivals_.take());
    devices_.emplace(devices_options());
    EXPECT_TRUE(devices_->start());
    start_gateway();
  }

  /// Sends every reading, with QoS 1, at most so far ahead of what has arrived.
  void publish() {
    for (std::size_t number = 0; number < readings_; ++number) {
      arrivals_.await_different(number > ahead_max_ ? number - ahead_max_ : 0);
      const std::scoped_lock lock(publishing_);
      Message message = test::message_of("plant/temp", std::to_string(number));
      message.headers = {{"id", std::to_string(number)}};
      while (devices_->send(std::move(message), confirms_.one()) == SendResult::full) {
        static_cast<void>(devices_->wait_for_room(std::chrono::hours(1)));
      }
      ++sent_;
    }
    confirms_.await(readings_);
  }

  void restart_rabbit(int signal) {
    test::RabbitServer& server = test::RabbitWorld::get().server();
    if (signal == SIGKILL) {
      server.kill_with_queue(kQueue);
    } else {
      server.stop(signal);
    }
    server.start();
  }
  void restart_mosquitto(int signal) {
    std::unique_lock lock(publishing_, std::defer_lock);
    if (signal == SIGKILL) {
      // It acknowledges before it saves, so that a kill between the two loses readings that nobody else has any more. Here
      // one counts as published when it is saved too.
      lock.lock();
      confirms_.await(sent_);
      mosquitto_.save();
    }
    mosquitto_.stop(signal);
    mosquitto_.start();
  }
  void kill_gateway() {
    gateway_->signal(SIGKILL);
    EXPECT_NE(gateway_->wait().exit_code, 0);
    start_gateway();
  }
  /// Asks the gateway to end, and takes what is left in the queue.
  program::Outcome end() {
    gateway_->signal(SIGTERM);
    program::Outcome outcome = gateway_->wait();
    const auto last = test::rabbit_sink(test::sink_to("", {}));
    EXPECT_TRUE(test::send_and_wait(*last, test::message_of(kQueue, "end")));
    arrivals_.await_end();
    return outcome;
  }

  test::Readings& arrivals() noexcept { return arrivals_; }
  [[nodiscard]] std::size_t refused_by_mosquitto() const { return confirms_.failed(); }

 private:
  static redis::RedisDedupOptions seen_options(const test::RedisServer& redis) {
    redis::RedisDedupOptions options;
    options.server.url = redis.url();
    options.scope = "consumer";
    return options;
  }
  mqtt::MqttSinkOptions devices_options() const {
    mqtt::MqttSinkOptions options;
    options.broker.url = mosquitto_.url();
    options.broker.client_id = "devices";
    options.broker.backoff = test::RabbitWorld::get().options().backoff;
    return options;
  }
  void start_gateway() {
    gateway_.emplace(std::vector<std::string>{
        "run",
        folder_.write("chain.toml", "[[source]]\nname = \"plant\"\nkind = \"mqtt\"\nurl = \"" + mosquitto_.url() +
                                        "\"\nfilter = \"plant/#\"\nidentity = \"id\"\nunsettled = 1000\n"
                                        "topics = [[\"plant/+\", \"plant.*\"]]\n"
                                        "[[sink]]\nname = \"rabbit\"\nkind = \"rabbitmq\"\nurl = \"" +
                                        test::RabbitWorld::get().server().url() +
                                        "\"\n[[route]]\nname = \"all\"\nfilter = \"plant.#\"\n"
                                        "to = \"rabbit\"\n")});
    EXPECT_NE(gateway_->wait_for_output_line("source plant: up"), "");
  }

  const std::size_t readings_;
  const std::size_t ahead_max_;
  test::RedisServer redis_;
  test::Mosquitto mosquitto_{"allow_anonymous true\nmax_inflight_messages 1000\n",
                             test::Mosquitto::Keeps::when_told};
  program::Folder folder_;
  redis::RedisDedupStore seen_;
  test::Readings arrivals_;
  test::Confirms confirms_;
  std::mutex publishing_;
  std::size_t sent_ = 0;  // behind publishing_
  std::unique_ptr<rabbitmq::RabbitSource> queue_;
  std::optional<mqtt::MqttSink> devices_;
  std::optional<program::Program> gateway_;
};

/// What goes wrong, and after which share of the readings.
struct ChainFault {
  double after;
  void (*befall)(Chain&);
};

/// Brokers' restarts, in turn of the one and the other, every second by kill -9; and kills of the gateway between.
std::vector<ChainFault> chain_faults(std::size_t restarts, std::size_t kills) {
  constexpr void (*kRestarts[])(Chain&) = {
      [](Chain& chain) { chain.restart_rabbit(SIGKILL); }, [](Chain& chain) { chain.restart_mosquitto(SIGTERM); },
      [](Chain& chain) { chain.restart_mosquitto(SIGKILL); }, [](Chain& chain) { chain.restart_rabbit(SIGTERM); }};
  std::vector<ChainFault> faults;
  const auto share = [](std::size_t i, std::size_t of) {
    return static_cast<double>(i + 1) / static_cast<double>(of + 1);
  };
  for (std::size_t i = 0; i < restarts; ++i) faults.push_back({share(i, restarts), kRestarts[i % 4]});
  for (std::size_t i = 0; i < kills; ++i) {
    faults.push_back({share(i, kills), [](Chain& chain) { chain.kill_gateway(); }});
  }
  std::ranges::stable_sort(faults, {}, &ChainFault::after);
  return faults;
}

// Claim:  from MQTT through a gateway to RabbitMQ no reading that mosquitto has acknowledged and saved is lost when both
//         brokers are restarted, by kill -9 too, and the gateway is killed; what comes twice is marked as sent before,
//         and has no second effect at a consumer that asks a DedupStore.
// Method: the real brokers and program; faults while devices publish, each once so many readings have come out.
//         HEADRACE_CHAIN_READINGS, _RESTARTS and _KILLS ask for more: 1000000, 40 and 5 is the long run.
TEST(GatewayChain, RestartsAndKillsLoseNothing) {
  const std::size_t readings = test::from_environment("HEADRACE_CHAIN_READINGS", 4'000);
  const std::size_t restarts = test::from_environment("HEADRACE_CHAIN_RESTARTS", 3);
  const std::size_t kills = test::from_environment("HEADRACE_CHAIN_KILLS", 2);
  Chain chain(readings);
  std::thread devices([&] { chain.publish(); });
  // On the main thread: servers end with the thread that starts them.
  for (const ChainFault& fault : chain_faults(restarts, kills)) {
    chain.arrivals().await_different(static_cast<std::size_t>(fault.after * static_cast<double>(readings)));
    fault.befall(chain);
  }
  devices.join();
  chain.arrivals().await_different(readings);
  const program::Outcome outcome = chain.end();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << outcome.out;
  EXPECT_EQ(chain.refused_by_mosquitto(), 0U);
  const auto counts = chain.arrivals().counts();
  EXPECT_EQ(counts.different, readings);
  EXPECT_EQ(counts.unmarked_copies, 0U);
  EXPECT_EQ(counts.without_effect, 0U);
  EXPECT_EQ(counts.doubled_effects, 0U);
  std::printf("%zu readings, %zu copies\n", counts.different, counts.copies);
}

}  // namespace
}  // namespace headrace
