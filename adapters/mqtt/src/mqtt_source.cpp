#include "headrace/mqtt/mqtt_source.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "client.hpp"
#include "headrace/port/settlement_inbox.hpp"

namespace headrace::mqtt {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{100};
constexpr milliseconds kDisconnect{2'000};

Message to_message(const ::mqtt::message& from) {
  Message message;
  message.topic = from.get_topic();
  const auto& payload = from.get_payload();
  const auto bytes = std::as_bytes(std::span(payload.data(), payload.size()));
  message.body.assign(bytes.begin(), bytes.end());
  const ::mqtt::properties& properties = from.get_properties();
  using ::mqtt::property;
  if (properties.contains(property::CONTENT_TYPE)) {
    message.content_type = ::mqtt::get<std::string>(properties, property::CONTENT_TYPE);
  }
  for (std::size_t i = 0; i < properties.count(property::USER_PROPERTY); ++i) {
    auto [name, value] = ::mqtt::get<::mqtt::string_pair>(properties, property::USER_PROPERTY, i);
    message.headers.emplace_back(std::move(name), std::move(value));
  }
  return message;
}

}  // namespace

Capabilities capabilities(MqttVersion version) {
  const bool v5 = version == MqttVersion::v5;
  return {.name = v5 ? "mqtt 5" : "mqtt 3.1.1",
          .order_by_key = true,
          .retry = true,
          .dead_letters = false,
          .redelivery_flag = true,
          .headers = v5,
          .content_type = v5,
          .durable = true,
          .unsettled_max = 1,
          .body_bytes_max = std::size_t{16} << 20};
}

class MqttSource::Receiver final : public ::mqtt::callback {
 public:
  explicit Receiver(MqttSourceOptions options)
      : options_(std::move(options)), health_(options_.broker.on_health) {}
  ~Receiver() override { halt(); }

  Status start(Deliver deliver) {
    HEADRACE_CHECK("mqtt.source.started", !thread_.joinable(), "a source is started once, or after stop()");
    if (options_.filters.empty()) return Error{"there is no filter to subscribe to", "mqtt source"};
    auto password = check_options(options_.broker);
    if (!password) return password.error();
    password_ = std::move(*password);
    deliver_ = std::move(deliver);
    draining_ = halting_ = false;
    health_.set(AdapterState::connecting);
    thread_ = std::thread([this] { run(); });
    return Nothing{};
  }
  void set_paused(bool paused) {
    {
      const std::scoped_lock lock(mutex_);
      paused_ = paused;
    }
    changed_.notify_all();
  }
  std::size_t stop(milliseconds deadline) {
    {
      const std::scoped_lock lock(mutex_);
      draining_ = true;
    }
    (void)inbox_->wait_until_settled(deadline);
    const std::size_t left = inbox_->outstanding();
    halt();
    return left;
  }
  Health health() const { return health_.get(); }
  MqttVersion version() const { return options_.broker.version; }

 private:
  void halt() {
    {
      const std::scoped_lock lock(mutex_);
      halting_ = true;
    }
    changed_.notify_all();
    inbox_->nudge();
    if (thread_.joinable()) thread_.join();
  }
  bool halting() const {
    const std::scoped_lock lock(mutex_);
    return halting_;
  }

  void run() {
    Backoff backoff(options_.broker.backoff, reinterpret_cast<std::uintptr_t>(this));
    while (!halting()) {
      const Status ended = connect_and_wait(backoff);
      inbox_->renew();
      if (halting()) break;
      const bool for_good = !ended && ended.error().retry == Error::Retry::no;
      health_.set(for_good ? AdapterState::gave_up : AdapterState::connecting,
                  ended ? "" : ended.error().message());
      std::unique_lock lock(mutex_);
      if (for_good) {
        changed_.wait(lock, [this] { return halting_; });
      } else {
        changed_.wait_for(lock, backoff.next(), [this] { return halting_; });
      }
    }
    health_.set(AdapterState::idle);
  }

