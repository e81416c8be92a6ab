#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"

namespace headrace {

/// SCHEME://[USER:PASSWORD@]HOST[:PORT][/PATH], taken apart. User, password and path come with their %XX resolved;
/// an IPv6 host stands in brackets, which are taken off. For adapters.
struct ServerUrl {
  std::string scheme;
  std::string user;
  std::string password;
  std::string host;
  std::uint16_t port = 0;  ///< 0: not given
  std::string path;        ///< without the slash before it
  bool has_path = false;   ///< a slash was there, also when nothing follows

  /// `name` is what errors call it; none repeats any of the URL, which may hold a password.
  [[nodiscard]] static Result<ServerUrl> of(std::string_view url, std::string_view name);
};

/// A secret that is not in the URL: the first line of the file (without its CR), or else the environment's variable; empty without
/// either.
[[nodiscard]] Result<std::string> stored_secret(const std::string& file, const std::string& variable);

}  // namespace headrace
