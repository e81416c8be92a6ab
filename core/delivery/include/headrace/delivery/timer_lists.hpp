#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "headrace/base/big_array.hpp"
#include "headrace/base/check.hpp"
#include "headrace/base/hints.hpp"

namespace headrace {

/// Names one pending timer. Stays valid as a value after the timer has gone: then it names none.
struct TimerToken {
  std::uint32_t number = ~0U;
  std::uint32_t generation = 0;

  friend bool operator==(const TimerToken&, const TimerToken&) = default;
};

/// Lists of timers, in the order added: what stands in the slots of a TimingWheel.
///
/// A timer stays in its node; a list holds the numbers of nodes, in chunks of a cache line. Links through the nodes
/// would cost a cache miss for each timer that is added (its neighbour) and one after the other for those that are
/// taken. Numbers that stand side by side say early which nodes will be wanted: who takes a timer asks for the one
/// a chunk further on. Whole timers in the chunks, so that none would have to be asked for, were hardly faster and took
/// twice the memory (docs/experiments.md).
///
/// Threads:   one.
/// Costs:     O(1) each, but for deal() and splice(): at most two chunks' numbers move.
/// Allocates: constructor only: 26 bytes and the payload a timer, 72 bytes a list.
/// Limits:    a token is mistaken for a later one when its number was used 2^31 times since.
/// Invariant: I1  a chunk that is in a list holds at least one number
///            I2  two neighbouring chunks hold together more than one has room for, but for the first chunk of a
///                list that pop_front() or deal() has begun
///            I3  a node's generation is odd while its timer is pending, so that no token names a free one
template <class Payload>
class TimerLists {
  static_assert(std::is_nothrow_move_constructible_v<Payload> && std::is_nothrow_destructible_v<Payload>);

 public:
  static constexpr std::uint32_t kNone = ~0U;

  /// @param first_generation  even; of every number
  TimerLists(std::uint32_t lists, std::uint32_t timers_max, std::uint32_t first_generation = 0)
      : ends_(std::make_unique<Ends[]>(lists)),
        lists_(lists),
        nodes_(timers_max),
        chunks_(chunks_for(lists, timers_max)) {
    for (std::uint32_t i = 0; i < timers_max; ++i) {
      nodes_[i].place = i + 1 < timers_max ? i + 1 : kNone;
      nodes_[i].generation = first_generation;
    }
    for (std::uint32_t i = 0; i < chunks_.size(); ++i) chunks_[i].next = i + 1 < chunks_.size() ? i + 1 : kNone;
  }
  TimerLists(const TimerLists&) = delete;
  TimerLists& operator=(const TimerLists&) = delete;
  ~TimerLists() {
    for (std::uint32_t list = 0; list < lists_; ++list) {
      while (!is_empty(list)) static_cast<void>(pop_front(list));
    }
  }

  [[nodiscard]] bool is_empty(std::uint32_t list) const noexcept { return ends_[list].first == kNone; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }

  /// There must be room.
  TimerToken add(std::uint32_t list, std::uint64_t due, Payload&& payload) noexcept {
    HEADRACE_DCHECK("timer_lists.room", free_node_ != kNone, "more timers than timers_max");
    const std::uint32_t number = free_node_;
    Node& node = nodes_[number];
    free_node_ = node.place;
    node.due = due;
    std::construct_at(node.payload(), std::move(payload));
    ++size_;
    append(list, number);
    return {number, ++node.generation};
  }

  /// Where the timer is; kNone: it has gone, or never was.
  [[nodiscard]] std::uint32_t list_of(TimerToken token) const noexcept {
    if (token.number >= capacity() || nodes_[token.number].generation != token.generation) return kNone;
    return chunks_[nodes_[token.number].place / kPlaces].list;
  }
  /// It must be pending.
  [[nodiscard]] Payload remove(TimerToken token) noexcept {
    const std::uint32_t place = nodes_[token.number].place;
    const std::uint32_t at = place / kPlaces;
    const std::uint32_t previous = chunks_[at].previous;
    take(at, place % kPlaces);
    if (chunks_[at].size != 0) merge_with_next(at);
    if (previous != kNone) merge_with_next(previous);
    return release(token.number);
  }

  /// The list must not be empty.
  [[nodiscard]] Payload pop_front(std::uint32_t list) noexcept { return release(take_first(list)); }

  /// Empties the list: each timer, in order, goes behind what is in the list that list_for(its due) names, which is
  /// another one.
  template <class ListFor>
  void deal(std::uint32_t list, ListFor&& list_for) noexcept {
    while (!is_empty(list)) {
      const std::uint32_t number = take_first(list);
      append(list_for(nodes_[number].due), number);
    }
  }

  /// Moves all of one list behind the other.
  void splice(std::uint32_t to, std::uint32_t from) noexcept {
    Ends& behind = ends_[from];
    if (behind.first == kNone) return;
    for (std::uint32_t at = behind.first; at != kNone; at = chunks_[at].next) {
      chunks_[at].list = static_cast<std::uint16_t>(to);
    }
    Ends& before = ends_[to];
    const std::uint32_t seam = before.last;
    chunks_[behind.first].previous = seam;
    (seam == kNone ? before.first : chunks_[seam].next) = behind.first;
    before.last = behind.last;
    behind = Ends{};
    if (seam != kNone) merge_with_next(seam);
  }

 private:
  static constexpr std::uint32_t kRoom = 12;
  static constexpr std::uint32_t kPlaces = 16;  ///< a place is a chunk's index times this, and one within it

  struct Node {
    std::uint64_t due = 0;
    std::uint32_t place = 0;  ///< of a free one: the next free one
    std::uint32_t generation = 0;
    alignas(Payload) std::byte bytes[sizeof(Payload)];

