#include "config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <system_error>

#include "headrace/route/filter.hpp"

namespace headrace::program {
namespace {

namespace fs = std::filesystem;

template <class Enum, std::size_t N>
using Words = std::array<std::pair<std::string_view, Enum>, N>;

constexpr Words<SourceConfig::Kind, 3> kSourceKinds = {{{"file", SourceConfig::Kind::file},
                                                        {"stdin", SourceConfig::Kind::standard_input},
                                                        {"tcp", SourceConfig::Kind::tcp}}};
constexpr Words<SourceConfig::Format, 2> kFormats = {
    {{"csv", SourceConfig::Format::csv}, {"ndjson", SourceConfig::Format::ndjson}}};
constexpr Words<TopicTemplate::OnIllegal, 2> kOnIllegal = {
    {{"replace", TopicTemplate::OnIllegal::replace}, {"reject", TopicTemplate::OnIllegal::reject}}};
constexpr Words<OverflowConfig::Kind, 6> kOverflows = {{{"block", OverflowConfig::Kind::block},
                                                        {"fail", OverflowConfig::Kind::fail},
                                                        {"drop_newest", OverflowConfig::Kind::drop_newest},
                                                        {"drop_oldest", OverflowConfig::Kind::drop_oldest},
                                                        {"conflate", OverflowConfig::Kind::conflate},
                                                        {"spill", OverflowConfig::Kind::spill}}};
constexpr Words<SubscriptionConfig::Placement, 3> kPlacements = {
    {{"pinned", SubscriptionConfig::Placement::pinned},
     {"sharded", SubscriptionConfig::Placement::sharded},
     {"balanced", SubscriptionConfig::Placement::balanced}}};

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = kKiB * kKiB;

/// Reads the sections one by one; `into` is what becomes of them.
class ConfigReader {
 public:
  ConfigReader(Config& into, fs::path output_folder)
      : into_(into), input_folder_(into.file.parent_path()), output_folder_(std::move(output_folder)) {
    if (output_folder_.empty()) output_folder_ = input_folder_;
  }

  void read(TomlSection& root, ProblemList& problems) {
    take_file(root, "", into_.file, "this config");
    auto bus = root.section("bus");
    read_bus_config(bus, into_.bus);
    auto source = root.section("source");
    if (!source.present()) root.missing("source", "where the events come from, a table [source]");
    read_source(source);
    auto event = root.section("event");
    if (!event.present()) root.missing("event", "how a record becomes an event, a table [event]");
    read_event(event);
    const std::string rejects = root.text("rejects").value_or(into_.file.stem().string() + ".rejects.ndjson");
    into_.rejects = (output_folder_ / rejects).lexically_normal();
    take_file(root, "rejects", into_.rejects, "where rejects go");
    read_subscriptions(root, problems);
    root.finish();
  }

 private:
  /// A run must not write over what it reads, nor two of its parts into one file. Devices and pipes are free.
  void take_file(TomlSection& section, const char* key, const fs::path& path, const std::string& part) {
    std::error_code ignored;
    if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) return;
    const fs::path place = fs::weakly_canonical(path, ignored);
    if (ignored) return;  // whoever opens it says so
    const auto [known, is_new] = parts_.emplace(place, part);
    if (is_new || known->second == part) return;
    if (section.has(key)) return section.problem(key, "this file is " + known->second + " already; name another");
    section.missing(key, "a file of its own: the usual one is " + known->second + " already");
  }

  void read_source(TomlSection& section) {
    SourceConfig& source = into_.source;
    source.kind = section.choice("kind", kSourceKinds).value_or(SourceConfig::Kind::file);
    const auto path = section.text("path");
    const auto listen = section.text("listen");
    source.connections = static_cast<std::uint32_t>(section.whole("connections", 0, 1'000'000).value_or(0));
    const auto format = section.choice("format", kFormats);
    if (source.kind == SourceConfig::Kind::file) {
      if (!path && section.present()) section.missing("path", "the file to read");
      source.path = (input_folder_ / path.value_or("")).lexically_normal();
      if (path) take_file(section, "path", source.path, "what is read");
    } else if (path) {
      section.problem("path", "only a source of kind \"file\" has a path");
    }
    if (source.kind == SourceConfig::Kind::tcp) {
      if (!listen) section.missing("listen", "the address to listen on, such as \"127.0.0.1:9000\"");
      if (listen) read_listen(section, *listen);
    } else {
      for (const char* key : {"listen", "connections"}) {
        if (section.has(key)) section.problem(key, "only a source of kind \"tcp\" has this");
      }
    }
    if (format) {
      source.format = *format;
    } else if (const std::string extension = source.path.extension(); extension == ".csv" || extension == ".tsv") {
      source.format = SourceConfig::Format::csv;
      if (extension == ".tsv") source.csv.delimiter = '\t';
    } else if (extension == ".ndjson" || extension == ".jsonl") {
      source.format = SourceConfig::Format::ndjson;
    } else if (section.present() && !section.has("format")) {
      section.missing("format", "\"csv\" or \"ndjson\"; the name of the source does not tell");
    }
    read_format(section);
    section.finish();
  }

