#pragma once

#include <mosquitto.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace headrace::bench {

/// libmosquitto driven by a loop by hand, on one thread: QoS 1, a session that is kept.
class PlainMqtt {
 public:
  /// `window` messages are under way at once, each way.
  PlainMqtt(std::uint16_t port, const std::string& client, int window);
  ~PlainMqtt();
  PlainMqtt(const PlainMqtt&) = delete;
  PlainMqtt& operator=(const PlainMqtt&) = delete;

  void publish(const std::string& topic, std::size_t messages, std::size_t window, std::size_t body_bytes);
  void subscribe(const std::string& filter);
  /// Until so many have come and been acknowledged.
  void consume(std::size_t messages);

 private:
  void turn();

  mosquitto* client_;
  std::size_t acknowledged_ = 0;
  std::size_t received_ = 0;
  bool subscribed_ = false;
  bool connected_ = false;
};

}  // namespace headrace::bench