    [[nodiscard]] Payload* payload() noexcept { return reinterpret_cast<Payload*>(bytes); }
  };
  struct alignas(64) Chunk {
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::uint16_t list = 0;
    std::uint16_t used = 0;  ///< a bit a number: they stand in order, with holes where some were removed
    std::uint16_t size = 0;  ///< how many; counting bits anew makes cancelling at random half as slow again
    std::array<std::uint32_t, kRoom> numbers{};

    [[nodiscard]] std::uint32_t first() const noexcept {
      return static_cast<std::uint32_t>(std::countr_zero(used));
    }
    [[nodiscard]] std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(std::bit_width(used)); }
  };
  static_assert(sizeof(Chunk) == 64);
  struct Ends {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  /// By I2 a list of n timers has at most 2n / 13 + 1 chunks, and one more when it has been begun: two are.
  [[nodiscard]] static std::uint32_t chunks_for(std::uint32_t lists, std::uint32_t timers_max) noexcept {
    HEADRACE_CHECK("timer_lists.lists", lists <= 1U << 16, "more lists than a chunk can name");
    return static_cast<std::uint32_t>(std::uint64_t{timers_max} * 2 / (kRoom + 1)) + std::min(lists, timers_max) +
           2;
  }

  void append(std::uint32_t list, std::uint32_t number) noexcept {
    std::uint32_t at = ends_[list].last;
    if (at == kNone || chunks_[at].size == kRoom) {
      at = link_new(list);
    } else if (chunks_[at].end() == kRoom) {
      compact(at);
    }
    put(at, number);
  }
  /// Behind what the chunk holds.
  void put(std::uint32_t at, std::uint32_t number) noexcept {
    Chunk& chunk = chunks_[at];
    const std::uint32_t i = chunk.end();
    chunk.numbers[i] = number;
    chunk.used = static_cast<std::uint16_t>(chunk.used | 1U << i);
    ++chunk.size;
    nodes_[number].place = at * kPlaces + i;
  }
  /// Unlinks the chunk with its last number.
  std::uint32_t take(std::uint32_t at, std::uint32_t i) noexcept {
    Chunk& chunk = chunks_[at];
    chunk.used = static_cast<std::uint16_t>(chunk.used & ~(1U << i));
    if (--chunk.size == 0) unlink(at);
    return chunk.numbers[i];
  }
  [[nodiscard]] std::uint32_t take_first(std::uint32_t list) noexcept {
    const std::uint32_t at = ends_[list].first;
    const Chunk& chunk = chunks_[at];
    const std::uint32_t i = chunk.first();
    if (chunk.next != kNone) {
      const Chunk& next = chunks_[chunk.next];
      ask_for(next.numbers[i]);  // of one that was removed or never there: the wrong node, which does no harm
      if (next.next != kNone) prefetch_for_write(&chunks_[next.next]);
    }
    return take(at, i);
  }
  /// Both its lines, where it lies in two.
  void ask_for(std::uint32_t number) const noexcept {
    const Node* const node = &nodes_[number];
    prefetch_for_write(node);
    prefetch_for_write(reinterpret_cast<const std::byte*>(node + 1) - 1);
  }
  [[nodiscard]] Payload release(std::uint32_t number) noexcept {
    Node& node = nodes_[number];
    Payload payload = std::move(*node.payload());
    std::destroy_at(node.payload());
    ++node.generation;
    node.place = free_node_;
    free_node_ = number;
    --size_;
    return payload;
  }

  /// Closes the holes.
  void compact(std::uint32_t at) noexcept {
    Chunk& chunk = chunks_[at];
    std::uint32_t left = std::exchange(chunk.used, std::uint16_t{0});
    chunk.size = 0;
    for (; left != 0; left &= left - 1) put(at, chunk.numbers[static_cast<std::size_t>(std::countr_zero(left))]);
  }
  /// Where both fit into one. Keeps I2.
  void merge_with_next(std::uint32_t at) noexcept {
    Chunk& chunk = chunks_[at];
    if (chunk.next == kNone) return;
    const std::uint32_t behind = chunk.next;
    Chunk& next = chunks_[behind];
    if (chunk.size + next.size > kRoom) return;
    if (chunk.end() + next.size > kRoom) compact(at);
    while (next.size != 0) put(at, take(behind, next.first()));
  }

  [[nodiscard]] std::uint32_t link_new(std::uint32_t list) noexcept {
    const std::uint32_t at = free_chunk_;
    HEADRACE_CHECK("timer_lists.chunks", at != kNone, "more timers than timers_max");
    Chunk& chunk = chunks_[at];
    free_chunk_ = chunk.next;
    Ends& ends = ends_[list];
    chunk.next = kNone;
    chunk.previous = ends.last;
    chunk.list = static_cast<std::uint16_t>(list);
    (ends.last == kNone ? ends.first : chunks_[ends.last].next) = at;
    ends.last = at;
    return at;
  }
  void unlink(std::uint32_t at) noexcept {
    Chunk& chunk = chunks_[at];
    Ends& ends = ends_[chunk.list];
    (chunk.previous == kNone ? ends.first : chunks_[chunk.previous].next) = chunk.next;
    (chunk.next == kNone ? ends.last : chunks_[chunk.next].previous) = chunk.previous;
    chunk.next = free_chunk_;
    free_chunk_ = at;
  }

  std::unique_ptr<Ends[]> ends_;
  const std::uint32_t lists_;
  BigArray<Node> nodes_;
  BigArray<Chunk> chunks_;
  std::uint32_t free_node_ = 0;
  std::uint32_t free_chunk_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace headrace
