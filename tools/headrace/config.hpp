#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv_decoder.hpp"
#include "ndjson_decoder.hpp"
#include "predicate.hpp"
#include "text_template.hpp"
#include "timestamp.hpp"

namespace headrace::program {

/// A mistake in a config, where it stands, and the line to show with it.
struct ConfigProblem {
  std::string file;
  std::size_t line = 0;  ///< from 1; 0 when the file could not be read at all
  std::size_t column = 0;
  std::string key;  ///< `source.path`, `subscription[2].filter`
  std::string what;
  std::string line_text;

  /// `quakes.toml:14:10: subscription[2].where: …`, then the line and a caret; without the line when it may
  /// hold credentials.
  [[nodiscard]] std::string message() const;
};

struct SourceConfig {
  enum class Kind { file, standard_input, tcp };
  enum class Format { csv, ndjson };
  Kind kind = Kind::file;
  Format format = Format::csv;
  std::filesystem::path path;  ///< of a file, resolved against the config's folder
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;         ///< of tcp; 0 lets the system choose one, which is then printed
  std::uint32_t connections = 0;  ///< of tcp: stop when as many have come and gone; 0 goes on until SIGINT
  CsvOptions csv;
  NdjsonOptions ndjson;
};

struct EventConfig {
  TopicTemplate topic;
  std::optional<TextTemplate> key;
  std::optional<FieldId> time;
  TimeFormat time_format;
  double speed = 0;  ///< times real time; 0 is as fast as it goes
};

struct BusConfig {
  enum class Pin { none, cores, list };
  enum class Wait { adaptive, spin, yield, park };
  std::uint32_t workers = 1;
  Pin pin = Pin::none;
  std::vector<std::uint32_t> pin_list;
  Wait wait = Wait::adaptive;
  std::size_t lane_bytes = std::size_t{1} << 18U;
  std::uint32_t topics_max = 65'536;
  std::chrono::milliseconds stop_deadline{30'000};
  bool counts_flow = false;  ///< not of the file: --graph asks for it
};

struct OverflowConfig {
  enum class Kind { block, fail, drop_newest, drop_oldest, conflate, spill };
  Kind kind = Kind::block;
  std::optional<std::chrono::milliseconds> deadline;  ///< of block
  std::optional<std::uint32_t> budget;                ///< of drop_oldest, conflate and spill: events that may wait
};

struct AlertConfig {
  std::optional<Predicate> when;
  TextTemplate message;
};

struct SubscriptionConfig {
  enum class Placement { pinned, sharded, balanced };
  std::string name;
  std::string filter;
  std::string group;
  Placement placement = Placement::pinned;
  std::optional<std::uint32_t> worker;  ///< of pinned; by default groups are spread evenly
  OverflowConfig overflow;
  std::optional<Predicate> where;
  std::optional<TextTemplate> count_by;
  std::optional<TextTemplate> print;
  std::optional<std::filesystem::path> write;  ///< .ndjson or .csv, resolved against the output folder
  std::optional<std::filesystem::path> store;  ///< an event store's file, resolved in the same way
  std::optional<TextTemplate> identity;        ///< with store: what tells copies apart
  std::optional<AlertConfig> alert;
  std::optional<TopicTemplate> forward;
};

/// Everything that `headrace run` needs to know. It must not move once a SchemaPool refers to its fields.
struct Config {
  std::filesystem::path file;
  FieldTable fields;
  SourceConfig source;
  EventConfig event;
  BusConfig bus;
  std::filesystem::path rejects;
  std::vector<SubscriptionConfig> subscriptions;
};

struct ConfigOutcome {
  Config config;
  std::vector<ConfigProblem> problems;  ///< in the order of the file; empty when the config can be used
};

/// Relative paths of inputs resolve against the config's folder, of outputs against output_folder if it is given.
[[nodiscard]] ConfigOutcome load_config(const std::filesystem::path& file,
                                        const std::filesystem::path& output_folder = {});
/// The same from text; `file` names it in messages.
[[nodiscard]] ConfigOutcome parse_config(std::string_view text, const std::filesystem::path& file,
                                         const std::filesystem::path& output_folder = {});

}  // namespace headrace::program