  void read_listen(TomlSection& section, const std::string& listen) {
    const std::size_t colon = listen.rfind(':');
    double port = -1;
    if (colon == std::string::npos || !read_number(listen.substr(colon + 1), port) || port < 0 || port > 65535) {
      return section.problem("listen", "expected an address and a port, such as \"127.0.0.1:9000\"");
    }
    into_.source.host = listen.substr(0, colon);
    into_.source.port = static_cast<std::uint16_t>(port);
    if (into_.source.host == "localhost") into_.source.host = "127.0.0.1";
    if (into_.source.host != "127.0.0.1" && into_.source.host != "[::1]") {
      section.problem("listen", "only the loopback can be listened on: 127.0.0.1, [::1] or localhost", 1);
    }
  }

  void read_format(TomlSection& section) {
    SourceConfig& source = into_.source;
    if (const auto delimiter = section.text("delimiter")) {
      if (delimiter->size() == 1 && *delimiter != "\"" && *delimiter != "\n" && *delimiter != "\r") {
        source.csv.delimiter = delimiter->front();
      } else {
        section.problem("delimiter", "expected one character, and neither a quote nor a line end");
      }
    }
    source.csv.columns = section.texts("columns").value_or(std::vector<std::string>{});
    source.csv.field_bytes_max =
        section.bytes("field_bytes_max", 1, 16 * kMiB).value_or(source.csv.field_bytes_max);
    const auto record_max = section.bytes("record_bytes_max", 16, 64 * kMiB);
    source.csv.record_bytes_max = source.ndjson.record_bytes_max =
        record_max.value_or(source.csv.record_bytes_max);
    source.ndjson.depth_max = section.whole("depth_max", 1, 1024).value_or(source.ndjson.depth_max);
    const bool csv = source.format == SourceConfig::Format::csv;
    for (const char* key : {"delimiter", "columns", "field_bytes_max"}) {
      if (!csv && section.has(key)) section.problem(key, "only CSV has this");
    }
    if (csv && section.has("depth_max")) section.problem("depth_max", "only NDJSON has this");
  }

  void read_event(TomlSection& section) {
    EventConfig& event = into_.event;
    if (section.present() && !section.has("topic")) section.missing("topic", "such as \"usgs/{net}/quake\"");
    const auto on_illegal = section.choice("on_illegal", kOnIllegal).value_or(TopicTemplate::OnIllegal::replace);
    if (auto topic = section.parsed<TopicTemplate>("topic", into_.fields)) event.topic = std::move(*topic);
    event.topic.on_illegal = on_illegal;
    event.key = section.parsed<TextTemplate>("key", into_.fields);
    if (const auto time = section.text("time")) event.time = into_.fields.intern(*time);
    event.time_format = section.parsed<TimeFormat>("time_format").value_or(TimeFormat{});
    read_speed(section);
    section.finish();
  }

  void read_speed(TomlSection& section) {
    const toml::node* node = section.node("speed");
    if (node == nullptr) return;
    const auto speed = node->value<double>();
    const auto word = node->value<std::string>();
    if (word && *word == "max") return;
    if (!speed || !(*speed > 0) || *speed > 1e12) {
      return section.problem("speed", "expected \"max\", or how many times faster than real time, such as 3600");
    }
    into_.event.speed = *speed;
    if (!into_.event.time)
      section.problem("speed", "real time needs 'time', the field that holds each record's time");
  }

  void read_subscriptions(TomlSection& root, ProblemList& problems) {
    const toml::node* node = root.node("subscription");
    const auto* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty()) {
      if (node != nullptr) return root.problem("subscription", "write [[subscription]], in two brackets");
      return root.missing("subscription", "at least one table [[subscription]]");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto* table = (*list)[i].as_table();
      if (table == nullptr) return root.problem("subscription", "write [[subscription]], in two brackets");
      TomlSection section(table, fmt::format("subscription[{}]", i + 1), problems);
      read_subscription(section);
    }
  }

