#include "headrace/port/server_url.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>

namespace headrace {
namespace {

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

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

/// Takes the colon and the port off the end; an IPv6 address has colons of its own.
bool take_port(std::string_view& host, std::uint16_t& port) {
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || (host.starts_with('[') && host.ends_with(']'))) return true;
  if (!read_port(host.substr(colon + 1), port)) return false;
  host = host.substr(0, colon);
  return true;
}

}  // namespace

Result<ServerUrl> ServerUrl::of(std::string_view url, std::string_view name) {
  const std::string where(name);
  ServerUrl parts;
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return Error{"is no URL", where};
  parts.scheme = url.substr(0, scheme);
  std::string_view rest = url.substr(scheme + 3);
  // The last @ ends the credentials, should a password hold one unescaped, and a slash may be in them too.
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const auto colon = who.find(':');
    if (colon == std::string_view::npos) return Error{"has a user without a password", where};
    parts.user = unescaped(who.substr(0, colon));
    parts.password = unescaped(who.substr(colon + 1));
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    parts.has_path = true;
    parts.path = unescaped(rest.substr(slash + 1));
    rest = rest.substr(0, slash);
  }
  if (!take_port(rest, parts.port)) return Error{"the port is none", where};
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) return Error{"has no host", where};
  parts.host = rest;
  return parts;
}

Result<std::string> stored_secret(const std::string& file, const std::string& variable) {
  if (!file.empty()) {
    std::ifstream stream(file);
    std::string line;
    if (!std::getline(stream, line)) return Error{"cannot read the password", file};
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  if (!variable.empty()) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) return Error{"the variable is not set", variable};
    return std::string(value);
  }
  return std::string();
}

}  // namespace headrace
