#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "headrace/base/big_array.hpp"
#include "headrace/base/check.hpp"

namespace headrace {

/// Lists of numbers below 2^32 - 1 in chunks of a cache line: what stands in the slots of a TimingWheel.
///
/// Whoever owns the things that the numbers mean keeps each one's place, by which it is erased; `moved(number,
/// place)` tells of a new one. `ahead(number)` tells which numbers will be handed out soon.
///
/// Threads:   one.
/// Costs:     O(1) each: at most a chunk's numbers move.
/// Allocates: constructor only.
/// Invariant: I1  a chunk that is in a list holds at least one number
///            I2  two neighbouring chunks hold together more than one has room for, but for the first chunk of a
///                list that pop_front or take_all has begun; so numbers_max need about numbers_max / 6 chunks
class TimerLists {
 public:
  TimerLists(std::uint32_t lists, std::uint32_t numbers_max)
      : ends_(std::make_unique<Ends[]>(lists)), chunks_(chunks_for(lists, numbers_max)) {
    for (std::uint32_t i = 0; i < chunks_.size(); ++i) chunks_[i].next = i + 1 < chunks_.size() ? i + 1 : kNil;
    free_ = 0;
  }

  [[nodiscard]] bool is_empty(std::uint32_t list) const noexcept { return ends_[list].first == kNil; }

  /// Answers the place.
  template <class Moved>
  [[nodiscard]] std::uint32_t append(std::uint32_t list, std::uint32_t number, Moved&& moved) noexcept {
    std::uint32_t at = ends_[list].last;
    if (at != kNil && chunks_[at].end == kRoom) {
      if (chunks_[at].live == kRoom) {
        at = kNil;
      } else {
        compact(at, moved);
      }
    }
    if (at == kNil) at = link_new(list);
    Chunk& chunk = chunks_[at];
    chunk.numbers[chunk.end] = number;
    ++chunk.live;
    return at * kPlaces + chunk.end++;
  }

  /// Answers the list that it was in.
  template <class Moved>
  std::uint32_t erase(std::uint32_t place, Moved&& moved) noexcept {
    const std::uint32_t at = place / kPlaces;
    Chunk& chunk = chunks_[at];
    chunk.numbers[place % kPlaces] = kNil;
    const std::uint32_t list = chunk.list;
    if (--chunk.live == 0) {
      const std::uint32_t previous = chunk.previous;
      unlink(at);
      if (previous != kNil) merge_with_next(previous, moved);
      return list;
    }
    while (chunk.numbers[chunk.end - 1] == kNil) --chunk.end;
    if (chunk.previous != kNil && merge_with_next(chunk.previous, moved)) return list;
    merge_with_next(at, moved);
    return list;
  }

  /// The list must not be empty.
  template <class Ahead>
  [[nodiscard]] std::uint32_t pop_front(std::uint32_t list, Ahead&& ahead) noexcept {
    const std::uint32_t at = ends_[list].first;
    Chunk& chunk = chunks_[at];
    if (chunk.begin == 0) ask_for_next(chunk, ahead);
    while (chunk.numbers[chunk.begin] == kNil) ++chunk.begin;
    const std::uint32_t number = chunk.numbers[chunk.begin];
    chunk.numbers[chunk.begin++] = kNil;
    if (--chunk.live == 0) unlink(at);
    return number;
  }

  /// Empties the list: take(number) in order, which may append to others.
  template <class Ahead, class Take>
  void take_all(std::uint32_t list, Ahead&& ahead, Take&& take) noexcept {
    while (!is_empty(list)) {
      const std::uint32_t at = ends_[list].first;
      const Chunk chunk = chunks_[at];
      ask_for_next(chunk, ahead);
      unlink(at);  // its room is there for what take() appends
      for (std::uint32_t i = chunk.begin; i < chunk.end; ++i) {
        if (chunk.numbers[i] != kNil) take(chunk.numbers[i]);
      }
    }
  }

  /// Moves all of one list behind the other.
  template <class Moved>
  void splice(std::uint32_t to, std::uint32_t from, Moved&& moved) noexcept {
    Ends& behind = ends_[from];
    if (behind.first == kNil) return;
    for (std::uint32_t at = behind.first; at != kNil; at = chunks_[at].next) chunks_[at].list = list_of(to);
    Ends& before = ends_[to];
    const std::uint32_t seam = before.last;
    chunks_[behind.first].previous = seam;
    (seam == kNil ? before.first : chunks_[seam].next) = behind.first;
    before.last = behind.last;
    behind = Ends{};
    if (seam != kNil) merge_with_next(seam, moved);
  }

