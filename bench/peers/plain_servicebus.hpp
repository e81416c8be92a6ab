#pragma once

#include <proton/connection_driver.h>
#include <proton/link.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace headrace::bench {

/// Proton's C library driven by hand: one connection, logged in by SASL PLAIN, and one link of one queue.
class PlainServiceBus {
 public:
  PlainServiceBus(std::uint16_t port, const std::string& key, std::string queue);
  ~PlainServiceBus();
  PlainServiceBus(const PlainServiceBus&) = delete;
  PlainServiceBus& operator=(const PlainServiceBus&) = delete;

  /// Messages with ids, at most `window` of them unconfirmed and kept for a second try; waits for all confirms.
  void publish(std::size_t messages, std::size_t window, std::size_t body_bytes);
  /// Opens the link, without credit: before consume().
  void attach();
  /// Takes so many with so much credit, reads and completes each; the broker has settled them all, and both sides have
  /// said goodbye.
  void consume(std::size_t messages, std::size_t credit);

 private:
  /// Exchanges bytes and takes events; waits for the socket when nothing else is to be done.
  void exchange();
  void take(pn_event_t* event);
  void received(pn_delivery_t* delivery);
  void close();

  int fd_ = -1;
  pn_connection_driver_t driver_{};
  pn_session_t* session_ = nullptr;
  pn_link_t* link_ = nullptr;
  const std::string queue_;
  std::string buffer_;
  std::size_t confirmed_ = 0;  ///< settled by the broker
  std::size_t received_ = 0;
};

}  // namespace headrace::bench
