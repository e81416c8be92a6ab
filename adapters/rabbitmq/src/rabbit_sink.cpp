#include "headrace/rabbitmq/rabbit_sink.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include "amqp_message.hpp"
#include "connection.hpp"
#include "declare.hpp"

namespace headrace::rabbitmq {
namespace {

using std::chrono::milliseconds;

}  // namespace

class RabbitSink::Writer final : public SinkWriter {
 public:
  explicit Writer(const RabbitSinkOptions& options)
      : SinkWriter({.where = "rabbitmq sink",
                    .buffer = options.buffer,
                    .loop = {.backoff = options.server.backoff,
                             .on_health = options.server.on_health,
                             .patience = options.server.answer_timeout,
                             .down_after = options.server.down_after},
                    .capabilities = capabilities_with(options)}),
        options_(options) {}

 private:
  static Capabilities capabilities_with(const RabbitSinkOptions& options) {
    return {.name = "rabbitmq",
            .order_by_key = true,
            .retry = true,
            .dead_letters = true,
            .redelivery_flag = true,
            .headers = true,
            .content_type = true,
            .durable = options.persistent,
            .body_bytes_max = options.body_bytes_max};
  }

  Status check() override {
    if (options_.exchange.size() > 255)
      return Error{"the exchange's name is longer than 255 bytes", "rabbitmq sink"};
    if (Status good = options_.topology.check(); !good) return good;
    auto address = RabbitAddress::of(options_.server);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }
  void cut() override { breaker_.cut(); }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.server, breaker_);
    if (!connection) return connection.error();
    const Status ended = serve(*connection);
    unconfirmed_.clear();
    returned_.clear();
    return ended;
  }
  Status serve(Connection& connection) {
    if (Status begun = begin(connection); !begun) return begun;
    first_ = 1;
    blocked_ = answered_ = false;
    loop().health().set(AdapterState::up);
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      auto sent = send(connection);
      if (!sent) return sent.error();
      auto heard = listen(connection);
      if (!heard) return heard.error();
      if (*sent + *heard == 0) loop().waker()->wait(connection.fd(), kLookAgain);
    }
    // A blocked connection is not read by the server, so it would not answer.
    if (!blocked_) connection.close();
    return Nothing{};
  }

  Status begin(Connection& connection) const {
    if (Status made = declare(connection, options_.topology); !made) return made;
    if (!options_.exchange.empty()) {
      amqp_exchange_declare(connection.get(), kChannel, bytes_of(options_.exchange), amqp_empty_bytes, 1, 0, 0, 0,
                            amqp_empty_table);
      if (Status there = connection.answer("looking for exchange " + options_.exchange); !there) return there;
    }
    amqp_confirm_select(connection.get(), kChannel);
    return connection.answer("asking for confirms");
  }

  Result<std::size_t> send(Connection& connection) {
    const bool mandatory = options_.unroutable == Unroutable::refuse;
    std::size_t count = 0;
    for (; count < kTurn && !blocked_; ++count) {
      if (one_by_one_ != 0 && !unconfirmed_.empty()) break;
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) break;
      OutgoingProperties::Marks marks;
      if (!options_.persistent) marks.delivery_mode = AMQP_DELIVERY_NONPERSISTENT;
      marks.again = item->sent_before;
      if (mandatory) marks.publish = first_ + unconfirmed_.size();
      const Message& message = item->message;
      unconfirmed_.push_back(item->number);
      const amqp_bytes_t body{message.body.size(), const_cast<std::byte*>(message.body.data())};
      const int code =
          amqp_basic_publish(connection.get(), kChannel, bytes_of(options_.exchange), bytes_of(message.topic),
                             mandatory, 0, &properties_.of(message, marks), body);
      if (Status sent = connection.sent(code); !sent) return sent.error();
    }
    return count;
  }

  /// Takes what the server says; how many frames that were.
  Result<std::size_t> listen(Connection& connection) {
    const timeval at_once{0, 0};
    for (std::size_t count = 0; count < kTurn; ++count) {
      amqp_maybe_release_buffers(connection.get());
      amqp_frame_t frame;
      const int code = amqp_simple_wait_frame_noblock(connection.get(), &frame, &at_once);
      if (code == AMQP_STATUS_TIMEOUT) return count;
      if (Status read = connection.sent(code); !read) return read.error();
      if (frame.frame_type != AMQP_FRAME_METHOD) continue;
      if (Status taken = take(connection, frame.payload.method); !taken) return taken.error();
    }
    return kTurn;
  }

  Status take(Connection& connection, const amqp_method_t& method) {
    switch (method.id) {
      case AMQP_BASIC_ACK_METHOD: {
        const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
        confirm(ack->delivery_tag, ack->multiple != 0, Nothing{});
        return Nothing{};
      }
      case AMQP_BASIC_NACK_METHOD: {
        const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
        confirm(nack->delivery_tag, nack->multiple != 0,
                Error{"the server refused the message", connection.where(), Error::Retry::maybe});
        return Nothing{};
      }
      case AMQP_BASIC_RETURN_METHOD:
        return take_back(connection, *static_cast<const amqp_basic_return_t*>(method.decoded));
      case AMQP_CONNECTION_BLOCKED_METHOD:
        blocked_ = true;
        loop().health().set(
            AdapterState::blocked,
            "the server is blocked: " +
                std::string(text_of(static_cast<const amqp_connection_blocked_t*>(method.decoded)->reason)));
        return Nothing{};
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        blocked_ = false;
        loop().health().set(AdapterState::up);
        return Nothing{};
      case AMQP_CHANNEL_CLOSE_METHOD:
        return take_close(connection, method);
      case AMQP_CONNECTION_CLOSE_METHOD: {
        Error error = connection.closed_by(method, "publishing");
        error.retry = Error::Retry::maybe;  // connecting again tells whether it is for good
        return error;
      }
      default:
        return Nothing{};
    }
  }

  /// The server closes the channel for a message that it does not take, without naming it, and drops those behind it.
  /// So all of them go out again one by one, and the one that closes the channel alone is the one.
  Status take_close(const Connection& connection, const amqp_method_t& close) {
    Error error = connection.closed_by(close, "publishing");
    // An exchange that is gone is no message's fault: begin() tells.
    const bool refuses = error.retry == Error::Retry::no &&
                         static_cast<const amqp_channel_close_t*>(close.decoded)->reply_code != AMQP_NOT_FOUND;
    const auto confirmed = static_cast<std::size_t>(std::ranges::count(unconfirmed_, std::uint64_t{0}));
    const std::size_t unconfirmed = unconfirmed_.size() - confirmed;
    if (refuses && unconfirmed == 1) {
      buffer().confirm(unconfirmed_.front(), error);  // never a confirmed one
      one_by_one_ = 0;
      loop().connected();  // that is an answer, too
    } else {
      one_by_one_ = std::max<std::size_t>(one_by_one_, unconfirmed);
    }
    error.retry = Error::Retry::maybe;
    return error;
  }

  /// A message that no queue takes comes back whole, before its confirm.
  Status take_back(Connection& connection, const amqp_basic_return_t& back) {
    Error error{"the server returned the message: " + std::to_string(back.reply_code) + " " +
                    std::string(text_of(back.reply_text)),
                "exchange '" + std::string(text_of(back.exchange)) + "', routing key '" +
                    std::string(text_of(back.routing_key)) + "'"};
    const amqp_bytes_t routing_key = back.routing_key;
    amqp_message_t message;
    const auto reply = amqp_read_message(connection.get(), kChannel, &message, 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) return connection.to_status(reply, "taking a message back");
    if (const auto publish = to_incoming(routing_key, message).publish)
      returned_.emplace(*publish, std::move(error));
    amqp_destroy_message(&message);
    return Nothing{};
  }

  /// The answer to publish `tag`, or to all up to it.
  void confirm(std::uint64_t tag, bool multiple, const Status& answer) {
    if (tag < first_ || tag - first_ >= unconfirmed_.size()) return;
    if (one_by_one_ != 0) --one_by_one_;
    // Not before: a server that closes each channel would be asked without a pause.
    if (!blocked_ && !std::exchange(answered_, true)) loop().connected();
    const std::size_t at = static_cast<std::size_t>(tag - first_);
    if (multiple && returned_.empty() && unconfirmed_[at] != 0) {
      buffer().confirm_up_to(unconfirmed_[at], answer);
    } else {
      for (std::uint64_t each = multiple ? first_ : tag; each <= tag; ++each) confirm_one(each, answer);
    }
    if (multiple) std::fill_n(unconfirmed_.begin(), at + 1, 0);
    unconfirmed_[at] = 0;
    for (; !unconfirmed_.empty() && unconfirmed_.front() == 0; unconfirmed_.pop_front()) ++first_;
  }
  void confirm_one(std::uint64_t tag, const Status& answer) {
    const auto back = returned_.extract(tag);
    buffer().confirm(unconfirmed_[static_cast<std::size_t>(tag - first_)],
                     back.empty() ? answer : Status(std::move(back.mapped())));
  }

  const RabbitSinkOptions options_;
  RabbitAddress address_;
  Breaker breaker_;

  // The loop's thread's own.
  OutgoingProperties properties_;
  std::deque<std::uint64_t> unconfirmed_;  ///< the messages' numbers, in the order published; 0: confirmed
  std::uint64_t first_ = 1;                ///< the publish that unconfirmed_ begins with; the server counts from 1
  std::unordered_map<std::uint64_t, Error> returned_;
  bool blocked_ = false;
  bool answered_ = false;       ///< by this connection, about a message
  std::size_t one_by_one_ = 0;  ///< so many more messages, since one of them may close the channel
};

RabbitSink::RabbitSink(RabbitSinkOptions options) : BufferedSink(std::make_unique<Writer>(options)) {}

SendResult RabbitSink::send(Message&& message, Confirm confirm) {
  if (!is_carried(message)) return SendResult::too_large;
  return BufferedSink::send(std::move(message), std::move(confirm));
}

}  // namespace headrace::rabbitmq
