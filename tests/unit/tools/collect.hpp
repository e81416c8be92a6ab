#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "decoder.hpp"
#include "schema_pool.hpp"

namespace headrace::program {

/// What a decoder found, as text that tests can compare.
struct Collected final : DecoderSink {
  std::vector<std::vector<std::string>> records;
  std::vector<std::vector<std::string>> names;
  std::vector<std::uint64_t> lines;
  std::vector<std::pair<std::uint64_t, std::string>> rejects;
  std::vector<std::string> reject_texts;
  std::size_t stop_after = SIZE_MAX;

  Flow on_record(Record record) override {
    std::vector<std::string> values;
    for (std::uint32_t i = 0; i < record.size(); ++i) values.emplace_back(record.at(i).text);
    records.push_back(std::move(values));
    names.push_back(record.schema().names());
    lines.push_back(record.line());
    return records.size() < stop_after ? Flow::go_on : Flow::stop;
  }
  Flow on_reject(const Reject& reject) override {
    rejects.emplace_back(reject.line, reject.reason);
    reject_texts.emplace_back(reject.text);
    return Flow::go_on;
  }

  bool operator==(const Collected& other) const {
    return std::tie(records, names, lines, rejects, reject_texts) ==
           std::tie(other.records, other.names, other.lines, other.rejects, other.reject_texts);
  }
};

/// Feeds the text in pieces of the given size.
template <class Format, class Options>
Collected decode(std::string_view text, Options options, std::size_t piece = SIZE_MAX) {
  FieldTable mentioned;
  SchemaPool schemas(mentioned);
  Format decoder(std::move(options), schemas);
  Collected found;
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) {
    if (decoder.feed(text.substr(at, piece), found) == Flow::stop) return found;
  }
  (void)decoder.finish(found);
  return found;
}

/// A record with the given fields, and the tables that it needs.
struct OneRecord {
  OneRecord(const FieldTable& mentioned, std::vector<std::pair<std::string, std::string>> fields) {
    RecordBuilder builder;
    std::vector<std::string> names;
    for (auto& [name, value] : fields) {
      names.push_back(name);
      builder.add(FieldKind::untyped, value);
    }
    schema = std::make_unique<Schema>(std::move(names), mentioned);
    record = builder.build(*schema, 7);
  }
  std::unique_ptr<Schema> schema;
  Record record;
};

}  // namespace headrace::program
