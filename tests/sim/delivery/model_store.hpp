#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "model_event.hpp"
#include "workload.hpp"

namespace headrace::sim {

/// The dead letters, in a list. It is down, full or refuses when the plan says so.
struct ModelStore {
  using Means = std::function<bool(const ModelLetter&)>;  // a filter
  enum class Added : std::uint8_t { stored, refused, not_yet };

  const Plan& plan;
  std::vector<ModelLetter> letters = {};
  std::uint64_t last_number = 0, last_lease = 0, dropped = 0;

  Added add(ModelLetter letter, std::uint64_t now_ns) {
    if (plan.store_refuses(letter.event.value)) return Added::refused;
    if (plan.store_is_down(now_ns)) return Added::not_yet;
    const auto known = std::find_if(letters.begin(), letters.end(), [&](const ModelLetter& other) {
      return letter.event.id != 0 && other.event.id == letter.event.id;
    });
    if (known != letters.end()) {
      letter.number = known->number;
      letter.attempts += known->attempts;
      letter.parks = letter.parks || known->parks;
      *known = std::move(letter);
      return Added::stored;
    }
    if (letters.size() == plan.letters_max) {
      const auto oldest =
          std::find_if(letters.begin(), letters.end(), [](const ModelLetter& other) { return other.lease == 0; });
      if (plan.when_full == WhenFull::refuse || oldest == letters.end()) return Added::not_yet;
      letters.erase(oldest);
      ++dropped;
    }
    letter.number = ++last_number;
    letters.push_back(std::move(letter));
    return Added::stored;
  }

  /// The next letter, leased; null: there is none. Of a parked key only the first.
  const ModelLetter* take(std::uint64_t after, const Means& means, std::int64_t wall_ns,
                          std::int64_t lease_for_ns) {
    for (ModelLetter& letter : letters) {
      if (letter.number <= after || is_held(letter, wall_ns) || !means(letter)) continue;
      const auto first = std::find_if(letters.begin(), letters.end(), [&](const ModelLetter& other) {
        return other.parks && other.event.key == letter.event.key;
      });
      if (letter.parks && first->number != letter.number) continue;
      letter.lease = ++last_lease;
      letter.held_until_ns = wall_ns + lease_for_ns;
      return &letter;
    }
    return nullptr;
  }
  void settle(const ModelTurn& turn) {
    std::erase_if(letters, [&](const ModelLetter& l) { return l.number == turn.letter && l.lease == turn.lease; });
  }
  void release(const ModelTurn& turn) {
    for (ModelLetter& letter : letters) {
      if (letter.number == turn.letter && letter.lease == turn.lease) letter.lease = 0;
    }
  }
  void renew(const ModelTurn& turn, std::int64_t until_ns) {
    for (ModelLetter& letter : letters) {
      if (letter.number == turn.letter && letter.lease == turn.lease) letter.held_until_ns = until_ns;
    }
  }
  void discard(const Means& means, std::int64_t wall_ns) {
    std::erase_if(letters, [&](const ModelLetter& l) { return !is_held(l, wall_ns) && means(l); });
  }
  [[nodiscard]] bool parks(std::uint64_t key) const {
    return std::any_of(letters.begin(), letters.end(),
                       [key](const ModelLetter& letter) { return letter.parks && letter.event.key == key; });
  }

 private:
  static bool is_held(const ModelLetter& letter, std::int64_t wall_ns) {
    return letter.lease != 0 && letter.held_until_ns > wall_ns;
  }
};

}  // namespace headrace::sim
