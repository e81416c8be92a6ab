#include "listen_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstddef>
#include <utility>

namespace headrace::prometheus {
namespace {

bool is_address(int family, const std::string& text, void* into) {
  return ::inet_pton(family, text.c_str(), into) == 1;
}

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

bool is_loopback_host(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, host.find(']')) == "[::1";
  const std::string name(host.substr(0, host.find(':')));
  in_addr ignored{};
  return name == "localhost" || (name.starts_with("127.") && is_address(AF_INET, name, &ignored));
}

Result<ListenAddress> ListenAddress::of(std::string_view text) {
  const auto fault = [](std::string what) { return Error{std::move(what), "metrics listen"}; };
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string_view::npos || !read_port(text.substr(colon + 1), port)) {
    return fault("expected an address and a port, such as 127.0.0.1:9464");
  }
  const std::string host(text.substr(0, colon));
  ListenAddress address{std::string(text), is_loopback_host(host)};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.socket);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.socket);
  if (host.starts_with('[') && host.ends_with(']')) {
    v6.sin6_family = AF_INET6;
    if (is_address(AF_INET6, host.substr(1, host.size() - 2), &v6.sin6_addr)) return address;
  } else {
    v4.sin_family = AF_INET;
    if (is_address(AF_INET, host, &v4.sin_addr)) return address;
  }
  return fault("the address must be numeric, such as 127.0.0.1 or [::1]");
}

void ListenAddress::set_port(std::uint16_t port) noexcept {
  // Both families have it in the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  reinterpret_cast<sockaddr_in&>(socket).sin_port = htons(port);
}

}  // namespace headrace::prometheus
