#include <cstdio>
#if __has_include(<headrace/memory/memory_sink.hpp>)
#include <headrace/memory/memory_sink.hpp>
#endif
#if __has_include(<headrace/wire/topic_map.hpp>)
#include <headrace/wire/topic_map.hpp>
#endif
#if __has_include(<headrace/redis/redis_sink.hpp>)
#include <headrace/redis/redis_sink.hpp>
#endif
#if __has_include(<headrace/rabbitmq/rabbit_sink.hpp>)
#include <headrace/rabbitmq/rabbit_sink.hpp>
#endif
#if __has_include(<headrace/prometheus/metrics_server.hpp>)
#include <headrace/prometheus/metrics_server.hpp>
#endif
#if __has_include(<headrace/servicebus/servicebus_sink.hpp>)
#include <headrace/servicebus/servicebus_sink.hpp>
#endif

// Nothing listens where they are told to connect: that they start and stop is enough.
int main() {
  int wrong = 0;
#if __has_include(<headrace/redis/redis_sink.hpp>)
  headrace::redis::RedisSink redis({.server = {.url = "redis://127.0.0.1:1"}});
  wrong += redis.start() ? 0 : 1;
#endif
#if __has_include(<headrace/rabbitmq/rabbit_sink.hpp>)
  headrace::rabbitmq::RabbitSink rabbitmq({.server = {.url = "amqp://127.0.0.1:1"}});
  wrong += rabbitmq.start() ? 0 : 1;
#endif
#if __has_include(<headrace/prometheus/metrics_server.hpp>)
  headrace::prometheus::MetricsServer server({.listen = "127.0.0.1:0"}, [] {
    return std::vector<headrace::MetricFamily>();
  });
  wrong += server.start() ? 0 : 1;
#endif
#if __has_include(<headrace/servicebus/servicebus_sink.hpp>)
  headrace::servicebus::ServiceBusSink servicebus(
      {.server = {.connection_string = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=k"},
       .entity = "q"});
  wrong += servicebus.start() ? 0 : 1;
#endif
  std::puts(wrong == 0 ? "adapters: linked" : "adapters: wrong");
  return wrong;
}
