#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/cache_line.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/route/detail/hash_index.hpp"
#include "headrace/route/detail/id_lists.hpp"
#include "headrace/route/detail/pool.hpp"
#include "headrace/route/detail/text_pool.hpp"
#include "headrace/route/topic_name.hpp"

namespace headrace::detail {

/// Filters without wildcards: a hash table from the bytes of a topic to ids. A filter is entered under both
/// spellings of its levels, `a.b` and `a/b`, so that a look-up need not know what separates.
class ExactFilters {
 public:
  void insert(std::string_view filter, std::uint32_t id) {
    add(filter, id);
    if (const std::string other = other_spelling(filter); !other.empty()) add(other, id);
  }

  bool erase(std::string_view filter, std::uint32_t id) {
    if (!remove(filter, id)) return false;
    if (const std::string other = other_spelling(filter); !other.empty()) remove(other, id);
    return true;
  }

  void append_matches(std::string_view topic, std::vector<std::uint32_t>& out) const {
    const std::uint32_t found = find(topic, tag_of(topic));
    if (found != HashIndex::kNone) ids_.append_to(out, records_[found].ids);
  }

 private:
  static constexpr std::size_t kInlineBytes = 48;
  struct alignas(kCacheLineBytes) Record {
    IdList ids;
    std::uint32_t size;
    std::uint32_t tail;  ///< what the text has beyond the bytes here
    std::array<char, kInlineBytes> text;
  };
  static_assert(sizeof(Record) == kCacheLineBytes);

  [[nodiscard]] static std::uint32_t tag_of(std::string_view topic) noexcept {
    return static_cast<std::uint32_t>(hash_bytes(topic));
  }

  /// Empty when there is no other: one level, or a level of an MQTT filter holds a `.`.
  [[nodiscard]] static std::string other_spelling(std::string_view filter) {
    const char separator = level_separator(filter);
    const char other = separator == '/' ? '.' : '/';
    if (filter.find(separator) == std::string_view::npos || filter.find(other) != std::string_view::npos)
      return {};
    std::string spelling{filter};
    std::replace(spelling.begin(), spelling.end(), separator, other);
    return spelling;
  }

  [[nodiscard]] std::uint32_t find(std::string_view topic, std::uint32_t tag) const noexcept {
    return index_.find(tag, [&](std::uint32_t record) {
      const Record& it = records_[record];
      const std::size_t here = std::min(topic.size(), kInlineBytes);
      return it.size == topic.size() && std::memcmp(it.text.data(), topic.data(), here) == 0 &&
             texts_.equals(it.tail, topic.substr(here));
    });
  }

  void add(std::string_view topic, std::uint32_t id) {
    const std::uint32_t tag = tag_of(topic);
    std::uint32_t found = find(topic, tag);
    if (found == HashIndex::kNone) {
      const std::size_t here = std::min(topic.size(), kInlineBytes);
      Record record{{}, static_cast<std::uint32_t>(topic.size()), texts_.store(topic.substr(here)), {}};
      std::memcpy(record.text.data(), topic.data(), here);
      found = records_.add(record);
      index_.insert(tag, found);
    }
    ids_.add(records_[found].ids, id);
  }

  bool remove(std::string_view topic, std::uint32_t id) {
    const std::uint32_t tag = tag_of(topic);
    const std::uint32_t found = find(topic, tag);
    if (found == HashIndex::kNone || !ids_.remove(records_[found].ids, id)) return false;
    if (records_[found].ids.empty()) {
      index_.erase(tag, found);
      texts_.release(records_[found].tail);
      records_.release(found);
    }
    return true;
  }

  Pool<Record> records_;
  HashIndex index_;
  IdLists ids_;
  TextPool texts_;
};

}  // namespace headrace::detail
