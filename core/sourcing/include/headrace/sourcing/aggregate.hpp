#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/read_model.hpp"
#include "headrace/port/snapshot_store.hpp"
#include "headrace/sourcing/hot_states.hpp"

namespace headrace {

/// How a kind of aggregate works: its state is a plain struct, its behaviour free functions.
template <class State>
struct AggregateKind {
  State initial{};
  /// Takes an event into the state: EventHandlers<State&> for typed events of whatever version. An event of an unknown
  /// topic is usually left aside; an error, or what it throws, stops the load, and the load's error says at which event.
  std::function<Status(State&, const StoredEvent&)> fold;

  /// Snapshots, where all four are given: one each time so many events came since the last.
  SnapshotStore* snapshots = nullptr;
  StreamVersion snapshot_every = 0;
  std::function<std::vector<std::byte>(const State&)> save;
  std::function<Result<State>(std::span<const std::byte>)> restore;
  /// Count it up when State or fold change: snapshots of other versions are not used.
  std::uint32_t state_version = 1;

  std::size_t hot_max = 0;       ///< states kept in memory, the least used make room; 0: none
  std::size_t attempts_max = 8;  ///< of a decision, while others win
};

template <class State>
struct Loaded {
  State state;
  StreamVersion version = 0;  ///< of the last event in the state
};

template <class State>
struct Executed {
  State state;  ///< with the new events in it
  StreamVersion version = 0;
  AppendOutcome outcome = AppendOutcome::appended;  ///< version_conflict: others won every time
  std::size_t attempts = 1;
};

/// Aggregates of one kind, each a stream of an event store.
/// Threads:   any, if fold, save and restore are callable from any.
template <class State>
class Aggregate {
 public:
  Aggregate(EventStore& store, AggregateKind<State> kind)
      : store_(store), kind_(std::move(kind)), hot_(kind_.hot_max) {}

  /// The state of the stream's events: from memory or a snapshot, and what came since. An error where that was
  /// truncated, in part or whole.
  [[nodiscard]] Result<Loaded<State>> load(const std::string& stream) {
    Loaded<State> loaded{kind_.initial, 0};
    if (auto hot = hot_.find(stream)) {
      loaded = {std::move(hot->first), hot->second};
    } else if (auto restored = restore(stream, loaded); !restored) {
      return restored.error();
    }
    if (auto caught_up = catch_up(stream, loaded); !caught_up) return caught_up.error();
    hot_.keep(stream, loaded.state, loaded.version);
    return loaded;
  }

  /// `decide(state)` answers the events that shall follow, or an error, which is passed on. They are appended if
  /// nobody appended meanwhile; otherwise the state is brought up to date and the decision is made again. No
  /// events: nothing happens.
  template <class Decide>
  [[nodiscard]] Result<Executed<State>> execute(const std::string& stream, Decide decide) {
    auto loaded = load(stream);
    if (!loaded) return loaded.error();
    for (std::size_t attempt = 1;; ++attempt) {
      Result<std::vector<EncodedEvent>> events = decide(std::as_const(loaded->state));
      if (!events) return events.error();
      if (events->empty())
        return Executed<State>{loaded->state, loaded->version, AppendOutcome::appended, attempt};
      const auto receipt =
          store_.append(AppendRequest::to(stream, ExpectedVersion::exact(loaded->version), std::move(*events)));
      if (!receipt) return receipt.error();
      // The new events come back by the same way as others', so that there is one way into the state.
      const StreamVersion before = loaded->version;
      if (auto caught_up = catch_up(stream, *loaded); !caught_up) return caught_up.error();
      hot_.keep(stream, loaded->state, loaded->version);
      if (receipt->outcome != AppendOutcome::version_conflict || attempt >= kind_.attempts_max) {
        if (receipt->outcome == AppendOutcome::appended) take_snapshot(stream, before, *loaded);
        return Executed<State>{loaded->state, loaded->version, receipt->outcome, attempt};
      }
    }
  }

 private:
  [[nodiscard]] bool has_snapshots() const {
    return kind_.snapshots && kind_.snapshot_every > 0 && kind_.save && kind_.restore;
  }

  /// A snapshot that cannot be used costs time, not correctness: the events are all there.
  [[nodiscard]] Status restore(const std::string& stream, Loaded<State>& loaded) {
    if (!has_snapshots()) return Nothing{};
    const auto snapshot = kind_.snapshots->load(stream);
    if (!snapshot) return snapshot.error();
    if (!*snapshot || (*snapshot)->state_version != kind_.state_version) return Nothing{};
    auto state = kind_.restore((*snapshot)->state);
    if (state) loaded = {std::move(state).value(), (*snapshot)->version};
    return Nothing{};
  }

  [[nodiscard]] Status catch_up(const std::string& stream, Loaded<State>& loaded) {
    Status folded = Nothing{};
    const StoredEventHandler fold = [&](const StoredEvent& event) { return kind_.fold(loaded.state, event); };
    const StreamVersion from = loaded.version + 1;
    const auto end = store_.read_stream({.stream = stream, .from = from}, [&](StoredEvent& event) {
      if (event.version != loaded.version + 1) {
        folded = truncated(stream, loaded.version, event.version);
      } else {
        folded = handle_event(fold, event);
      }
      if (!folded) return Visit::stop;
      loaded.version = event.version;
      return Visit::more;
    });
    if (!end) return end.error();
    if (end->events == 0) {
      // Nothing new, or nothing left: where all events were removed none is there whose version would tell.
      const auto known = store_.stream(stream);
      if (!known) return known.error();
      if (known->first > loaded.version + 1) folded = truncated(stream, loaded.version, known->first);
    }
    if (!folded) hot_.forget(stream);
    return folded;
  }

  [[nodiscard]] static Error truncated(const std::string& stream, StreamVersion have, StreamVersion first) {
    return {"events " + std::to_string(have + 1) + " to " + std::to_string(first - 1) +
                " have been truncated, and no snapshot holds them",
            stream};
  }

  void take_snapshot(const std::string& stream, StreamVersion before, const Loaded<State>& loaded) {
    if (!has_snapshots()) return;
    if (before / kind_.snapshot_every == loaded.version / kind_.snapshot_every) return;
    // A failure here costs the next load time, and the store says it again at the next append.
    static_cast<void>(
        kind_.snapshots->save(stream, {loaded.version, kind_.state_version, kind_.save(loaded.state)})
            .has_value());
  }

  EventStore& store_;
  const AggregateKind<State> kind_;
  HotStates<State> hot_;
};

}  // namespace headrace
