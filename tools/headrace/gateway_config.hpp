#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert_rule.hpp"
#include "body_condition.hpp"
#include "config.hpp"
#include "enrichment.hpp"
#include "gateway_claims.hpp"
#include "gateway_dedup_config.hpp"
#include "gateway_mqtt.hpp"
#include "gateway_server.hpp"
#include "headrace/wire/topic_map.hpp"

namespace headrace::program {

/// A broker's end as the config names it: a [[source]] or a [[sink]].
struct EndConfig {
  enum class Kind { redis, rabbitmq, mqtt, servicebus, store };
  std::string name;
  Kind kind = Kind::redis;
  ServerConfig server;                           ///< of brokers
  std::string client_id;                         ///< of mqtt; empty: `headrace-` and the name
  std::chrono::milliseconds down_after{30'000};  ///< without a connection: it is down; of brokers
  MqttEndConfig mqtt;
  std::optional<ClaimsConfig> claims;  ///< none: what is large travels
};

struct SourceEndConfig : EndConfig {
  std::string from;  ///< the stream of redis, the queue of rabbitmq, the filter of mqtt, the entity of servicebus
  std::string group = "headrace";
  std::string consumer = "gateway";
  std::size_t unsettled_max = 1'000;
  std::string identity;           ///< the header that tells copies apart; empty: none
  wire::TopicMap topics;          ///< broker's to bus's; empty: as they are
  bool unrouted_is_done = false;  ///< else they are rejected
};

struct SinkEndConfig : EndConfig {
  std::string exchange;        ///< of rabbitmq
  std::string entity;          ///< of servicebus
  std::filesystem::path file;  ///< of a store, resolved against the config's folder
  std::string stream;          ///< of a store; empty: a stream for each topic
  std::string identity;        ///< of a store: the header that tells copies apart; empty: none
  std::size_t buffer_messages = 10'000;
};

/// What a gateway does when an end has given up: its broker refused it for good.
enum class GaveUp : std::uint8_t { stop, go_on };

struct RouteConfig {
  std::string name;
  std::string filter;
  std::optional<std::size_t> sink;                           ///< index into GatewayConfig::sinks
  std::optional<AlertRule> alert;                            ///< in a sink's place
  std::optional<Enrichment> enrich;                          ///< before conditions
  std::vector<std::pair<std::string, std::string>> headers;  ///< all of which a message must have
  std::optional<BodyCondition> where;                        ///< on the body's fields
  wire::TopicMap topics;                                     ///< broker's to bus's; empty: as they are
  std::string text;  ///< as written, and its table: equal texts are equal routes
};

/// What joins brokers through the bus.
struct GatewayConfig {
  std::filesystem::path file;
  BusConfig bus;
  std::vector<SourceEndConfig> sources;
  std::vector<SinkEndConfig> sinks;
  std::vector<RouteConfig> routes;
  std::optional<DedupConfig> dedup;  ///< where copies are remembered; none: in memory
  GaveUp gave_up = GaveUp::stop;
  std::string metrics_listen;  ///< empty: nowhere
  std::string fixed;           ///< all but the routes, as written: what a reload cannot change
};

struct GatewayConfigOutcome {
  GatewayConfig config;
  std::vector<ConfigProblem> problems;  ///< in the order of the file; empty when the config can be used
};

/// Whether the text has a [[route]], a [[sink]] or a [[source]], and so is a gateway's and no replay's.
[[nodiscard]] bool is_gateway_config(std::string_view text);
[[nodiscard]] GatewayConfigOutcome parse_gateway_config(std::string_view text, const std::filesystem::path& file);

}  // namespace headrace::program
