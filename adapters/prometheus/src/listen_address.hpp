#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"

namespace headrace::prometheus {

/// Where a server listens: ADDRESS:PORT, numeric.
struct ListenAddress {
  std::string text;
  bool loopback = false;
  sockaddr_storage socket{};

  [[nodiscard]] static Result<ListenAddress> of(std::string_view text);
  void set_port(std::uint16_t port) noexcept;
};

/// Whether a request's Host header names this machine to itself: localhost, 127.x.x.x or [::1], with any port.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

}  // namespace headrace::prometheus
