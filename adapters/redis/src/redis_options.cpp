#include "headrace/redis/redis_options.hpp"

#include <charconv>
#include <utility>

#include "headrace/port/server_url.hpp"
#include "tls_files.hpp"

namespace headrace::redis {

Result<RedisAddress> RedisAddress::of(const RedisOptions& options) {
  const std::string where = "redis url";
  const bool tls = options.url.starts_with("rediss://");
  if (!tls && !options.url.starts_with("redis://")) return Error{"must begin with redis:// or rediss://", where};
  if (tls) {
    if (Status good = adapter_support::check_tls(files_of(options.tls), "redis tls"); !good) return good.error();
  }
  auto url = ServerUrl::of(options.url, where);
  if (!url) return url.error();
  RedisAddress address;
  address.tls = tls;
  address.user = std::move(url->user);
  address.password = std::move(url->password);
  address.host = std::move(url->host);
  if (url->port != 0) address.port = url->port;
  if (const std::string& path = url->path; !path.empty()) {
    const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), address.database);
    if (error != std::errc{} || end != path.data() + path.size()) {
      return Error{"the database is no number", where};
    }
  }
  if (address.password.empty()) {
    auto password = stored_secret(options.password_file, options.password_variable);
    if (!password) return password.error();
    address.password = std::move(*password);
  }
  return address;
}

std::string RedisAddress::text() const { return "redis " + host + ":" + std::to_string(port); }

}  // namespace headrace::redis
