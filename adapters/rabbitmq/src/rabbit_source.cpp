#include "headrace/rabbitmq/rabbit_source.hpp"

#include <algorithm>
#include <utility>

#include "ack_window.hpp"
#include "amqp_message.hpp"
#include "connection.hpp"
#include "declare.hpp"

namespace headrace::rabbitmq {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kConsumerTag = "headrace";
/// AMQP's prefetch is 16 bits wide.
constexpr std::size_t kPrefetchMax = 65'535;

}  // namespace

class RabbitSource::Consumer final : public SourceReader {
 public:
  explicit Consumer(const RabbitSourceOptions& options)
      : SourceReader({.loop = {.backoff = options.server.backoff,
                               .on_health = options.server.on_health,
                               .patience = options.server.answer_timeout,
                               .down_after = options.server.down_after},
                      .capabilities = capabilities_with(options)}),
        options_(options) {}

 private:
  static Capabilities capabilities_with(const RabbitSourceOptions& options) {
    return {.name = "rabbitmq",
            .order_by_key = true,
            .retry = true,
            .dead_letters = options.rejected == Rejected::dead_letter,
            .redelivery_flag = true,
            .headers = true,
            .content_type = true,
            .durable = true,
            .unsettled_max = kPrefetchMax,
            .body_bytes_max = std::size_t{128} << 20};
  }

  Status check() override {
    const std::string where = "rabbitmq source";
    if (options_.queue.empty() || options_.queue.size() > 255) {
      return Error{"the queue's name must have 1 to 255 bytes", where};
    }
    if (options_.unsettled_max == 0 || options_.unsettled_max > kPrefetchMax) {
      return Error{"unsettled_max must be 1 to 65535", where};
    }
    if (options_.rejected == Rejected::dead_letter) {
      const auto& queues = options_.topology.queues;
      const auto at = std::ranges::find(queues, options_.queue, &Queue::name);
      if (at != queues.end() && !at->dead_letters) {
        return Error{
            "the queue has no dead letters, so that rejected messages would be lost; give it some, or say "
            "Rejected::drop: " +
                options_.queue,
            where};
      }
    }
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
    window_ = AckWindow();
    prefetch_ = 0;
    still_coming_ = false;
    return ended;
  }
  Status serve(Connection& connection) {
    if (Status begun = begin(connection); !begun) return begun;
    loop().connected();
    // What is answered while messages are handed over is looked at in the same turn: begin() comes after them.
    while (true) {
      auto received = receive(connection);
      if (!received) return received.error();
      still_coming_ = *received == kTurn;
      loop().waker()->begin();
      if (loop().halting()) break;
      if (Status told = settle(connection, Acks::in_runs); !told) return told;
      auto turned = consume_or_not(connection);
      if (!turned) return turned.error();
      if (*turned == Turned::no && !still_coming_) {
        loop().waker()->wait(connection.fd(), window_.any() ? AckWindow::kPause : kLookAgain);
      }
    }
    if (Status told = settle(connection, Acks::at_once); !told) return told;
    connection.close();
    return Nothing{};
  }

  Status begin(Connection& connection) {
    if (Status made = declare(connection, options_.topology); !made) return made;
    amqp_queue_declare(connection.get(), kChannel, bytes_of(options_.queue), 1, 0, 0, 0, amqp_empty_table);
    if (Status there = connection.answer("looking for queue " + options_.queue); !there) return there;
    return consume(connection, options_.unsettled_max);
  }

  enum class Turned : std::uint8_t { no, yes };
  /// A paused source is no consumer, so that the queue's others get the messages. The server counts for each consumer
  /// anew: one that begins while messages are out gets the room that they leave, and gives way to one with more as
  /// soon as that is worth it.
  Result<Turned> consume_or_not(Connection& connection) {
    const std::size_t most = options_.unsettled_max;
    const std::size_t room = gate().room(most);
    if (prefetch_ != 0) {
      const bool worth_it =
          prefetch_ < most && (room == most || (prefetch_ < most / 2 && room >= most - most / 2));
      if (gate().may_deliver() && !worth_it) return Turned::no;
      prefetch_ = 0;
      still_coming_ = true;
      amqp_basic_cancel(connection.get(), kChannel, bytes_of(kConsumerTag));
      if (Status ended = connection.answer("pausing"); !ended) return ended.error();
      return Turned::yes;
    }
    if (room == 0 || still_coming_) return Turned::no;
    if (Status begun = consume(connection, room); !begun) return begun.error();
    return Turned::yes;
  }
  Status consume(Connection& connection, std::size_t prefetch) {
    if (!gate().may_deliver()) return Nothing{};
    amqp_basic_qos(connection.get(), kChannel, 0, static_cast<std::uint16_t>(prefetch), 0);
    if (Status set = connection.answer("setting the prefetch"); !set) return set;
    prefetch_ = prefetch;
    amqp_table_entry_t priority{};
    priority.key = amqp_cstring_bytes("x-priority");
    priority.value.kind = AMQP_FIELD_KIND_I32;
    priority.value.value.i32 = options_.priority;
    const amqp_table_t arguments{1, &priority};
    amqp_basic_consume(connection.get(), kChannel, bytes_of(options_.queue), bytes_of(kConsumerTag), 0, 0, 0,
                       options_.priority == 0 ? amqp_empty_table : arguments);
    return connection.answer("consuming " + options_.queue);
  }

