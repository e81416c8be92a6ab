#include "headrace/mqtt/mqtt_sink.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "client.hpp"
#include "headrace/mqtt/mqtt_source.hpp"

namespace headrace::mqtt {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kDisconnect{2'000};
constexpr std::uint64_t kNumberBits = 48;

/// What keeps a message from being published at all; empty if nothing does.
std::string fault_of(const Message& message, MqttVersion version) {
  if (message.topic.empty() || message.topic.size() > 65'535) return "the topic has no or more than 65535 bytes";
  if (message.topic.find_first_of(std::string_view("+#\0", 3)) != std::string::npos) {
    return "the topic holds a wildcard or NUL";
  }
  if (version == MqttVersion::v311 && (!message.headers.empty() || !message.content_type.empty())) {
    return "MQTT 3.1.1 has no headers and no content type";
  }
  return {};
}

}  // namespace

class MqttSink::Sender final : public ::mqtt::callback, public ::mqtt::iaction_listener {
 public:
  explicit Sender(MqttSinkOptions options)
      : options_(std::move(options)), buffer_(options_.buffer), health_(options_.broker.on_health) {}
  ~Sender() override { halt(); }

  Status start() {
    HEADRACE_CHECK("mqtt.sink.started", !thread_.joinable(), "a sink is started once, or after stop()");
    auto password = check_options(options_.broker);
    if (!password) return password.error();
    password_ = std::move(*password);
    halting_ = false;
    buffer_.open();
    health_.set(AdapterState::connecting);
    thread_ = std::thread([this] { run(); });
    return Nothing{};
  }
  SendBuffer& buffer() { return buffer_; }
  Health health() const { return health_.get(); }
  MqttVersion version() const { return options_.broker.version; }

  std::size_t halt() {
    {
      const std::scoped_lock lock(mutex_);
      halting_ = true;
    }
    buffer_.close();
    changed_.notify_all();
    buffer_.wake();
    if (thread_.joinable()) thread_.join();
    return buffer_.abandon(
        Error{"the sink was stopped before the broker confirmed it", "mqtt sink", Error::Retry::maybe});
  }

 private:
  bool going() const {
    const std::scoped_lock lock(mutex_);
    return !halting_ && !lost_;
  }
  bool halting() const {
    const std::scoped_lock lock(mutex_);
    return halting_;
  }

  void run() {
    Backoff backoff(options_.broker.backoff, reinterpret_cast<std::uintptr_t>(this));
    while (!halting()) {
      const Status ended = connect_and_serve(backoff);
      buffer_.send_again();
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

  Status connect_and_serve(Backoff& backoff) {
    {
      const std::scoped_lock lock(mutex_);
      lost_ = false;
      connection_ = (connection_ + 1) & 0xffff;
    }
    // A client for each connection: what was not confirmed, the buffer sends again, and the library must not.
    const ClientPtr client = make_client(options_.broker);
    client->set_callback(*this);
    Status status =
        connect(*client, options_.broker, password_, {false, std::chrono::seconds(0), options_.buffer.window});
    if (status) {
      health_.set(AdapterState::up);
      backoff.reset();
      status = serve(*client);
    }
    {
      // Answers that come from now on belong to nothing any more.
      const std::scoped_lock lock(mutex_);
      connection_ = (connection_ + 1) & 0xffff;
    }
    try {
      if (client->is_connected()) (void)client->disconnect(0)->wait_for(kDisconnect);
    } catch (const ::mqtt::exception&) {
      // It was gone already.
    }
    return status;
  }

  Status serve(::mqtt::async_client& client) {
    try {
      while (going()) {
        const SendBuffer::Item* item = buffer_.next();
        if (item == nullptr) {
          buffer_.wait(kLook);
        } else if (std::string fault = fault_of(item->message, version()); !fault.empty()) {
          buffer_.confirm(item->number, Error{std::move(fault), "mqtt topic " + item->message.topic});
        } else {
          publish(client, *item);
        }
      }
    } catch (const ::mqtt::exception& failed) {
      return Error{failed.to_string(), options_.broker.url, Error::Retry::maybe};
    }
    return Error{"the connection broke", options_.broker.url, Error::Retry::maybe};
  }

  void publish(::mqtt::async_client& client, const SendBuffer::Item& item) {
    const Message& from = item.message;
    ::mqtt::properties properties;
    if (!from.content_type.empty()) properties.add({::mqtt::property::CONTENT_TYPE, from.content_type});
    for (const auto& [name, value] : from.headers) {
      properties.add({::mqtt::property::USER_PROPERTY, name, value});
    }
    auto message = ::mqtt::message::create(from.topic, from.body.data(), from.body.size(),
                                           static_cast<int>(options_.qos), options_.retained, properties);
    // The library hands the number back with its answer.
    const std::uint64_t mark = connection_ << kNumberBits | item.number;
    (void)client.publish(std::move(message), reinterpret_cast<void*>(mark), *this);
  }

  // What follows runs on the library's threads.
  void connection_lost(const std::string&) override {
    {
      const std::scoped_lock lock(mutex_);
      lost_ = true;
    }
    changed_.notify_all();
    buffer_.wake();
  }
  void on_success(const ::mqtt::token& token) override { answer(token, Nothing{}); }
  void on_failure(const ::mqtt::token& token) override {
    // Without the broker's reason it is the connection that failed: a new one sends the message again.
    if (static_cast<int>(token.get_reason_code()) < 0x80) return connection_lost({});
    answer(token, Error{"the broker refuses it: " + std::to_string(static_cast<int>(token.get_reason_code())),
                        options_.broker.url});
  }
  void answer(const ::mqtt::token& token, const Status& status) {
    const auto mark = reinterpret_cast<std::uintptr_t>(token.get_user_context());
    {
      const std::scoped_lock lock(mutex_);
      if (mark >> kNumberBits != connection_) return;
    }
    buffer_.confirm(mark & ((std::uint64_t{1} << kNumberBits) - 1), status);
    buffer_.wake();
  }

  const MqttSinkOptions options_;
  SendBuffer buffer_;
  HealthBoard health_;
  std::string password_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t connection_ = 0;  ///< written by thread_
  bool halting_ = false;
  bool lost_ = false;
};

MqttSink::MqttSink(MqttSinkOptions options) : sender_(std::make_unique<Sender>(std::move(options))) {}
MqttSink::~MqttSink() = default;

Status MqttSink::start() { return sender_->start(); }

SendResult MqttSink::send(Message&& message, Confirm confirm) {
  if (message.body.size() > capabilities().body_bytes_max) return SendResult::too_large;
  return sender_->buffer().put(std::move(message), std::move(confirm));
}

bool MqttSink::wait_for_room(std::chrono::milliseconds deadline) {
  return sender_->buffer().wait_for_room(deadline);
}

std::size_t MqttSink::stop(std::chrono::milliseconds deadline) {
  sender_->buffer().close();
  (void)sender_->buffer().wait_until_empty(deadline);
  return sender_->halt();
}

Health MqttSink::health() const { return sender_->health(); }
Capabilities MqttSink::capabilities() const { return mqtt::capabilities(sender_->version()); }

}  // namespace headrace::mqtt
