#include "gateway_dedup.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "gateway_bridges.hpp"
#include "headrace/wire/foreign_event_id.hpp"
#if defined(HEADRACE_HAS_REDIS)
#include "headrace/redis/redis_dedup_store.hpp"
#endif
#if defined(HEADRACE_HAS_SQLITE)
#include "headrace/sqlite/event_store.hpp"
#endif

namespace headrace::program {
namespace {

/// The machine and the config: a gateway that is started again is the same one.
std::string owner_of(const GatewayConfig& config) {
  if (!config.dedup->owner.empty()) return config.dedup->owner;
  std::array<char, 256> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  return std::string(host.data()) + '\n' + std::filesystem::absolute(config.file).lexically_normal().string();
}

Result<GatewayDedup::Stores> open_stores(const DedupConfig& config) {
#if defined(HEADRACE_HAS_SQLITE)
  if (!config.file.empty()) {
    auto opened = SqliteEventStore::open({.file = config.file});
    if (!opened) return opened.error();
    return GatewayDedup::Stores([config, file = std::shared_ptr<SqliteEventStore>(std::move(*opened))](
                                    const std::string& scope) -> std::shared_ptr<DedupStore> {
      auto store = file->deduplication(
          {.scope = scope, .events_max = config.events_max, .window = config.window, .claim_for = config.claim});
      return {store.release(), [file](DedupStore* gone) { delete gone; }};  // before its file
    });
  }
#endif
#if defined(HEADRACE_HAS_REDIS)
  if (!config.server.url.empty()) {
    return GatewayDedup::Stores([config](const std::string& scope) -> std::shared_ptr<DedupStore> {
      return std::make_shared<redis::RedisDedupStore>(
          redis::RedisDedupOptions{.server = options_of<redis::RedisOptions>(config.server),
                                   .scope = scope,
                                   .window = config.window,
                                   .claim = config.claim});
    });
  }
#endif
  return check_dedup(config).error();
}

}  // namespace

Status check_dedup([[maybe_unused]] const DedupConfig& config) {
  if (!config.file.empty()) {
#if defined(HEADRACE_HAS_SQLITE)
    return Nothing{};
#endif
  } else {
#if defined(HEADRACE_HAS_REDIS)
    const auto address = redis::RedisAddress::of(options_of<redis::RedisOptions>(config.server.without_secret()));
    return address ? Status(Nothing{}) : Status(address.error());
#endif
  }
  return Error{"this build is without the adapter", ""};
}

std::string dedup_name(const SourceEndConfig& source) { return "dedup of " + source.name; }

GatewayDedup::GatewayDedup(DedupConfig config, std::string owner, Stores stores)
    : config_(std::move(config)), owner_(std::move(owner)), stores_(std::move(stores)) {}

Result<std::unique_ptr<GatewayDedup>> GatewayDedup::open(const GatewayConfig& config) {
  auto stores = open_stores(*config.dedup);
  if (!stores) return stores.error();
  return std::unique_ptr<GatewayDedup>(new GatewayDedup(*config.dedup, owner_of(config), std::move(*stores)));
}

std::unique_ptr<DeduplicatedSource> GatewayDedup::wrap(std::unique_ptr<Source> source,
                                                       const SourceEndConfig& config,
                                                       HealthBoard::Changed changed) {
  const auto board = std::make_shared<HealthBoard>(std::move(changed));
  boards_.emplace_back(dedup_name(config), board);
  DeduplicatedSourceOptions options;
  options.key = [name = config.name, identity = header_of(config.identity)](const Message& message) {
    const EventId id = wire::foreign_event_id(name, identity(message));
    return id ? std::optional(DedupKey::of(id)) : std::nullopt;
  };
  options.store = stores_(config_.scope + "/" + config.name);
  options.owner = std::max<DedupOwner>(1, DedupKey::of(owner_ + '\n' + config.name).low);
  options.renew_every = config_.claim / 4;
  options.on_store = [board](const Status& answer) {
    answer ? board->set(AdapterState::up) : board->set(AdapterState::down, answer.error().message());
  };
  return std::make_unique<DeduplicatedSource>(std::move(source), std::move(options));
}

std::vector<NamedHealth> GatewayDedup::health() const {
  std::vector<NamedHealth> all;
  for (const auto& [name, board] : boards_) all.push_back({name, board->get()});
  return all;
}

}  // namespace headrace::program