  void read_subscription(TomlSection& section) {
    SubscriptionConfig s;
    s.name = section.text("name").value_or("");
    if (s.name.empty()) section.missing("name", "reports call the subscription by it");
    const auto same_name = [&](const SubscriptionConfig& other) { return other.name == s.name; };
    if (!s.name.empty() && std::any_of(into_.subscriptions.begin(), into_.subscriptions.end(), same_name)) {
      section.problem("name", fmt::format("'{}' is taken by an earlier subscription", s.name));
    }
    s.filter = section.text("filter").value_or("");
    if (s.filter.empty()) {
      section.missing("filter", "which topics to take, such as \"usgs/+/quake\" or \"#\"");
    } else if (const auto filter = Filter::parse(s.filter); !filter) {
      section.problem("filter", filter.error().what);
    }
    s.group = section.text("group").value_or(s.name);
    s.placement = section.choice("placement", kPlacements).value_or(s.placement);
    if (const auto worker = section.whole("worker", 0, into_.bus.workers - 1)) {
      s.worker = static_cast<std::uint32_t>(*worker);
    }
    if (section.has("worker") && s.placement != SubscriptionConfig::Placement::pinned) {
      section.problem("worker", "only the placement \"pinned\" has a worker");
    }
    if (s.placement == SubscriptionConfig::Placement::sharded && !into_.event.key) {
      section.problem("placement", "sharding needs a key: set 'key' in [event], such as \"{id}\"");
    }
    s.where = section.parsed<Predicate>("where", into_.fields);
    read_overflow(section, s.overflow);
    read_actions(section, s);
    section.finish();
    into_.subscriptions.push_back(std::move(s));
  }

  void read_overflow(TomlSection& section, OverflowConfig& overflow) {
    overflow.kind = section.choice("overflow", kOverflows).value_or(overflow.kind);
    overflow.deadline = section.duration("block_deadline");
    if (const auto budget = section.whole("overflow_budget", 1, 1U << 30U)) {
      overflow.budget = static_cast<std::uint32_t>(*budget);
    }
    using Kind = OverflowConfig::Kind;
    if (section.has("block_deadline") && overflow.kind != Kind::block) {
      section.problem("block_deadline", "only the overflow \"block\" has a deadline");
    }
    const bool waits =
        overflow.kind == Kind::drop_oldest || overflow.kind == Kind::conflate || overflow.kind == Kind::spill;
    if (section.has("overflow_budget") && !waits) {
      section.problem("overflow_budget", "only drop_oldest, conflate and spill have a budget");
    }
  }

  void read_actions(TomlSection& section, SubscriptionConfig& s) {
    s.count_by = section.parsed<TextTemplate>("count_by", into_.fields);
    s.print = section.parsed<TextTemplate>("print", into_.fields);
    if (const auto write = section.text("write")) {
      s.write = (output_folder_ / *write).lexically_normal();
      if (const std::string extension = s.write->extension(); extension != ".ndjson" && extension != ".csv") {
        section.problem("write", "the file's name must end in .ndjson or .csv");
      }
      take_file(section, "write", *s.write, "what a subscription writes");
    }
    if (const auto store = section.text("store")) {
      s.store = (output_folder_ / *store).lexically_normal();
      take_file(section, "store", *s.store, "an event store");
    }
    s.identity = section.parsed<TextTemplate>("identity", into_.fields);
    if (s.identity && !s.store) section.problem("identity", "only what goes to a 'store' has one");
    auto alert = section.section("alert");
    if (alert.present()) {
      if (!alert.has("message")) alert.missing("message", "what to say, such as \"M{mag} at {place}\"");
      AlertConfig read{alert.parsed<Predicate>("when", into_.fields), {}};
      read.message = alert.parsed<TextTemplate>("message", into_.fields).value_or(TextTemplate{});
      s.alert = std::move(read);
    }
    alert.finish();
    s.forward = section.parsed<TopicTemplate>("forward", into_.fields);
  }

  Config& into_;
  const fs::path input_folder_;
  fs::path output_folder_;
  std::map<fs::path, std::string> parts_;  ///< which file plays which part
};

}  // namespace

void read_config(TomlSection& root, ProblemList& problems, const std::filesystem::path& output_folder,
                 Config& into) {
  ConfigReader(into, output_folder).read(root, problems);
}

}  // namespace headrace::program
