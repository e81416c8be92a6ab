#include "headrace/redis/redis_options.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>

namespace headrace::redis {
namespace {

constexpr std::string_view kScheme = "redis://";

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// %XX; what is no such thing stays.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    const auto digits = text.substr(at + 1, 2);
    if (text[at] == '%' && digits.size() == 2 &&
        std::from_chars(digits.data(), digits.data() + 2, byte, 16).ptr == digits.data() + 2) {
      out += static_cast<char>(byte);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

Result<std::string> stored_password(const RedisOptions& options) {
  if (!options.password_file.empty()) {
    std::ifstream file(options.password_file);
    std::string line;
    if (!std::getline(file, line)) return Error{"cannot read the password", options.password_file};
    return line;
  }
  if (!options.password_variable.empty()) {
    const char* value = std::getenv(options.password_variable.c_str());
    if (value == nullptr) return Error{"the variable is not set", options.password_variable};
    return std::string(value);
  }
  return std::string();
}

}  // namespace

Result<RedisAddress> RedisAddress::of(const RedisOptions& options) {
  // No message here repeats the URL: it may hold a password.
  std::string_view rest = options.url;
  if (rest.starts_with("rediss://")) return Error{"TLS is not available with this client library", "redis url"};
  if (!rest.starts_with(kScheme)) return Error{"must begin with redis://", "redis url"};
  rest.remove_prefix(kScheme.size());
  RedisAddress address;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const auto colon = who.find(':');
    if (colon == std::string_view::npos) return Error{"has a user without a password", "redis url"};
    address.user = unescaped(who.substr(0, colon));
    address.password = unescaped(who.substr(colon + 1));
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty() && !read_number(database, address.database)) {
      return Error{"the database is no number", "redis url"};
    }
    rest = rest.substr(0, slash);
  }
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    if (!read_number(rest.substr(colon + 1), address.port) || address.port == 0) {
      return Error{"the port is none", "redis url"};
    }
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return Error{"has no host", "redis url"};
  address.host = rest;
  if (address.password.empty()) {
    auto password = stored_password(options);
    if (!password) return password.error();
    address.password = std::move(*password);
  }
  return address;
}

std::string RedisAddress::text() const { return "redis " + host + ":" + std::to_string(port); }

}  // namespace headrace::redis
