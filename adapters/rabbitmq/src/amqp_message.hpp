#pragma once

#include <amqp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headrace/port/message.hpp"

namespace headrace::rabbitmq {

/// Headers of ours, which no Message shows.
constexpr std::string_view kKeyHeader = "x-headrace-key";
constexpr std::string_view kPublishHeader = "x-headrace-publish";  ///< by it a returned message is found again

/// A message's properties as AMQP has them, for one publish at a time. What they point to is the message's.
class OutgoingProperties {
 public:
  struct Marks {
    std::uint8_t delivery_mode = AMQP_DELIVERY_PERSISTENT;
    bool again = false;
    std::optional<std::uint64_t> publish;
  };
  [[nodiscard]] const amqp_basic_properties_t& of(const Message& message, const Marks& marks);

 private:
  amqp_table_entry_t& add(std::string_view name, amqp_field_value_kind_t kind);
  std::vector<amqp_table_entry_t> entries_;
  amqp_basic_properties_t properties_{};
};

/// Whether AMQP can carry it: short names, and headers that fit into one frame.
[[nodiscard]] bool is_carried(const Message& message) noexcept;

struct Incoming {
  Message message;
  bool sent_before = false;
  unsigned deaths = 0;  ///< times that the broker dead-lettered or redelivered it, by its own count
  std::optional<std::uint64_t> publish;  ///< kPublishHeader
};

[[nodiscard]] Incoming to_incoming(amqp_bytes_t routing_key, const amqp_message_t& message);

}  // namespace headrace::rabbitmq
