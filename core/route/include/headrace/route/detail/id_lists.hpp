#pragma once

#include <cstdint>
#include <vector>

#include "headrace/route/detail/pool.hpp"

namespace headrace::detail {

/// The ids at one place of a trie. Most places have one, which lies in the place itself.
struct IdList {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t first = kNone;
  std::uint32_t more = kNone;  ///< the cell of the next one
  [[nodiscard]] bool empty() const noexcept { return first == kNone; }
};

/// The cells of all lists.
class IdLists {
 public:
  void add(IdList& list, std::uint32_t id) {
    if (!list.empty()) list.more = cells_.add(list);
    list.first = id;
  }

  /// Takes one occurrence out; false when there is none.
  bool remove(IdList& list, std::uint32_t id) {
    if (list.first == id) {
      const std::uint32_t second = list.more;
      list = second == IdList::kNone ? IdList{} : cells_[second];
      if (second != IdList::kNone) cells_.release(second);
      return true;
    }
    for (IdList* before = &list; before->more != IdList::kNone; before = &cells_[before->more]) {
      const std::uint32_t cell = before->more;
      if (cells_[cell].first != id) continue;
      before->more = cells_[cell].more;
      cells_.release(cell);
      return true;
    }
    return false;
  }

  void append_to(std::vector<std::uint32_t>& out, IdList list) const {
    if (list.empty()) return;
    out.push_back(list.first);
    while (list.more != IdList::kNone) {
      list = cells_[list.more];
      out.push_back(list.first);
    }
  }

 private:
  Pool<IdList> cells_;
};

}  // namespace headrace::detail
