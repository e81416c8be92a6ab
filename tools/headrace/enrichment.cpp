#include "enrichment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "json_text.hpp"

namespace headrace::program {

Status Enrichment::operator()(Message& message) {
  const auto record = fields_.read(message.body);
  if (!record) return record.error();
  const Field field = record->find(key_);
  const std::string key(field.text);
  const LookupTable::Fields* row = field.kind == FieldKind::null ? nullptr : table_->find(key);
  if (row == nullptr && without_row_ == WithoutRow::reject) {
    return Error{fmt::format("the table has no '{}' for {}", key, by_), "enrich"};
  }
  if (row == nullptr) return Nothing{};
  std::string more;
  for (const auto& [name, value] : *row) {
    if (fields_.has_member(name)) continue;
    more.push_back(',');
    append_json_string(more, name);
    more.push_back(':');
    more += value;
  }
  if (more.empty()) return Nothing{};
  // It is an object, or read() had said so, and it has the key: behind a comma there is another member.
  const auto brace = std::find(message.body.rbegin(), message.body.rend(), std::byte{'}'}).base() - 1;
  const auto bytes = std::as_bytes(std::span(more));
  message.body.insert(brace, bytes.begin(), bytes.end());
  return Nothing{};
}

}  // namespace headrace::program
