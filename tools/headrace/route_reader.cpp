#include "route_reader.hpp"

#include <cmath>
#include <utility>

#include "headrace/route/topic_name.hpp"

namespace headrace::program {
namespace {

constexpr std::array<std::pair<std::string_view, WithoutRow>, 2> kWithoutRow = {
    {{"pass", WithoutRow::pass}, {"reject", WithoutRow::reject}}};

std::optional<double> route_number(TomlSection& section, std::string_view key) {
  const toml::node* node = section.node(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->value<double>();
  if (value && std::isfinite(*value) && (node->is_integer() || node->is_floating_point())) return value;
  section.problem(key, "expected a number");
  return std::nullopt;
}

std::string route_text(TomlSection& section, std::string_view key, std::string_view why) {
  std::string text = section.text(key).value_or("");
  if (text.empty()) section.missing(key, why);
  return text;
}

}  // namespace

std::optional<Enrichment> read_enrichment(TomlSection& route, const std::filesystem::path& folder) {
  if (!route.has("enrich")) return std::nullopt;
  TomlSection section = route.section("enrich");
  const std::string by = route_text(section, "by", "the body's field that is the table's key");
  const std::string file = route_text(section, "table", "a file, CSV or JSON, of what is known of each key");
  const auto without = section.choice("without", kWithoutRow).value_or(WithoutRow::pass);
  section.finish();
  if (by.empty() || file.empty()) return std::nullopt;
  auto table = LookupTable::load((folder / file).lexically_normal());
  if (!table) {
    section.problem("table", table.error().message());
    return std::nullopt;
  }
  return Enrichment(by, std::make_shared<const LookupTable>(std::move(*table)), without);
}

std::optional<AlertRule> read_alert(TomlSection& route, const std::string& name) {
  if (!route.has("alert")) return std::nullopt;
  TomlSection section = route.section("alert");
  AlertRule::Options options;
  options.name = name;
  options.field = route_text(section, "field", "the body's field that is the number");
  options.topic = route_text(section, "topic", "where alerts are published, such as \"alerts.hot\"");
  options.by = section.text("by").value_or("");
  const auto above = route_number(section, "above");
  const auto below = route_number(section, "below");
  if (section.has("above") == section.has("below")) {
    section.missing("above", "the limit; or below, but not both");
  }
  options.side = above ? Threshold::Side::above : Threshold::Side::below;
  options.limit = above.value_or(below.value_or(0));
  options.until = route_number(section, "until").value_or(options.limit);
  if (above ? options.until > options.limit : options.until < options.limit) {
    section.problem("until", "an alert would be over while the limit is passed");
  }
  if (const Status good = check_topic_name(options.topic); !options.topic.empty() && !good) {
    section.problem("topic", good.error().what);
  }
  section.finish();
  return AlertRule(std::move(options));
}

}  // namespace headrace::program
