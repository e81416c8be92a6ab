#include "declare.hpp"

#include <string_view>
#include <vector>

namespace headrace::rabbitmq {
namespace {

const char* type_name(ExchangeType type) noexcept {
  constexpr const char* kNames[] = {"direct", "fanout", "topic", "headers"};
  return kNames[static_cast<std::size_t>(type)];
}

class Arguments {
 public:
  void add(const char* name, std::string_view text) {
    amqp_table_entry_t& made = add(name, AMQP_FIELD_KIND_UTF8);
    made.value.value.bytes = bytes_of(text);
  }
  void add(const char* name, std::int64_t number) { add(name, AMQP_FIELD_KIND_I64).value.value.i64 = number; }
  void add_true(const char* name) { add(name, AMQP_FIELD_KIND_BOOLEAN).value.value.boolean = 1; }
  [[nodiscard]] amqp_table_t table() { return {static_cast<int>(entries_.size()), entries_.data()}; }

 private:
  amqp_table_entry_t& add(const char* name, amqp_field_value_kind_t kind) {
    amqp_table_entry_t& made = entries_.emplace_back();
    made.key = amqp_cstring_bytes(name);
    made.value.kind = static_cast<std::uint8_t>(kind);
    return made;
  }
  std::vector<amqp_table_entry_t> entries_;
};

Arguments arguments_of(const Queue& queue) {
  Arguments arguments;
  if (queue.type == QueueType::quorum) arguments.add("x-queue-type", "quorum");
  if (queue.dead_letters) {
    arguments.add("x-dead-letter-exchange", queue.dead_letters->exchange);
    if (!queue.dead_letters->routing_key.empty()) {
      arguments.add("x-dead-letter-routing-key", queue.dead_letters->routing_key);
    }
  }
  if (queue.message_ttl.count() > 0) arguments.add("x-message-ttl", queue.message_ttl.count());
  if (queue.messages_max > 0) arguments.add("x-max-length", static_cast<std::int64_t>(queue.messages_max));
  if (queue.overflow == Overflow::reject_publish) arguments.add("x-overflow", "reject-publish");
  if (queue.delivery_limit > 0) arguments.add("x-delivery-limit", std::int64_t{queue.delivery_limit});
  if (queue.single_active_consumer) arguments.add_true("x-single-active-consumer");
  return arguments;
}

bool is_name(std::string_view text) noexcept { return !text.empty() && text.size() <= 255; }

}  // namespace

Topology Topology::queue_with_dead_letters(std::string name, QueueType type) {
  Topology topology;
  Queue dead;
  dead.name = name + ".dead";
  dead.type = type;
  Queue queue;
  queue.name = std::move(name);
  queue.type = type;
  queue.dead_letters = DeadLetterTarget{"", dead.name};
  topology.queues = {std::move(dead), std::move(queue)};
  return topology;
}

Status Topology::check() const {
  const std::string where = "rabbitmq topology";
  for (const Exchange& exchange : exchanges) {
    if (!is_name(exchange.name)) return Error{"an exchange's name must have 1 to 255 bytes", where};
  }
  for (const Queue& queue : queues) {
    if (!is_name(queue.name)) return Error{"a queue's name must have 1 to 255 bytes", where};
    if (queue.delivery_limit > 0 && queue.type != QueueType::quorum) {
      return Error{"a delivery limit needs a quorum queue: " + queue.name, where};
    }
    if (queue.message_ttl.count() < 0) return Error{"a message's time to live is negative: " + queue.name, where};
  }
  for (const Binding& binding : bindings) {
    if (!is_name(binding.exchange) || !is_name(binding.queue)) {
      return Error{"a binding needs an exchange and a queue", where};
    }
    if (binding.routing_key.size() > 255) return Error{"a routing key is longer than 255 bytes", where};
  }
  return Nothing{};
}

Status declare(Connection& connection, const Topology& topology) {
  for (const Exchange& exchange : topology.exchanges) {
    amqp_exchange_declare(connection.get(), kChannel, bytes_of(exchange.name),
                          amqp_cstring_bytes(type_name(exchange.type)), 0, 1, 0, 0, amqp_empty_table);
    if (Status made = connection.answer("declaring exchange " + exchange.name); !made) return made;
  }
  for (const Queue& queue : topology.queues) {
    Arguments arguments = arguments_of(queue);
    amqp_queue_declare(connection.get(), kChannel, bytes_of(queue.name), 0, 1, 0, 0, arguments.table());
    if (Status made = connection.answer("declaring queue " + queue.name); !made) return made;
  }
  for (const Binding& binding : topology.bindings) {
    amqp_queue_bind(connection.get(), kChannel, bytes_of(binding.queue), bytes_of(binding.exchange),
                    bytes_of(binding.routing_key), amqp_empty_table);
    if (Status made = connection.answer("binding " + binding.queue + " to " + binding.exchange); !made)
      return made;
  }
  amqp_maybe_release_buffers(connection.get());
  return Nothing{};
}

}  // namespace headrace::rabbitmq