  enum class Acks : std::uint8_t { in_runs, at_once };

  /// Tells the server what was answered; acknowledgements when they are due.
  Status settle(Connection& connection, Acks when) {
    const auto answers = gate().inbox()->take();
    for (const auto& answer : answers) {
      if (answer.settlement == Settlement::done) {
        window_.done(answer.tag);
        continue;
      }
      window_.forget(answer.tag);
      const int code =
          amqp_basic_reject(connection.get(), kChannel, answer.tag, answer.settlement == Settlement::retry);
      if (Status told = connection.sent(code); !told) return told;
    }
    const auto now = AckWindow::Clock::now();
    if (when == Acks::in_runs && !window_.due(now, prefetch_)) return Nothing{};
    const AckWindow::Acks acks = window_.take(now);
    int code = AMQP_STATUS_OK;
    if (acks.up_to != 0) code = amqp_basic_ack(connection.get(), kChannel, acks.up_to, 1);
    for (const std::uint64_t tag : acks.single) {
      if (code == AMQP_STATUS_OK) code = amqp_basic_ack(connection.get(), kChannel, tag, 0);
    }
    return connection.sent(code);
  }

  /// Hands over what has come; how much that was.
  Result<std::size_t> receive(Connection& connection) {
    const timeval at_once{0, 0};
    for (std::size_t count = 0; count < kTurn; ++count) {
      amqp_maybe_release_buffers(connection.get());
      amqp_envelope_t envelope;
      const auto reply = amqp_consume_message(connection.get(), &envelope, &at_once, 0);
      if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
        take(envelope);
        amqp_destroy_envelope(&envelope);
      } else if (reply.library_error == AMQP_STATUS_TIMEOUT) {
        return count;
      } else if (reply.library_error == AMQP_STATUS_UNEXPECTED_STATE) {
        if (Status done = take_other_frame(connection); !done) return done.error();
      } else {
        return connection.to_status(reply, "receiving").error();
      }
    }
    return kTurn;
  }

  Status take_other_frame(Connection& connection) const {
    amqp_frame_t frame;
    if (Status read = connection.sent(amqp_simple_wait_frame(connection.get(), &frame)); !read) return read;
    if (frame.frame_type != AMQP_FRAME_METHOD) return Nothing{};
    const amqp_method_t& method = frame.payload.method;
    if (method.id == AMQP_BASIC_CANCEL_METHOD) {
      return Error{"the server ended the consumer: the queue is gone", connection.where(), Error::Retry::maybe};
    }
    if (method.id != AMQP_CHANNEL_CLOSE_METHOD && method.id != AMQP_CONNECTION_CLOSE_METHOD) return Nothing{};
    Error error = connection.closed_by(method, "receiving");
    error.retry = Error::Retry::maybe;  // it had been taken: a handler that was too slow, a server that goes down
    return error;
  }

  void take(const amqp_envelope_t& envelope) {
    window_.deliver();
    if (gate().draining()) return;  // came before the server knew; it comes again
    Incoming incoming = to_incoming(envelope.routing_key, envelope.message);
    const bool redelivered = envelope.redelivered != 0;
    const unsigned attempt = redelivered && incoming.deaths == 0 ? 0 : incoming.deaths + 1;
    deliver(std::move(incoming.message), envelope.delivery_tag,
            redelivered || incoming.sent_before || incoming.deaths > 0, attempt);
  }

  const RabbitSourceOptions options_;
  RabbitAddress address_;
  Breaker breaker_;

  // The loop's thread's own.
  AckWindow window_;
  std::size_t prefetch_ = 0;   ///< the consumer's; 0: there is none
  bool still_coming_ = false;  ///< what was sent before the last consumer's end may not have been taken yet
};

RabbitSource::RabbitSource(RabbitSourceOptions options) : GatedSource(std::make_unique<Consumer>(options)) {}

}  // namespace headrace::rabbitmq
