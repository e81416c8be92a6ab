#include "gateway_ends.hpp"

#include <utility>

#if defined(HEADRACE_HAS_MQTT)
#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/mqtt/mqtt_source.hpp"
#endif
#if defined(HEADRACE_HAS_REDIS)
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#endif
#if defined(HEADRACE_HAS_RABBITMQ)
#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "headrace/rabbitmq/rabbit_source.hpp"
#endif
#if defined(HEADRACE_HAS_SERVICEBUS)
#include "headrace/servicebus/servicebus_sink.hpp"
#include "headrace/servicebus/servicebus_source.hpp"
#endif

#if defined(HEADRACE_HAS_SQLITE)
#include "store_end.hpp"
#endif

namespace headrace::program {
namespace {

#if defined(HEADRACE_HAS_REDIS)
redis::RedisOptions redis_options(const EndConfig& end) {
  auto options = options_of<redis::RedisOptions>(end.server);
  options.down_after = end.down_after;
  return options;
}
#endif

#if defined(HEADRACE_HAS_RABBITMQ)
rabbitmq::RabbitOptions rabbit_options(const EndConfig& end) {
  auto options = options_of<rabbitmq::RabbitOptions>(end.server);
  options.connection_name = "headrace gateway: " + end.name;
  options.down_after = end.down_after;
  return options;
}
#endif

#if defined(HEADRACE_HAS_MQTT)
mqtt::MqttOptions mqtt_options(const EndConfig& end) {
  auto options = options_of<mqtt::MqttOptions>(end.server);
  options.client_id = end.client_id;
  options.tls.certificate_file = end.mqtt.certificate_file.string();
  options.tls.key_file = end.mqtt.key_file.string();
  options.tls.server_name = end.mqtt.server_name;
  if (const auto& will = end.mqtt.will) {
    options.will = mqtt::MqttWill{will->topic, will->body, mqtt::Qos{will->qos}, will->retained, will->delay};
  }
  options.down_after = end.down_after;
  return options;
}
#endif

#if defined(HEADRACE_HAS_SERVICEBUS)
servicebus::ServiceBusOptions servicebus_options(const EndConfig& end) {
  servicebus::ServiceBusOptions options;
  options.connection_string = end.server.url;
  options.connection_string_file = end.server.password_file.string();
  options.connection_string_variable = end.server.password_variable;
  options.connection_name = "headrace gateway: " + end.name;
  if (!end.server.ca_file.empty()) options.ca_file = end.server.ca_file.string();
  options.down_after = end.down_after;
  return options;
}
#endif

}  // namespace

Status check_url(const EndConfig& end) {
  [[maybe_unused]] EndConfig without_secret = end;
  without_secret.server = end.server.without_secret();
  switch (end.kind) {
    case EndConfig::Kind::redis: {
#if defined(HEADRACE_HAS_REDIS)
      const auto address = redis::RedisAddress::of(redis_options(without_secret));
      return address ? Status(Nothing{}) : Status(address.error());
#else
      break;
#endif
    }
    case EndConfig::Kind::rabbitmq: {
#if defined(HEADRACE_HAS_RABBITMQ)
      const auto address = rabbitmq::RabbitAddress::of(rabbit_options(without_secret));
      return address ? Status(Nothing{}) : Status(address.error());
#else
      break;
#endif
    }
    case EndConfig::Kind::mqtt: {
#if defined(HEADRACE_HAS_MQTT)
      const auto address = mqtt::MqttAddress::of(mqtt_options(without_secret));
      return address ? Status(Nothing{}) : Status(address.error());
#else
      break;
#endif
    }
    case EndConfig::Kind::servicebus: {
#if defined(HEADRACE_HAS_SERVICEBUS)
      const auto parsed = servicebus::ConnectionString::of(end.server.url);
      return parsed ? Status(Nothing{}) : Status(parsed.error());
#else
      break;
#endif
    }
    case EndConfig::Kind::store: {
#if defined(HEADRACE_HAS_SQLITE)
      return Nothing{};
#else
      break;
#endif
    }
  }
  return Error{"this build is without the adapter", ""};
}

std::unique_ptr<Source> make_source([[maybe_unused]] const SourceEndConfig& config,
                                    [[maybe_unused]] HealthBoard::Changed changed) {
#if defined(HEADRACE_HAS_REDIS)
  if (config.kind == EndConfig::Kind::redis) {
    redis::RedisSourceOptions options;
    options.server = redis_options(config);
    options.server.on_health = std::move(changed);
    options.stream = config.from;
    options.group = config.group;
    options.consumer = config.consumer;
    options.unsettled_max = config.unsettled_max;
    return std::make_unique<redis::RedisSource>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_RABBITMQ)
  if (config.kind == EndConfig::Kind::rabbitmq) {
    rabbitmq::RabbitSourceOptions options;
    options.server = rabbit_options(config);
    options.server.on_health = std::move(changed);
    options.queue = config.from;
    options.unsettled_max = config.unsettled_max;
    return std::make_unique<rabbitmq::RabbitSource>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_MQTT)
  if (config.kind == EndConfig::Kind::mqtt) {
    mqtt::MqttSourceOptions options;
    options.broker = mqtt_options(config);
    options.broker.on_health = std::move(changed);
    options.filters = {config.from};
    options.qos = mqtt::Qos{config.mqtt.qos};
    options.unsettled_max = config.unsettled_max;
    return std::make_unique<mqtt::MqttSource>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_SERVICEBUS)
  if (config.kind == EndConfig::Kind::servicebus) {
    servicebus::ServiceBusSourceOptions options;
    options.server = servicebus_options(config);
    options.server.on_health = std::move(changed);
    options.entity = config.from;
    options.unsettled_max = config.unsettled_max;
    return std::make_unique<servicebus::ServiceBusSource>(std::move(options));
  }
#endif
  return nullptr;
}

std::unique_ptr<Sink> make_sink([[maybe_unused]] const SinkEndConfig& config,
                                [[maybe_unused]] HealthBoard::Changed changed) {
#if defined(HEADRACE_HAS_REDIS)
  if (config.kind == EndConfig::Kind::redis) {
    redis::RedisSinkOptions options;
    options.server = redis_options(config);
    options.server.on_health = std::move(changed);
    options.buffer.messages_max = config.buffer_messages;
    return std::make_unique<redis::RedisSink>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_RABBITMQ)
  if (config.kind == EndConfig::Kind::rabbitmq) {
    rabbitmq::RabbitSinkOptions options;
    options.server = rabbit_options(config);
    options.server.on_health = std::move(changed);
    options.exchange = config.exchange;
    options.buffer.messages_max = config.buffer_messages;
    return std::make_unique<rabbitmq::RabbitSink>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_MQTT)
  if (config.kind == EndConfig::Kind::mqtt) {
    mqtt::MqttSinkOptions options;
    options.broker = mqtt_options(config);
    options.qos = mqtt::Qos{config.mqtt.qos};
    options.broker.on_health = std::move(changed);
    options.buffer.messages_max = config.buffer_messages;
    return std::make_unique<mqtt::MqttSink>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_SERVICEBUS)
  if (config.kind == EndConfig::Kind::servicebus) {
    servicebus::ServiceBusSinkOptions options;
    options.server = servicebus_options(config);
    options.server.on_health = std::move(changed);
    options.entity = config.entity;
    options.buffer.messages_max = config.buffer_messages;
    return std::make_unique<servicebus::ServiceBusSink>(std::move(options));
  }
#endif
#if defined(HEADRACE_HAS_SQLITE)
  if (config.kind == EndConfig::Kind::store) {
    StoreSinkOptions options;
    options.stream = config.stream;
    options.identity = config.identity;
    options.unconfirmed_max = config.buffer_messages;
    options.on_health = std::move(changed);
    return std::make_unique<StoreEnd>(config.file, std::move(options));
  }
#endif
  return nullptr;
}

}  // namespace headrace::program
