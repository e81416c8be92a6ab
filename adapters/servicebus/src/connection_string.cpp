#include "headrace/servicebus/connection_string.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "headrace/port/server_url.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::string_view kStringWhere = "servicebus connection string";
constexpr std::size_t kStringBytesMax = 8'192;

enum class Part : std::uint8_t { endpoint, key_name, key, token, entity, emulator, passed_over };

constexpr std::array<std::pair<std::string_view, Part>, 8> kParts{{{"endpoint", Part::endpoint},
                                                                   {"sharedaccesskeyname", Part::key_name},
                                                                   {"sharedaccesskey", Part::key},
                                                                   {"sharedaccesssignature", Part::token},
                                                                   {"entitypath", Part::entity},
                                                                   {"usedevelopmentemulator", Part::emulator},
                                                                   {"transporttype", Part::passed_over},
                                                                   {"operationtimeout", Part::passed_over}}};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto from = text.find_first_not_of(kBlank);
  return from == std::string_view::npos ? std::string_view()
                                        : text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Error string_error(std::string what) { return Error{std::move(what), std::string(kStringWhere)}; }

bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-'; });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Status read_endpoint(std::string_view value, ConnectionString& into) {
  auto url = ServerUrl::of(value, std::string(kStringWhere) + ", Endpoint");
  if (!url) return url.error();
  if (url->scheme != "sb") return string_error("Endpoint must begin with sb://");
  if (!url->user.empty() || !url->password.empty()) return string_error("Endpoint must have no user and password");
  if (!url->path.empty()) return string_error("Endpoint must have no path: EntityPath names the entity");
  if (!is_host(url->host)) return string_error("Endpoint has a host that is no name and no IPv4 address");
  into.host = std::move(url->host);
  into.port = url->port;
  return Nothing{};
}

Status read_part(Part part, std::string_view value, ConnectionString& into) {
  switch (part) {
    case Part::endpoint:
      return read_endpoint(value, into);
    case Part::key_name:
      into.key_name = value;
      break;
    case Part::key:
      into.key = value;
      break;
    case Part::token:
      into.token = value;
      break;
    case Part::entity:
      into.entity = value;
      break;
    case Part::emulator:
      into.emulator = lowered(value) == "true";
      if (!into.emulator && lowered(value) != "false")
        return string_error("UseDevelopmentEmulator must be true or false");
      break;
    case Part::passed_over:
      break;
  }
  return Nothing{};
}

Status check_whole(const ConnectionString& whole) {
  if (whole.host.empty()) return string_error("has no Endpoint=sb://HOST");
  if (whole.token.empty() && whole.key.empty()) return string_error("has no SharedAccessKey");
  if (!whole.token.empty() && !(whole.key.empty() && whole.key_name.empty())) {
    return string_error("has a SharedAccessSignature beside a key: only one of them can count");
  }
  if (whole.token.empty() && whole.key_name.empty()) return string_error("has no SharedAccessKeyName");
  if (!whole.token.empty() && !whole.token.starts_with("SharedAccessSignature ")) {
    return string_error("has a SharedAccessSignature that does not begin with that word and a space");
  }
  return Nothing{};
}

}  // namespace

Result<ConnectionString> ConnectionString::of(std::string_view text) {
  if (text.size() > kStringBytesMax) return string_error("is longer than 8192 bytes");
  ConnectionString whole;
  std::array<bool, kParts.size()> seen{};
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view part = trimmed(text.substr(0, text.find(';')));
    text.remove_prefix(
        std::min(text.size(), text.find(';') == std::string_view::npos ? text.size() : text.find(';') + 1));
    if (part.empty()) continue;
    // The part may be the key itself, pasted alone: it is not repeated.
    const std::string which = "part " + std::to_string(number);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return string_error(which + " is not NAME=VALUE");
    const std::string name = lowered(trimmed(part.substr(0, equals)));
    const auto* known = std::ranges::find(kParts, name, &std::pair<std::string_view, Part>::first);
    if (known == kParts.end()) return string_error(which + " has a name that is not known");
    const std::string_view value = trimmed(part.substr(equals + 1));
    if (value.empty()) return string_error(which + " has no value");
    if (has_control(value)) return string_error(which + " has a control character");
    if (std::exchange(seen[static_cast<std::size_t>(known - kParts.begin())], true)) {
      return string_error(which + " repeats an earlier one");
    }
    if (Status read = read_part(known->second, value, whole); !read) return read.error();
  }
  if (Status good = check_whole(whole); !good) return good.error();
  return whole;
}

}  // namespace headrace::servicebus