 private:
  static constexpr std::uint32_t kNil = ~0U;
  static constexpr std::uint32_t kRoom = 12;
  static constexpr std::uint32_t kPlaces = 16;  ///< a place is a chunk's number and one of its own

  struct alignas(64) Chunk {
    std::uint32_t next = kNil;
    std::uint32_t previous = kNil;
    std::uint16_t list = 0;
    std::uint8_t begin = 0;  ///< what is before it has been handed out
    std::uint8_t end = 0;
    std::uint8_t live = 0;
    std::array<std::uint32_t, kRoom> numbers;  ///< in [begin, end): a number, or kNil where one was erased
  };
  static_assert(sizeof(Chunk) == 64);
  struct Ends {
    std::uint32_t first = kNil;
    std::uint32_t last = kNil;
  };

  [[nodiscard]] static std::uint16_t list_of(std::uint32_t list) noexcept {
    return static_cast<std::uint16_t>(list);
  }
  /// By I2 a list of n numbers has at most 2n / 13 + 1 chunks, and one more when it has been begun: two are.
  [[nodiscard]] static std::uint32_t chunks_for(std::uint32_t lists, std::uint32_t numbers_max) noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{numbers_max} * 2 / (kRoom + 1)) +
           std::min(lists, numbers_max) + 2;
  }

  template <class Ahead>
  void ask_for_next(const Chunk& chunk, Ahead&& ahead) const noexcept {
    const auto ask_for = [&](const Chunk& of) {
      for (std::uint32_t i = of.begin; i < of.end; ++i) {
        if (of.numbers[i] != kNil) ahead(of.numbers[i]);
      }
    };
    ask_for(chunk);  // nobody did for the list's first; asking again costs next to nothing
    if (chunk.next == kNil) return;
    const Chunk& next = chunks_[chunk.next];
    ask_for(next);
    if (next.next != kNil) __builtin_prefetch(&chunks_[next.next]);
  }

  [[nodiscard]] std::uint32_t link_new(std::uint32_t list) noexcept {
    const std::uint32_t at = free_;
    HEADRACE_CHECK("timer_lists.chunks", at != kNil, "more numbers than numbers_max");
    Chunk& chunk = chunks_[at];
    free_ = chunk.next;
    Ends& ends = ends_[list];
    chunk.next = kNil;
    chunk.previous = ends.last;
    chunk.list = list_of(list);
    chunk.begin = chunk.end = chunk.live = 0;
    (ends.last == kNil ? ends.first : chunks_[ends.last].next) = at;
    ends.last = at;
    return at;
  }
  void unlink(std::uint32_t at) noexcept {
    Chunk& chunk = chunks_[at];
    Ends& ends = ends_[chunk.list];
    (chunk.previous == kNil ? ends.first : chunks_[chunk.previous].next) = chunk.next;
    (chunk.next == kNil ? ends.last : chunks_[chunk.next].previous) = chunk.previous;
    chunk.next = free_;
    free_ = at;
  }

  template <class Moved>
  void compact(std::uint32_t at, Moved&& moved) noexcept {
    Chunk& chunk = chunks_[at];
    std::uint8_t to = 0;
    for (std::uint32_t i = chunk.begin; i < chunk.end; ++i) {
      const std::uint32_t number = chunk.numbers[i];
      if (number == kNil) continue;
      chunk.numbers[to] = number;
      moved(number, at * kPlaces + to++);
    }
    chunk.begin = 0;
    chunk.end = to;
  }
  /// Where both fit into one. Keeps I2.
  template <class Moved>
  bool merge_with_next(std::uint32_t at, Moved&& moved) noexcept {
    Chunk& chunk = chunks_[at];
    if (chunk.next == kNil || chunk.live + chunks_[chunk.next].live > kRoom) return false;
    const std::uint32_t behind = chunk.next;
    const Chunk& next = chunks_[behind];
    if (chunk.end + next.live > kRoom) compact(at, moved);
    for (std::uint32_t i = next.begin; i < next.end; ++i) {
      const std::uint32_t number = next.numbers[i];
      if (number == kNil) continue;
      chunk.numbers[chunk.end] = number;
      moved(number, at * kPlaces + chunk.end++);
    }
    chunk.live = static_cast<std::uint8_t>(chunk.live + next.live);
    unlink(behind);
    return true;
  }

  std::unique_ptr<Ends[]> ends_;
  BigArray<Chunk> chunks_;
  std::uint32_t free_ = kNil;
};

}  // namespace headrace
