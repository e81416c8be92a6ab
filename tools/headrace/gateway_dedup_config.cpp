#include "gateway_dedup_config.hpp"

#include "gateway_dedup.hpp"
#include "toml_section.hpp"

namespace headrace::program {
namespace {

constexpr std::chrono::seconds kLeast{1};  // of a window and of a claim
constexpr std::size_t kEventsMax = 1'000'000'000;

void read_time(TomlSection& section, std::string_view key, std::chrono::milliseconds& into) {
  into = section.duration(key).value_or(into);
  if (into < kLeast) section.problem(key, "must be at least a second");
}

}  // namespace

DedupConfig read_dedup(TomlSection& section, const std::filesystem::path& folder) {
  DedupConfig dedup;
  dedup.file = section.file("file", folder);
  dedup.server = read_server(section, folder);
  const bool in_file = dedup.server.url.empty();
  dedup.scope = section.text("scope").value_or(dedup.scope);
  if (dedup.scope.empty()) section.problem("scope", "must not be empty");
  dedup.owner = section.text("owner").value_or("");
  read_time(section, "window", dedup.window);
  read_time(section, "claim", dedup.claim);
  dedup.events_max = section.whole("events", 1, kEventsMax).value_or(dedup.events_max);
  if (dedup.file.empty() == in_file) {
    section.missing("file", "a SQLite file; or url, a Redis server; one of them");
  } else if (in_file) {
    for (const std::string_view key : kServerKeys) {
      if (section.has(key)) section.problem(key, "a SQLite file has none");
    }
  } else if (section.has("events")) {
    section.problem("events", "Redis remembers by time only");
  }
  if (dedup.file.empty() != in_file) {
    if (const Status good = check_dedup(dedup); !good) {
      const bool of_ca =
          section.has("ca_file") && good.error().what.find("trusted certificates") != std::string::npos;
      section.problem(of_ca ? "ca_file" : in_file ? "file" : "url", good.error().message());
    }
  }
  section.finish();
  return dedup;
}

}  // namespace headrace::program