  Status connect_and_wait(Backoff& backoff) {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = lost_ = false;
    }
    // A client for each connection: what the library remembers of the last one is the broker's to repeat.
    const ClientPtr client = make_client(options_.broker);
    client->set_callback(*this);
    Status status = connect(*client, options_.broker, password_, {true, options_.session_expiry, 20});
    if (status) status = subscribe(*client);
    if (status) {
      health_.set(AdapterState::up);
      backoff.reset();
      std::unique_lock lock(mutex_);
      while (!halting_ && !lost_) changed_.wait_for(lock, kLook);
      if (lost_) status = Error{"the connection broke", options_.broker.url, Error::Retry::maybe};
    }
    // The socket closes first and the callback returns afterwards, so that nothing unsettled is acknowledged.
    disconnect(*client);
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    inbox_->nudge();
    return status;
  }

  Status subscribe(::mqtt::async_client& client) {
    try {
      for (const std::string& filter : options_.filters) {
        const auto token = client.subscribe(filter, static_cast<int>(options_.qos));
        if (!token->wait_for(options_.broker.connect_timeout)) {
          return Error{"no answer to the subscription", options_.broker.url, Error::Retry::maybe};
        }
        const auto answer = token->get_subscribe_response();
        for (const auto code : answer.get_reason_codes()) {
          if (static_cast<int>(code) >= 0x80)
            return Error{"the broker refuses the filter " + filter, options_.broker.url};
        }
      }
    } catch (const ::mqtt::exception& failed) {
      return Error{failed.to_string(), options_.broker.url, Error::Retry::maybe};
    }
    return Nothing{};
  }

  void disconnect(::mqtt::async_client& client) {
    try {
      if (client.is_connected()) (void)client.disconnect(0)->wait_for(kDisconnect);
    } catch (const ::mqtt::exception&) {
      // It was gone already.
    }
  }

  // What follows runs on the library's thread.
  void connection_lost(const std::string&) override {
    {
      const std::scoped_lock lock(mutex_);
      lost_ = true;
    }
    changed_.notify_all();
    inbox_->nudge();
  }

  /// Returns when the message may be acknowledged, or no more can be.
  void message_arrived(::mqtt::const_message_ptr arrived) override {
    bool again = arrived->is_duplicate();
    for (unsigned attempt = 1; may_deliver(); ++attempt) {
      deliver_({to_message(*arrived), Settle(inbox_, inbox_->issue(++tagged_ & 0xffff'ffff'ffff)),
                again || attempt > 1, again ? 0 : attempt});
      const auto answer = await_answer();
      if (!answer) break;
      if (*answer != Settlement::retry) return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || lost_; });
  }
  bool may_deliver() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !paused_ || draining_ || halting_ || closed_ || lost_; });
    return !draining_ && !halting_ && !closed_ && !lost_;
  }
  std::optional<Settlement> await_answer() {
    while (true) {
      const auto answers = inbox_->take(kLook);
      if (!answers.empty()) return answers.back().settlement;
      const std::scoped_lock lock(mutex_);
      if (halting_ || closed_ || lost_) return std::nullopt;
    }
  }

  const MqttSourceOptions options_;
  HealthBoard health_;
  std::string password_;
  Deliver deliver_;
  const std::shared_ptr<SettlementInbox> inbox_ = std::make_shared<SettlementInbox>();
  std::uint64_t tagged_ = 0;  // the library's thread's
  std::thread thread_;
  mutable std::mutex mutex_;  ///< the flags
  std::condition_variable changed_;
  bool paused_ = false;
  bool draining_ = false;
  bool halting_ = false;
  bool closed_ = false;  ///< the socket is
  bool lost_ = false;
};

MqttSource::MqttSource(MqttSourceOptions options) : receiver_(std::make_unique<Receiver>(std::move(options))) {}
MqttSource::~MqttSource() = default;

Status MqttSource::start(Deliver deliver) { return receiver_->start(std::move(deliver)); }
void MqttSource::pause() { receiver_->set_paused(true); }
void MqttSource::resume() { receiver_->set_paused(false); }
std::size_t MqttSource::stop(std::chrono::milliseconds deadline) { return receiver_->stop(deadline); }
Health MqttSource::health() const { return receiver_->health(); }
Capabilities MqttSource::capabilities() const { return mqtt::capabilities(receiver_->version()); }

}  // namespace headrace::mqtt
