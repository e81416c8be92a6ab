#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headrace::program {

/// A field that the config mentions, by its place in FieldTable.
enum class FieldId : std::uint32_t {};

/// Every field that the config mentions. Filled while the config is read, constant from then on.
class FieldTable {
 public:
  FieldId intern(std::string_view name);
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::vector<std::string> names_;
};

/// The field names that records share: a CSV header, or the set of keys of a JSON object.
/// A mentioned field is found in its column without comparing names.
class Schema {
 public:
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;

  Schema(std::vector<std::string> names, const FieldTable& mentioned);
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] std::uint32_t column(FieldId id) const noexcept {
    return columns_[static_cast<std::uint32_t>(id)];
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::uint32_t> columns_;
};

/// What the source said of a field's type. CSV says nothing.
enum class FieldKind : std::uint32_t { untyped, text, number, boolean, null, json };

struct Field {
  std::string_view text;
  FieldKind kind = FieldKind::null;
};

/// The event of the program: one line of input, immutable, copied by sharing.
/// Threads:  any, as a value. The schema must outlive it: SchemaPool keeps all of a run.
/// Memory:   one allocation a record: a word a field (end of its text, kind), then the text of all fields.
class Record {
 public:
  Record() = default;

  [[nodiscard]] const Schema& schema() const noexcept { return *schema_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] Field at(std::uint32_t column) const noexcept;
  /// A field that this record lacks reads as null, with empty text.
  [[nodiscard]] Field find(FieldId id) const noexcept;
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }

  /// How often the record has been forwarded; bounds loops of topics that feed each other.
  [[nodiscard]] std::uint32_t hops() const noexcept { return hops_; }
  [[nodiscard]] Record forwarded() const;

 private:
  friend class RecordBuilder;
  const Schema* schema_ = nullptr;
  std::shared_ptr<const std::uint32_t[]> words_;
  std::uint64_t line_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t hops_ = 0;
};

/// Collects one record's fields and keeps its memory from record to record.
class RecordBuilder {
 public:
  static constexpr std::uint32_t kTextBytesMax = 1U << 28U;  ///< what a word can count beside the kind

  void clear() noexcept;
  void add(FieldKind kind, std::string_view text);
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(words_.size()); }
  [[nodiscard]] Record build(const Schema& schema, std::uint64_t line) const;

 private:
  std::vector<std::uint32_t> words_;
  std::string text_;
};

}  // namespace headrace::program
