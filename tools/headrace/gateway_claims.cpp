#include "gateway_claims.hpp"

#include <algorithm>
#include <utility>

#include "gateway_bridges.hpp"
#include "headrace/delivery/file_blob_store.hpp"
#include "headrace/port/claim_check.hpp"
#include "headrace/wire/foreign_event_id.hpp"
#include "toml_section.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kContentBytesMax = std::size_t{1} << 30;

ClaimCheck open_claims(const ClaimsConfig& config) {
  auto opened = FileBlobStore::open(config.folder.string());
  if (!opened) throw ConfigError(opened.error().message());
  return ClaimCheck(std::move(*opened), {.others = {config.travels_max, config.bytes_max}});
}

}  // namespace

std::optional<ClaimsConfig> read_claims(TomlSection& end, ClaimsOf of, const std::filesystem::path& folder) {
  if (!end.has("claims")) return std::nullopt;
  TomlSection section = end.section("claims");
  if (!section.present()) return std::nullopt;  // told already: it is no table
  ClaimsConfig claims;
  claims.folder = section.file("folder", folder);
  if (claims.folder.empty()) section.missing("folder", "where large content lies");
  claims.bytes_max = section.bytes("bytes_max", 1, kContentBytesMax).value_or(claims.bytes_max);
  if (of == ClaimsOf::sink) {
    claims.travels_max = section.bytes("over", 0, kContentBytesMax).value_or(claims.travels_max);
    claims.identity = section.text("identity").value_or("");
    if (claims.travels_max > claims.bytes_max) {
      section.problem(section.has("over") ? "over" : "bytes_max",
                      "what may travel is more than there may be: bytes_max is less");
    }
  } else {
    claims.travels_max = std::min(claims.travels_max, claims.bytes_max);  // a source leaves nothing
  }
  section.finish();
  return claims;
}

std::function<Status(Message&)> fetch_claims(const ClaimsConfig& config) {
  return [claims = open_claims(config)](Message& message) { return claims.resolve(message); };
}

std::function<Status(Message&)> leave_claims(const ClaimsConfig& config) {
  return [claims = open_claims(config), identity = header_of(config.identity)](Message& message) {
    return claims.check_in(message, wire::foreign_event_id("", identity(message)));
  };
}

}  // namespace headrace::program
