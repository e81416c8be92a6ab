#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/prometheus/exposition.hpp"

namespace headrace::prometheus {

/// Says how each end stands now. Called by each question, on a thread of the server; must not throw.
using Ends = std::function<std::vector<NamedHealth>()>;

struct MetricsServerOptions {
  std::string listen = "127.0.0.1:9464";  ///< ADDRESS:PORT, numeric, [IPv6] in brackets; port 0: any free one
  std::size_t threads = 2;                ///< requests answered at once; further ones wait
};

/// Answers GET /metrics with the exposition and GET /healthz with 200 when every end is up, connecting or
/// down, with 503 and a line for each end otherwise.
///
/// Threads:   start(), stop() and port() from one at a time. The functions given are called on the server's threads.
/// Exposure:  plain HTTP without a password: who reaches the address reads what is there, so it is the loopback
///            unless told otherwise. There a request must name a loopback host, or a page in the machine's own
///            browser could read along by a name that it lets point here.
class MetricsServer {
 public:
  MetricsServer(MetricsServerOptions options, Metrics metrics, Ends ends = nullptr);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// Whether start() could use the options, but for an address that is taken.
  [[nodiscard]] static Status check(const MetricsServerOptions& options);
  /// Listens. An error is an address that is none, or taken.
  [[nodiscard]] Status start();
  /// Waits for the requests under way.
  void stop();
  /// Where it listens; 0 when it does not.
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace headrace::prometheus
