#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/field_value.hpp"
#include "headrace/wire/codec_limits.hpp"

namespace headrace::wire {

/// Builds fields from what a parser meets, within limits. Its functions are those that nlohmann's parsers call;
/// each answers whether to go on, so that nothing is built beyond a limit.
class TreeBuilder {
 public:
  explicit TreeBuilder(const CodecLimits& limits) : limits_(limits) {}

  bool null() { return add(FieldValue()); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return text_fits(value) && add(std::move(value)); }
  bool binary(nlohmann::json::binary_t& value);
  bool bytes(FieldValue::Bytes value);
  bool start_object(std::size_t) { return open(FieldValue::Record{}); }
  bool key(std::string& name);
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(FieldValue::List{}); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error);

  /// The first fault stays; answers false.
  bool fail(std::string what, std::string where);
  [[nodiscard]] Result<FieldValue> take(bool complete);

 private:
  struct Frame {
    FieldValue* container;
    std::string key;                        ///< of the record's value to come
    std::unordered_set<std::string> names;  ///< of a record with many
  };
  bool add(FieldValue value) { return place(std::move(value)) != nullptr; }
  bool open(FieldValue container);
  bool close();
  FieldValue* place(FieldValue value);
  [[nodiscard]] bool text_fits(std::string_view text);
  [[nodiscard]] bool is_known(Frame& frame, const std::string& name);
  [[nodiscard]] std::string path() const;

  const CodecLimits& limits_;
  FieldValue root_;
  std::vector<Frame> open_;  ///< what is open, outermost first; only the last one grows, so pointers stay
  std::size_t items_ = 0;
  Error fault_;
};

/// What is wrong with a text that the formats do not take; empty if nothing is.
[[nodiscard]] std::string text_fault(std::string_view text, const CodecLimits& limits);

/// Before writing: the same rules for fields that a program made.
[[nodiscard]] Status check_fields(const FieldValue& fields, const CodecLimits& limits);
[[nodiscard]] Status check_body_size(std::size_t bytes, const CodecLimits& limits);

}  // namespace headrace::wire
