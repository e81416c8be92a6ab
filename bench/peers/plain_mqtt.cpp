#include "peers/plain_mqtt.hpp"

#include <stdexcept>

namespace headrace::bench {
namespace {

void require(int code, const char* doing) {
  if (code != MOSQ_ERR_SUCCESS) throw std::runtime_error(std::string("libmosquitto: ") + doing);
}

}  // namespace

PlainMqtt::PlainMqtt(std::uint16_t port, const std::string& client, int window)
    : client_((mosquitto_lib_init(), mosquitto_new(client.c_str(), false, this))) {
  mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client_, MOSQ_OPT_RECEIVE_MAXIMUM, window);
  mosquitto_int_option(client_, MOSQ_OPT_SEND_MAXIMUM, window);
  mosquitto_connect_callback_set(
      client_, [](mosquitto*, void* self, int) { static_cast<PlainMqtt*>(self)->connected_ = true; });
  mosquitto_publish_callback_set(
      client_, [](mosquitto*, void* self, int) { ++static_cast<PlainMqtt*>(self)->acknowledged_; });
  mosquitto_message_callback_set(client_, [](mosquitto*, void* self, const mosquitto_message*) {
    ++static_cast<PlainMqtt*>(self)->received_;
  });
  mosquitto_subscribe_callback_set(client_, [](mosquitto*, void* self, int, int, const int*) {
    static_cast<PlainMqtt*>(self)->subscribed_ = true;
  });
  mosquitto_property* properties = nullptr;
  require(mosquitto_property_add_int32(&properties, 17 /* session expiry, s */, 3600), "session expiry");
  require(mosquitto_connect_bind_v5(client_, "127.0.0.1", port, 60, nullptr, properties), "connecting");
  mosquitto_property_free_all(&properties);
  while (!connected_) turn();
}

PlainMqtt::~PlainMqtt() {
  mosquitto_disconnect(client_);
  mosquitto_destroy(client_);
  mosquitto_lib_cleanup();
}

void PlainMqtt::turn() { require(mosquitto_loop(client_, 100, 1), "a turn of the loop"); }

void PlainMqtt::publish(const std::string& topic, std::size_t messages, std::size_t window,
                        std::size_t body_bytes) {
  const std::size_t before = acknowledged_;
  const std::string body(body_bytes, 'x');
  for (std::size_t i = 0; i < messages;) {
    for (; i < messages && i - (acknowledged_ - before) < window; ++i) {
      require(
          mosquitto_publish(client_, nullptr, topic.c_str(), static_cast<int>(body.size()), body.data(), 1, false),
          "publishing");
    }
    turn();
  }
  while (acknowledged_ - before < messages) turn();
}

void PlainMqtt::subscribe(const std::string& filter) {
  require(mosquitto_subscribe(client_, nullptr, filter.c_str(), 1), "subscribing");
  while (!subscribed_) turn();
}

void PlainMqtt::consume(std::size_t messages) {
  while (received_ < messages) turn();
}

}  // namespace headrace::bench
