#include "headrace/servicebus/servicebus_sink.hpp"

#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "amqp_message.hpp"
#include "claims.hpp"
#include "connection.hpp"
#include "unique_name.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;

/// Messages of one turn, before what the broker says is looked at.
constexpr std::size_t kSendTurn = 64;
/// Bytes that proton holds and has not sent, before the buffer is asked for more.
constexpr std::size_t kOutgoingMax = std::size_t{1} << 20;
constexpr milliseconds kSinkIdle{500};
constexpr std::string_view kBusy = "com.microsoft:server-busy";

}  // namespace

class ServiceBusSink::Writer final : public SinkWriter, private LinkEvents {
 public:
  explicit Writer(const ServiceBusSinkOptions& options)
      : SinkWriter({.where = "servicebus sink",
                    .buffer = options.buffer,
                    .loop = {.backoff = options.server.backoff,
                             .on_health = options.server.on_health,
                             .patience = options.server.answer_timeout,
                             .down_after = options.server.down_after},
                    .capabilities = capabilities_with(options)}),
        options_(options) {}

 private:
  using Clock = std::chrono::steady_clock;

  static Capabilities capabilities_with(const ServiceBusSinkOptions& options) {
    return {.name = "servicebus",
            .order_by_key = true,
            .retry = true,
            .dead_letters = true,
            .redelivery_flag = true,
            .headers = true,
            .content_type = true,
            .durable = true,
            .body_bytes_max = options.body_bytes_max};
  }

  Status check() override {
    if (options_.time_to_live.count() < 0 ||
        options_.time_to_live.count() > std::numeric_limits<std::uint32_t>::max()) {
      return Error{"time_to_live must be 0 to 4294967295 ms", "servicebus sink"};
    }
    if (options_.busy_pause.count() < 0) return Error{"busy_pause must not be negative", "servicebus sink"};
    auto address = ServiceBusAddress::of(options_.server, options_.entity);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.server, loop());
    if (!connection) return connection.error();
    connection_ = connection->get();
    const Status ended = serve(**connection);
    connection_ = nullptr;
    refused_as_busy_ = 0;
    return ended;
  }

  Status serve(Connection& connection) {
    Claims claims(connection, address_, options_.server);
    if (options_.server.login == Login::token) claims.ask(address_.entity);
    if (Status in = connection.await([&] { return claims.granted(); }, "asking for access"); !in) return in;
    open_link(connection);
    if (Status in = connection.await([this] { return opened_; }, "opening the link"); !in) return in;
    loop().connected();
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      claims.renew();
      const std::size_t sent = is_busy() ? 0 : send(connection);
      auto moved = connection.exchange();
      if (!moved) return moved.error();
      if (sent == 0 && !*moved)
        connection.wait(refused_as_busy_ == 0 ? kSinkIdle : std::min(kSinkIdle, options_.busy_pause));
    }
    connection.close();
    return Nothing{};
  }

  void open_link(Connection& connection) {
    opened_ = false;
    link_ = pn_sender(connection.session(), ("send-" + unique_name()).c_str());
    pn_terminus_set_address(pn_link_target(link_), address_.entity.c_str());
    pn_terminus_set_address(pn_link_source(link_), "headrace");
    pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(link_, PN_RCV_FIRST);
    connection.watch(link_, *this);
    pn_link_open(link_);
  }

  /// The server refused messages because it is busy. They wait for the answers to the others and for the pause; then
  /// they are the first to be sent again.
  bool is_busy() {
    if (refused_as_busy_ == 0) return false;
    if (Clock::now() < busy_until_ || buffer().in_flight() > refused_as_busy_) return true;
    refused_as_busy_ = 0;
    buffer().send_again();
    loop().health().set(AdapterState::up);
    return false;
  }

  std::size_t send(Connection& connection) {
    std::size_t count = 0;
    for (; count < kSendTurn && pn_link_credit(link_) > 0; ++count) {
      if (pn_session_outgoing_bytes(connection.session()) > kOutgoingMax) break;
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) break;
      const std::string id = name_ + "-" + std::to_string(item->number);
      MessageWriter::Marks marks;
      marks.id = id;
      marks.again = item->sent_before;
      marks.ttl_ms = static_cast<std::uint32_t>(options_.time_to_live.count());
      const auto bytes = writer_.of(item->message, marks);
      const Status good = bytes ? fits(*bytes) : Status(bytes.error());
      if (good) {
        send(*bytes, item->number);
      } else {
        buffer().confirm(item->number, good);
      }
    }
    return count;
  }
  /// What is larger ends the link, and would again and again.
  Status fits(std::string_view bytes) const {
    const std::uint64_t most = pn_link_remote_max_message_size(link_);
    if (most == 0 || bytes.size() <= most) return Nothing{};
    return Error{
        "the message has " + std::to_string(bytes.size()) + " bytes, and the entity takes " + std::to_string(most),
        connection_->where()};
  }
  void send(std::string_view bytes, std::uint64_t number) {
    char tag[sizeof number];
    std::memcpy(tag, &number, sizeof number);
    pn_delivery_t* const delivery = pn_delivery(link_, {sizeof tag, tag});
    pn_delivery_set_context(delivery, reinterpret_cast<void*>(static_cast<std::uintptr_t>(number)));
    pn_link_send(link_, bytes.data(), bytes.size());
    pn_link_advance(link_);
  }

  void opened(pn_link_t*) override { opened_ = true; }
  void delivered(pn_delivery_t* delivery) override {
    if (!pn_delivery_updated(delivery) || pn_delivery_remote_state(delivery) == 0) return;
    const auto number =
        static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pn_delivery_get_context(delivery)));
    if (says_busy(delivery)) {
      ++refused_as_busy_;
      busy_until_ = Clock::now() + options_.busy_pause;
      loop().health().set(AdapterState::blocked, "the server is busy");
    } else {
      buffer().confirm(number, answer_of(delivery));
    }
    pn_delivery_settle(delivery);
  }
  static bool says_busy(pn_delivery_t* delivery) {
    return pn_delivery_remote_state(delivery) == PN_REJECTED &&
           text_of(pn_condition_get_name(pn_disposition_condition(pn_delivery_remote(delivery)))) == kBusy;
  }
  Status answer_of(pn_delivery_t* delivery) const {
    switch (pn_delivery_remote_state(delivery)) {
      case PN_ACCEPTED:
        return Nothing{};
      case PN_REJECTED:
        return connection_->error_of(pn_disposition_condition(pn_delivery_remote(delivery)),
                                     "the broker refused the message");
      default:
        return Error{"the broker gave the message back", connection_->where(), Error::Retry::maybe};
    }
  }

  const ServiceBusSinkOptions options_;
  const std::string name_ = std::string(kOwnIdPrefix) + unique_name();  ///< what its message-ids begin with
  ServiceBusAddress address_;

  // The loop's thread's own.
  MessageWriter writer_;
  Connection* connection_ = nullptr;
  pn_link_t* link_ = nullptr;
  bool opened_ = false;
  std::size_t refused_as_busy_ = 0;  ///< of the messages in flight
  Clock::time_point busy_until_{};
};

ServiceBusSink::ServiceBusSink(ServiceBusSinkOptions options) : BufferedSink(std::make_unique<Writer>(options)) {}

SendResult ServiceBusSink::send(Message&& message, Confirm confirm) {
  if (!is_carried(message)) return SendResult::too_large;
  return BufferedSink::send(std::move(message), std::move(confirm));
}

}  // namespace headrace::servicebus
