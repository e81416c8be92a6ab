#include "record.hpp"

#include <algorithm>
#include <cstring>

#include "headrace/base/check.hpp"

namespace headrace::program {
namespace {

constexpr std::uint32_t kKindBits = 3;
constexpr std::uint32_t kKindMask = (1U << kKindBits) - 1;

}  // namespace

FieldId FieldTable::intern(std::string_view name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  const auto place = static_cast<std::uint32_t>(found - names_.begin());
  if (found == names_.end()) names_.emplace_back(name);
  return FieldId{place};
}

Schema::Schema(std::vector<std::string> names, const FieldTable& mentioned) : names_(std::move(names)) {
  columns_.reserve(mentioned.names().size());
  for (const std::string& name : mentioned.names()) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    columns_.push_back(found == names_.end() ? kNoColumn : static_cast<std::uint32_t>(found - names_.begin()));
  }
}

Field Record::at(std::uint32_t column) const noexcept {
  const std::uint32_t begin = column == 0 ? 0 : words_[column - 1] >> kKindBits;
  const std::uint32_t end = words_[column] >> kKindBits;
  const char* text = reinterpret_cast<const char*>(words_.get() + size_);
  return {{text + begin, end - begin}, static_cast<FieldKind>(words_[column] & kKindMask)};
}

Field Record::find(FieldId id) const noexcept {
  const std::uint32_t column = schema_->column(id);
  return column == Schema::kNoColumn ? Field{} : at(column);
}

Record Record::forwarded() const {
  Record next = *this;
  ++next.hops_;
  return next;
}

void RecordBuilder::clear() noexcept {
  words_.clear();
  text_.clear();
}

void RecordBuilder::add(FieldKind kind, std::string_view text) {
  text_.append(text);
  HEADRACE_CHECK("record.text", text_.size() < kTextBytesMax, "a decoder let a record through that is too long");
  words_.push_back(static_cast<std::uint32_t>(text_.size()) << kKindBits | static_cast<std::uint32_t>(kind));
}

Record RecordBuilder::build(const Schema& schema, std::uint64_t line) const {
  HEADRACE_CHECK("record.size", size() == schema.names().size(), "a record has as many fields as its schema");
  constexpr std::size_t word_bytes = sizeof(std::uint32_t);
  const std::size_t text_words = (text_.size() + word_bytes - 1) / word_bytes;
  auto words = std::make_shared_for_overwrite<std::uint32_t[]>(words_.size() + text_words);
  std::copy(words_.begin(), words_.end(), words.get());
  if (!text_.empty()) std::memcpy(words.get() + words_.size(), text_.data(), text_.size());
  Record record;
  record.schema_ = &schema;
  record.words_ = std::move(words);
  record.line_ = line;
  record.size_ = size();
  return record;
}

}  // namespace headrace::program
