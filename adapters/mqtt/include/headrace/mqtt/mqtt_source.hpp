#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/gated_source.hpp"

namespace headrace::mqtt {

/// Of the retained messages that fit a filter. With MQTT 3.1.1 brokers know only `always`.
enum class RetainedMessages : std::uint8_t {
  always,                ///< at each connection
  with_new_session = 1,  ///< once, with a subscription that the session did not have
  never = 2,
};

/// A message of MQTT 3.1.1 that was lost for its size.
struct TooLargeMessage {
  std::string topic;
  std::size_t packet_bytes = 0;  ///< without the fixed header
};

struct MqttSourceOptions {
  MqttOptions broker = {};
  std::vector<std::string> filters;  ///< `$share/GROUP/FILTER` shares the messages among the sources of a group
  Qos qos = Qos::at_least_once;
  std::size_t unsettled_max = 1'000;  ///< MQTT 5: the receive maximum that the broker is told
  /// What may wait here of QoS 0 while nobody takes it; further messages are lost.
  std::size_t held_messages_max = 100'000;
  std::size_t held_bytes_max = std::size_t{64} << 20;
  std::chrono::seconds session_expiry{24 * 3600};  ///< MQTT 5: how long the broker keeps messages for us
  RetainedMessages retained = RetainedMessages::with_new_session;
  /// MQTT 5: topics that the broker may send a number in place of.
  std::uint16_t topic_aliases_max = 100;
  /// Called on the source's thread; must not throw or block.
  std::function<void(const TooLargeMessage&)> on_too_large = nullptr;
};

/// Source of MQTT topics, with a session that the broker keeps under the client's id. A message is acknowledged
/// when its outcome is known, and, as MQTT wants it, in the order in which messages came: one that takes long
/// holds back the acknowledgements of those behind it, and after a broken connection they all come again.
///
/// Retry:  MQTT has none, so the source keeps each unsettled message and delivers it again itself, at once.
/// Retained messages have kRetainedHeader.
/// Reject: MQTT has no dead letters: it acknowledges, and what becomes of the message is the bus's affair.
/// Size:   a broker of MQTT 5 is told packet_bytes_max, and drops for us what is larger. One of 3.1.1 cannot be told: the
///         source reads over such a message without keeping it, acknowledges it in its turn, or it would come again for
///         ever, counts it (too_large()) and reports it (on_too_large). It is lost.
/// Qos:    0, 1 and 2; of a message what it was published with and what was subscribed with, whichever is less.
/// QoS 2:  is told as received when its outcome is known, and handed over once, over all connections of the session:
///         what is out when a connection breaks stays out, and its outcome is told in the next one; what the broker sends
///         again, since it never heard of an outcome, is answered and not handed over. This ends with the session
///         (session_expiry, or a broker that lost it) and with this object: of what had an outcome that the broker has not
///         heard of when the process dies, the next one gets a copy, marked redelivered.
///         A broker that sends a message again after its release (PUBREL) breaks MQTT, whose receivers must take that
///         for another message: it is handed over again, marked redelivered. mosquitto 2.0.11 does it when a connection
///         breaks behind a PUBREL and the next one before that PUBREL has been sent again.
class MqttSource final : public GatedSource {
 public:
  explicit MqttSource(MqttSourceOptions options);
  /// Messages that were lost for their size so far (MQTT 3.1.1).
  [[nodiscard]] std::uint64_t too_large() const;

 private:
  class Reader;
};

}  // namespace headrace::mqtt
