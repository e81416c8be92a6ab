#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "model_event.hpp"

namespace headrace::sim {

inline std::string text(const std::vector<Call>& calls) {
  std::ostringstream out;
  for (const Call& c : calls)
    out << '(' << c.value << " try " << c.attempt << " at " << c.now_ns << " of " << c.span << ')';
  return out.str();
}
inline std::string text(const std::vector<ModelLetter>& letters) {
  std::ostringstream out;
  for (const ModelLetter& l : letters) {
    out << '(' << l.number << ": " << l.event.value << ' ' << to_string(l.failure) << ' ' << l.attempts
        << (l.parks ? " parks)" : ")");
  }
  return out.str();
}

/// Key by key and without their numbers; those of a key in their order if it has one.
[[nodiscard]] inline std::vector<ModelLetter> in_keys(std::vector<ModelLetter> letters, bool ordered) {
  for (ModelLetter& letter : letters) letter.number = 0;
  const auto place = [ordered](const ModelLetter& letter) {
    return std::pair(letter.event.key, ordered ? 0 : letter.event.value + 1);
  };
  std::stable_sort(letters.begin(), letters.end(),
                   [&](const ModelLetter& a, const ModelLetter& b) { return place(a) < place(b); });
  return letters;
}

}  // namespace headrace::sim
