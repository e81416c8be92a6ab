#include "lookup_table.hpp"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "csv_decoder.hpp"
#include "json_text.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kRowsMax = 1'000'000;
constexpr std::uintmax_t kTableBytesMax = std::uintmax_t{64} << 20U;

std::string csv_value(std::string_view text) {
  if (is_json_number(text)) return std::string(text);
  std::string quoted;
  append_json_string(quoted, text);
  return quoted;
}

}  // namespace

std::string LookupTable::add(std::string key, Fields fields) {
  if (rows_.size() == kRowsMax) return fmt::format("more than {} keys", kRowsMax);
  const auto [at, fresh] = rows_.try_emplace(std::move(key), std::move(fields));
  return fresh ? std::string() : fmt::format("key '{}' occurs twice", at->first);
}

/// Stops at the first row that cannot be taken.
class LookupTable::CsvRows final : public DecoderSink {
 public:
  explicit CsvRows(LookupTable& into) : into_(into) {}
  [[nodiscard]] Flow on_record(Record record) override {
    Fields fields;
    for (std::uint32_t column = 1; column < record.size(); ++column) {
      if (record.at(column).text.empty()) continue;  // nothing is known
      fields.emplace_back(record.schema().names()[column], csv_value(record.at(column).text));
    }
    return stop_for(record.line(), into_.add(std::string(record.at(0).text), std::move(fields)));
  }
  [[nodiscard]] Flow on_reject(const Reject& reject) override { return stop_for(reject.line, reject.reason); }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  Flow stop_for(std::uint64_t line, const std::string& problem) {
    if (problem.empty()) return Flow::go_on;
    problem_ = fmt::format("line {}: {}", line, problem);
    return Flow::stop;
  }
  LookupTable& into_;
  std::string problem_;
};

Result<LookupTable> LookupTable::parse_csv(std::string_view text, const std::string& where) {
  LookupTable table;
  table.fingerprint_ = std::hash<std::string_view>()(text);
  CsvRows rows(table);
  const FieldTable mentioned;
  SchemaPool schemas(mentioned);
  CsvDecoder decoder({}, schemas);
  if (decoder.feed(text, rows) == Flow::go_on) static_cast<void>(decoder.finish(rows));
  if (!rows.problem().empty()) return Error{rows.problem(), where};
  return table;
}

Result<LookupTable> LookupTable::parse_json(std::string_view text, const std::string& where) {
  LookupTable table;
  table.fingerprint_ = std::hash<std::string_view>()(text);
  try {
    const auto rows = nlohmann::json::parse(text);
    if (!rows.is_object()) return Error{"expected one JSON object, of objects by key", where};
    for (const auto& [key, row] : rows.items()) {
      if (!row.is_object()) return Error{fmt::format("key '{}': expected an object", key), where};
      Fields fields;
      for (const auto& [name, value] : row.items()) fields.emplace_back(name, value.dump());
      if (std::string problem = table.add(key, std::move(fields)); !problem.empty()) return Error{problem, where};
    }
  } catch (const nlohmann::json::exception& error) {
    return Error{error.what(), where};
  }
  return table;
}

Result<LookupTable> LookupTable::load(const std::filesystem::path& file) {
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(file, unknown);
  if (!unknown && bytes > kTableBytesMax) return Error{"larger than 64 MiB", file.string()};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  // Of an empty file nothing is copied, which the stream takes for a failure.
  if (!in || (bytes != 0 && !(text << in.rdbuf()))) return Error{"cannot be read", file.string()};
  return file.extension() == ".json" ? parse_json(text.str(), file.string())
                                     : parse_csv(text.str(), file.string());
}

const LookupTable::Fields* LookupTable::find(const std::string& key) const {
  const auto at = rows_.find(key);
  return at == rows_.end() ? nullptr : &at->second;
}

}  // namespace headrace::program
