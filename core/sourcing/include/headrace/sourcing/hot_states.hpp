#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "headrace/port/append_request.hpp"

namespace headrace {

/// The states used last, by stream; the least recently used makes room. A state may be behind its stream, never
/// wrong: who takes it reads on from its version.
/// Threads: any; one mutex, held for a copy of a state.
template <class State>
class HotStates {
 public:
  explicit HotStates(std::size_t states_max) : states_max_(states_max) {}

  [[nodiscard]] std::optional<std::pair<State, StreamVersion>> find(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    const auto found = by_stream_.find(stream);
    if (found == by_stream_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return std::pair{found->second->state, found->second->version};
  }

  /// Keeps the newer one of two states.
  void keep(const std::string& stream, const State& state, StreamVersion version) {
    if (states_max_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = by_stream_.find(stream); found != by_stream_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      if (found->second->version < version) {
        found->second->state = state;
        found->second->version = version;
      }
      return;
    }
    entries_.push_front({stream, state, version});
    by_stream_.emplace(entries_.front().stream, entries_.begin());
    if (entries_.size() > states_max_) {
      by_stream_.erase(entries_.back().stream);
      entries_.pop_back();
    }
  }

  void forget(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_stream_.find(stream); found != by_stream_.end()) {
      const auto entry = found->second;
      by_stream_.erase(found);
      entries_.erase(entry);
    }
  }

 private:
  struct Entry {
    std::string stream;
    State state;
    StreamVersion version;
  };
  const std::size_t states_max_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // behind mutex_, as is all below; the last used first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_stream_;
};

}  // namespace headrace
