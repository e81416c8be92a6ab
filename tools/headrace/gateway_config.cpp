#include "gateway_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config_reader.hpp"
#include "gateway_ends.hpp"
#include "gateway_metrics.hpp"
#include "headrace/route/filter.hpp"
#include "route_reader.hpp"
#include "toml_section.hpp"
#include "toml_text.hpp"

namespace headrace::program {
namespace {

constexpr std::array<std::pair<std::string_view, EndConfig::Kind>, 4> kSourceKinds = {
    {{"redis", EndConfig::Kind::redis},
     {"rabbitmq", EndConfig::Kind::rabbitmq},
     {"mqtt", EndConfig::Kind::mqtt},
     {"servicebus", EndConfig::Kind::servicebus}}};
constexpr std::array<std::pair<std::string_view, EndConfig::Kind>, 5> kSinkKinds = {
    {{"redis", EndConfig::Kind::redis},
     {"rabbitmq", EndConfig::Kind::rabbitmq},
     {"mqtt", EndConfig::Kind::mqtt},
     {"servicebus", EndConfig::Kind::servicebus},
     {"store", EndConfig::Kind::store}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kUnrouted = {{{"reject", false}, {"done", true}}};
constexpr std::array<std::pair<std::string_view, GaveUp>, 2> kGaveUp = {
    {{"stop", GaveUp::stop}, {"go_on", GaveUp::go_on}}};
constexpr std::size_t kMessagesMax = 1'000'000;

class GatewayReader {
 public:
  GatewayReader(GatewayConfig& into, ProblemList& problems) : into_(into), problems_(problems) {}

  void read(TomlSection& root) {
    auto bus = root.section("bus");
    read_bus_config(bus, into_.bus);
    auto gateway = root.section("gateway");
    into_.gave_up = gateway.choice("gave_up", kGaveUp).value_or(into_.gave_up);
    gateway.finish();
    auto metrics = root.section("metrics");
    read_metrics(metrics);
    each(root, "source", "where messages come from", [this](TomlSection& section) { read_source(section); });
    if (root.has("dedup")) {
      auto dedup = root.section("dedup");
      into_.dedup = read_dedup(dedup, into_.file.parent_path());
      const bool is_asked = std::ranges::any_of(
          into_.sources, [](const SourceEndConfig& source) { return !source.identity.empty(); });
      if (!is_asked) root.problem("dedup", "no source has an identity by which it tells copies apart");
    }
    each(root, "sink", "where messages go", [this](TomlSection& section) { read_sink(section); });
    each(root, "route", "which messages go where", [this](TomlSection& section) { read_route(section); });
    if (problems_.empty()) check_alerts(root);
    root.finish();
  }

 private:
  template <class Read>
  void each(TomlSection& root, std::string_view key, std::string_view what, Read read) {
    const toml::node* node = root.node(key);
    const auto* list = node == nullptr ? nullptr : node->as_array();
    if (node == nullptr) return root.missing(key, fmt::format("{}: at least one table [[{}]]", what, key));
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto* table = (*list)[i].as_table();
      if (table == nullptr) break;
      TomlSection section(table, fmt::format("{}[{}]", key, i + 1), problems_);
      read(section);
      if (i + 1 == list->size()) return;
    }
    root.problem(key, fmt::format("write [[{}]], in two brackets", key));
  }

  void read_metrics(TomlSection& section) {
    into_.metrics_listen = section.text("listen").value_or("");
    if (section.present() && into_.metrics_listen.empty()) {
      section.missing("listen", "where metrics are served, such as \"127.0.0.1:9464\"");
    } else if (section.present()) {
      if (const Status good = check_metrics(into_.metrics_listen); !good)
        section.problem("listen", good.error().what);
    }
    section.finish();
  }

  template <class Named>
  static std::string read_name(TomlSection& section, const std::vector<Named>& earlier) {
    std::string name = section.text("name").value_or("");
    if (name.empty()) section.missing("name", "reports call it by this");
    if (!name.empty() && std::ranges::find(earlier, name, &Named::name) != earlier.end()) {
      section.problem("name", fmt::format("'{}' is taken by an earlier one", name));
    }
    return name;
  }

  template <class End>
  static bool is_taken(const EndConfig& end, const std::vector<End>& earlier) {
    return std::ranges::any_of(earlier, [&](const EndConfig& other) {
      return other.kind == end.kind && other.server.url == end.server.url && other.client_id == end.client_id;
    });
  }

  template <std::size_t N>
  static void read_kind(TomlSection& section, EndConfig& end,
                        const std::array<std::pair<std::string_view, EndConfig::Kind>, N>& kinds) {
    if (!section.has("kind"))
      section.missing("kind", "the broker: \"redis\", \"rabbitmq\", \"mqtt\" or \"servicebus\"");
    end.kind = section.choice("kind", kinds).value_or(end.kind);
  }

  void read_end(TomlSection& section, EndConfig& end, std::uint8_t qos_min) {
    end.server = read_server(section, into_.file.parent_path());
    const bool has_url = !end.server.url.empty();
    const bool servicebus = end.kind == EndConfig::Kind::servicebus;
    const bool stored = section.has("password_file") || section.has("password_variable");
    if (!has_url && servicebus && !stored) {
      section.missing("url", "the connection string; or password_file or password_variable, which hold it");
    } else if (!has_url && !servicebus) {
      section.missing("url", "where the broker is, such as \"amqp://127.0.0.1:5672\"");
    }
    end.client_id = section.text("client_id").value_or("headrace-" + end.name);
    end.down_after = section.duration("down_after").value_or(end.down_after);
    if (section.has("client_id") && end.kind != EndConfig::Kind::mqtt) {
      section.problem("client_id", "only \"mqtt\" has this");
    }
    if (end.kind == EndConfig::Kind::mqtt && (is_taken(end, into_.sources) || is_taken(end, into_.sinks))) {
      section.problem(
          section.has("client_id") ? "client_id" : "name",
          fmt::format("'{}' is an earlier end's client_id at this broker, which lets in one of them only",
                      end.client_id));
    }
    end.mqtt = read_mqtt_end(section, end.kind == EndConfig::Kind::mqtt, qos_min, into_.file.parent_path());
    if (!has_url) return;
    if (const Status good = check_url(end); !good)
      section.problem(to_blame(section, good.error()), good.error().message());
  }

  /// The key whose file or table an error names, or else the URL.
  static std::string_view to_blame(const TomlSection& section, const Error& error) {
    if (error.what.starts_with("the will")) return "will";
    constexpr std::pair<std::string_view, std::string_view> kFiles[] = {
        {"trusted certificates", "ca_file"},
        {"the certificate of", "certificate_file"},
        {"certificate_file and", "certificate_file"},
        {"the key of", "key_file"}};
    for (const auto& [words, key] : kFiles) {
      if (error.what.find(words) != std::string::npos && section.has(key)) return key;
    }
    return "url";
  }

  static std::string_view name_of_from(EndConfig::Kind kind) {
    switch (kind) {
      case EndConfig::Kind::redis:
        return "stream";
      case EndConfig::Kind::rabbitmq:
        return "queue";
      case EndConfig::Kind::mqtt:
        return "filter";
      case EndConfig::Kind::servicebus:
      case EndConfig::Kind::store:  // no source
        break;
    }
    return "entity";
  }

  void read_source(TomlSection& section) {
    SourceEndConfig source;
    source.name = read_name(section, into_.sources);
    read_kind(section, source, kSourceKinds);
    read_end(section, source, 0);
    const bool redis = source.kind == EndConfig::Kind::redis;
    const std::string_view from = name_of_from(source.kind);
    source.from = section.text(from).value_or("");
    if (source.from.empty()) section.missing(from, fmt::format("the {} to read", from));
    source.group = section.text("group").value_or(source.group);
    source.consumer = section.text("consumer").value_or(source.consumer);
    for (const char* key : {"group", "consumer"}) {
      if (!redis && section.has(key)) section.problem(key, "only a source of kind \"redis\" has this");
    }
    const bool servicebus = source.kind == EndConfig::Kind::servicebus;
    source.unsettled_max =
        section.whole("unsettled", 1, servicebus ? 2'000 : 65'535).value_or(source.unsettled_max);
    source.identity = section.text("identity").value_or("");
    source.unrouted_is_done = section.choice("unrouted", kUnrouted).value_or(false);
    source.claims = read_claims(section, ClaimsOf::source, into_.file.parent_path());
    read_topics(section, source.topics);
    section.finish();
    into_.sources.push_back(std::move(source));
  }

  void read_sink(TomlSection& section) {
    SinkEndConfig sink;
    sink.name = read_name(section, into_.sinks);
    read_kind(section, sink, kSinkKinds);
    if (sink.kind == EndConfig::Kind::store) {
      read_store(section, sink);
    } else {
      read_end(section, sink, 1);
    }
    sink.exchange = section.text("exchange").value_or("");
    if (section.has("exchange") && sink.kind != EndConfig::Kind::rabbitmq) {
      section.problem("exchange", "only a sink of kind \"rabbitmq\" has this");
    }
    const bool servicebus = sink.kind == EndConfig::Kind::servicebus;
    sink.entity = section.text("entity").value_or("");
    if (servicebus && sink.entity.empty()) section.missing("entity", "the queue or topic to send to");
    if (section.has("entity") && !servicebus) {
      section.problem("entity", "only a sink of kind \"servicebus\" has this");
    }
    sink.claims = read_claims(section, ClaimsOf::sink, into_.file.parent_path());
    sink.buffer_messages = section.whole("buffer", 1, kMessagesMax).value_or(sink.buffer_messages);
    std::size_t unsettled = 0;
    for (const SourceEndConfig& source : into_.sources) unsettled += source.unsettled_max;
    if (sink.buffer_messages < unsettled) {
      section.problem(
          section.has("buffer") ? "buffer" : "name",
          fmt::format("a buffer of {} is less than the {} that the sources may have unsettled together, so "
                      "that messages would go back to their broker",
                      sink.buffer_messages, unsettled));
    }
    section.finish();
    into_.sinks.push_back(std::move(sink));
  }

  void read_store(TomlSection& section, SinkEndConfig& sink) {
    sink.file = section.file("file", into_.file.parent_path());
    if (sink.file.empty()) section.missing("file", "the event store's file");
    sink.stream = section.text("stream").value_or("");
    sink.identity = section.text("identity").value_or("");
    if (const Status good = check_url(sink); !good) section.problem("kind", good.error().message());
  }

  void read_route(TomlSection& section) {
    RouteConfig route;
    route.name = read_name(section, into_.routes);
    // It is the name of a group.
    if (route.name.starts_with('#')) section.problem("name", "must not begin with '#'");
    route.filter = section.text("filter").value_or("");
    if (route.filter.empty()) {
      section.missing("filter", "which topics of the bus go this way, such as \"orders.#\"");
    } else if (const auto filter = Filter::parse(route.filter); !filter) {
      section.problem("filter", filter.error().what);
    }
    const std::string to = section.text("to").value_or("");
    const auto sink = std::ranges::find(into_.sinks, to, &SinkEndConfig::name);
    route.alert = read_alert(section, route.name);
    if (to.empty() != section.has("alert")) {
      section.missing("to", "the name of a sink; or alert, in its place");
    } else if (to.empty()) {
      // It leads to the routes of its topic, which stand anywhere.
    } else if (sink == into_.sinks.end()) {
      std::vector<std::string_view> names;
      for (const SinkEndConfig& each : into_.sinks) names.push_back(each.name);
      section.problem("to", fmt::format("no sink is called '{}'{}", to, suggestion(to, names)));
    } else {
      route.sink = static_cast<std::size_t>(sink - into_.sinks.begin());
    }
    read_headers(section, route);
    route.enrich = read_enrichment(section, into_.file.parent_path());
    route.where = section.parsed<BodyCondition>("where");
    read_topics(section, route.topics);
    if (section.has("alert") && section.has("topics"))
      section.problem("topics", "an alert has a topic of its own");
    section.finish();
    route.text = section.written();
    if (route.enrich) route.text += fmt::format("# {:x}", route.enrich->table().fingerprint());
    into_.routes.push_back(std::move(route));
  }

  void check_alerts(TomlSection& root) {
    for (const RouteConfig& route : into_.routes) {
      if (!route.alert) continue;
      const bool taken = std::ranges::any_of(into_.routes, [&](const RouteConfig& other) {
        const auto filter = Filter::parse(other.filter);
        return other.sink && filter && filter->matches(route.alert->topic());
      });
      if (!taken)
        root.problem("route", fmt::format("no route to a sink takes '{}', where '{}' publishes alerts",
                                          route.alert->topic(), route.name));
    }
  }

  static void read_headers(TomlSection& section, RouteConfig& route) {
    const toml::node* node = section.node("headers");
    if (node == nullptr) return;
    const auto* table = node->as_table();
    if (table == nullptr)
      return section.problem("headers", "expected names and texts, such as { type = \"alarm\" }");
    for (const auto& [name, value] : *table) {
      const auto text = value.value<std::string>();
      if (!text) return section.problem("headers", fmt::format("'{}' must be a text in quotes", name.str()));
      route.headers.emplace_back(name.str(), *text);
    }
  }

  static void read_topics(TomlSection& section, wire::TopicMap& topics) {
    const toml::node* node = section.node("topics");
    if (node == nullptr) return;
    const auto* rules = node->as_array();
    if (rules == nullptr)
      return section.problem("topics", "expected pairs, such as [[\"plant/+/temp\", \"plant.*.temp\"]]");
    for (const toml::node& rule : *rules) {
      const auto* pair = rule.as_array();
      const auto outside = pair != nullptr && pair->size() == 2 ? (*pair)[0].value<std::string>() : std::nullopt;
      const auto inside = outside ? (*pair)[1].value<std::string>() : std::nullopt;
      if (!inside) return section.problem("topics", "each rule is a pair: the broker's topic and the bus's");
      if (const Status added = topics.add(*outside, *inside); !added)
        section.problem("topics", added.error().message());
    }
  }

  GatewayConfig& into_;
  ProblemList& problems_;
};

}  // namespace

bool is_gateway_config(std::string_view text) {
  try {
    const toml::table table = parse_toml(text, "");
    const toml::node* source = table.get("source");
    return table.contains("route") || table.contains("sink") || (source != nullptr && source->is_array());
  } catch (const toml::parse_error&) {
    return false;  // who reads it says what is wrong
  }
}

GatewayConfigOutcome parse_gateway_config(std::string_view text, const std::filesystem::path& file) {
  GatewayConfigOutcome outcome;
  outcome.config.file = file;
  ProblemList problems(text, file.string());
  try {
    const toml::table table = parse_toml(text, file.string());
    TomlSection root(&table, "", problems);
    GatewayReader(outcome.config, problems).read(root);
    toml::table fixed = table;
    fixed.erase("route");
    outcome.config.fixed = TomlSection(&fixed, "", problems).written();
  } catch (const toml::parse_error& error) {
    problems.add(error.source(), "", fmt::format("not TOML: {}", error.description()));
  }
  outcome.problems = problems.take();
  return outcome;
}

}  // namespace headrace::program
