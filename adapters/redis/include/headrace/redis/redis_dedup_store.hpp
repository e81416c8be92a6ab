#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "headrace/port/dedup_store.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

struct RedisDedupOptions {
  RedisOptions server = {};
  std::string scope;                           ///< whose events: the consumers that share it see each event once
  std::chrono::milliseconds window{3600'000};  ///< how long a done event is remembered
  std::chrono::milliseconds claim{60'000};     ///< how long a claim lasts before another owner may run the event
};

/// DedupStore on Redis, for consumers in several processes. A batch is one script, so one trip: nothing else
/// happens in between. A key takes about 150 bytes in the server until it is over.
///
/// Window:  by time only; the server's memory is the bound, and with `noeviction` claims beyond it fail with
///          `maybe`. Callers in several processes must agree on the time to well within claim and window.
/// Threads: any; one trip at a time.
/// Errors:  while the server is away every call fails at once with `maybe`, after one attempt to connect in each
///          delay of the backoff. Wrong credentials say `no`.
class RedisDedupStore final : public DedupStore {
 public:
  /// Throws ConfigError for options that cannot be honoured; the server need not be there yet.
  explicit RedisDedupStore(RedisDedupOptions options);
  ~RedisDedupStore() override;

  [[nodiscard]] Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                             std::span<DedupAnswer> answers) override;
  [[nodiscard]] Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner,
                                           EventTime now) override;
  [[nodiscard]] Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                          EventTime from) override;

 private:
  class Client;
  std::unique_ptr<Client> client_;
};

}  // namespace headrace::redis
