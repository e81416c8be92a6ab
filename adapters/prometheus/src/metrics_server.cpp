#include "headrace/prometheus/metrics_server.hpp"

#include <civetweb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <future>
#include <string_view>
#include <utility>

#include "headrace/base/check.hpp"
#include "listen_address.hpp"

namespace headrace::prometheus {
namespace {

constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kTextType = "text/plain; charset=utf-8";
constexpr const char* kRequestTimeoutMs = "5000";  ///< a client that says nothing holds a thread no longer

constexpr std::chrono::milliseconds kKnock{10};

struct Answer {
  int code = 200;
  std::string_view phrase = "OK";
  std::string_view type = kTextType;
  std::string body;
};

Answer health_of(const std::vector<NamedHealth>& ends) {
  Answer answer;
  for (const auto& [name, health] : ends) {
    const bool well = health.state == AdapterState::up || health.state == AdapterState::connecting ||
                      health.state == AdapterState::down;
    if (!well) answer.code = 503, answer.phrase = "Service Unavailable";
    answer.body += name + ": " + std::string(to_string(health.state));
    if (!health.reason.empty()) answer.body += ": " + health.reason;
    answer.body += '\n';
  }
  if (answer.body.empty()) answer.body = "up\n";
  return answer;
}

}  // namespace

class MetricsServer::Server {
 public:
  Server(MetricsServerOptions options, Metrics metrics, Ends ends)
      : options_(std::move(options)), metrics_(std::move(metrics)), ends_(std::move(ends)) {
    HEADRACE_CHECK("prometheus.metrics", metrics_ != nullptr, "a metrics server is told where metrics come from");
  }
  ~Server() { stop(); }

  Status start() {
    HEADRACE_CHECK("prometheus.started", context_ == nullptr, "a metrics server is started once, or after stop()");
    if (Status good = check(options_); !good) return good;
    auto address = ListenAddress::of(options_.listen);
    if (!address) return address.error();
    address_ = std::move(*address);
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) {
      return static_cast<Server*>(mg_get_request_info(connection)->user_data)->answer(connection);
    };
    callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // it goes nowhere
    const std::string threads = std::to_string(options_.threads);
    std::array<const char*, 7> words{"listening_ports",    address_.text.c_str(), "num_threads", threads.c_str(),
                                     "request_timeout_ms", kRequestTimeoutMs,     nullptr};
    mg_init_data init{&callbacks, this, words.data()};
    std::array<char, 256> text{};
    unsigned code = 0;
    mg_error_data error{&code, text.data(), text.size()};
    context_ = mg_start2(&init, &error);
    if (context_ == nullptr) return Error{"cannot listen: " + std::string(text.data()), options_.listen};
    mg_server_port listening{};
    if (mg_get_server_ports(context_, 1, &listening) == 1) port_ = static_cast<std::uint16_t>(listening.port);
    return Nothing{};
  }
  void stop() {
    if (context_ == nullptr) return;
    // Civetweb looks whether it is to stop every two seconds, and when somebody connects.
    const auto stopped = std::async(std::launch::async, mg_stop, std::exchange(context_, nullptr));
    address_.set_port(std::exchange(port_, std::uint16_t{0}));
    while (stopped.wait_for(kKnock) != std::future_status::ready) knock();
  }
  std::uint16_t port() const noexcept { return port_; }

 private:
  void knock() const noexcept {
    const int fd = ::socket(address_.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    (void)!::connect(fd, reinterpret_cast<const sockaddr*>(&address_.socket), sizeof address_.socket);
    ::close(fd);
  }
  int answer(mg_connection* connection) const {
    const mg_request_info& request = *mg_get_request_info(connection);
    const std::string_view method = request.request_method;
    const char* host = mg_get_header(connection, "Host");
    Answer answer;
    if (address_.loopback && (host == nullptr || !is_loopback_host(host))) {
      answer = {403, "Forbidden", kTextType, "this address is asked as 127.0.0.1, [::1] or localhost\n"};
    } else if (method != "GET" && method != "HEAD") {
      answer = {405, "Method Not Allowed", kTextType, "only GET and HEAD\n"};
    } else if (const std::string_view path = request.local_uri == nullptr ? "" : request.local_uri;
               path == "/metrics") {
      answer = {200, "OK", kExpositionType, exposition(metrics_())};
    } else if (path == "/healthz") {
      answer = health_of(ends_ ? ends_() : std::vector<NamedHealth>());
    } else {
      answer = {404, "Not Found", kTextType, "/metrics or /healthz\n"};
    }
    std::string head = "HTTP/1.1 " + std::to_string(answer.code) + " " + std::string(answer.phrase);
    head += "\r\nContent-Type: " + std::string(answer.type);
    head += "\r\nContent-Length: " + std::to_string(answer.body.size());
    head += "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
    if (method != "HEAD") head += answer.body;
    mg_write(connection, head.data(), head.size());
    return answer.code;
  }

  const MetricsServerOptions options_;
  const Metrics metrics_;
  const Ends ends_;
  ListenAddress address_;
  mg_context* context_ = nullptr;
  std::uint16_t port_ = 0;
};

MetricsServer::MetricsServer(MetricsServerOptions options, Metrics metrics, Ends ends)
    : server_(std::make_unique<Server>(std::move(options), std::move(metrics), std::move(ends))) {}
MetricsServer::~MetricsServer() = default;

Status MetricsServer::check(const MetricsServerOptions& options) {
  if (options.threads == 0) return Error{"at least one thread must answer", "metrics server"};
  const auto address = ListenAddress::of(options.listen);
  return address ? Status(Nothing{}) : Status(address.error());
}

Status MetricsServer::start() { return server_->start(); }
void MetricsServer::stop() { server_->stop(); }
std::uint16_t MetricsServer::port() const { return server_->port(); }

}  // namespace headrace::prometheus
