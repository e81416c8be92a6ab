#include <charconv>

#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"
#include "rig.hpp"

namespace headrace::test {
namespace {

class RedisRig final : public Rig {
 public:
  std::unique_ptr<Source> source(std::size_t unsettled_max) override {
    redis::RedisSourceOptions options;
    options.server = server_options();
    options.stream = topic();
    options.consumer = "one";
    options.unsettled_max = unsettled_max;
    return std::make_unique<redis::RedisSource>(std::move(options));
  }
  std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) override {
    redis::RedisSinkOptions options;
    options.server = server_options();
    options.buffer.messages_max = buffer_messages_max;
    return std::make_unique<redis::RedisSink>(std::move(options));
  }
  std::string topic() const override { return "orders"; }
  void stop_broker(Stop how) override { server_.stop(how == Stop::kill ? SIGKILL : SIGTERM); }
  void start_broker() override { server_.start(); }
  std::size_t dead_letters() override {
    const std::string answer = ask(server_.port(), "XLEN orders.dead\r\n");
    std::size_t count = 0;
    if (answer.starts_with(":")) std::from_chars(answer.data() + 1, answer.data() + answer.size(), count);
    return count;
  }

 private:
  [[nodiscard]] redis::RedisOptions server_options() const {
    redis::RedisOptions options;
    options.url = server_.url();
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }
  RedisServer server_;
};

}  // namespace

std::unique_ptr<Rig> make_rig() { return std::make_unique<RedisRig>(); }
std::string why_no_rig() { return {}; }

}  // namespace headrace::test
