#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/base/result.hpp"
#include "headrace/event/event_fields.hpp"
#include "headrace/event/field_value.hpp"

namespace headrace {

/// Steps that bring events of old schema versions up to the present one: v1 -> v2 -> v3, by the topic of the event
/// type's description. Each step is registered once; decode_event() (core/port/codec.hpp) applies them, so that
/// every path on which an old event enters has them: wire, store, dead letters, replay.
///
/// A step works on fields without a type (`fields.rename("cents", "total_cents")`), so that the old version's
/// struct may be gone; or from the old type to the new one, where both are kept.
///
/// Threads:   add and require at start-up; afterwards everything else from any thread.
class Upcasters {
 public:
  using Step = std::function<Status(FieldValue& fields)>;

  /// From `version` to the next. Throws ConfigError for version 0 and for a step that is there already.
  void add(std::string_view topic, std::uint32_t version, Step step);
  /// The same by types: `convert` takes an Old and returns a New.
  template <DescribedEvent Old, DescribedEvent New, class F>
  requires std::is_invocable_r_v<New, F&, const Old&>
  void add(F convert) {
    static_assert(event_topic<Old>() == event_topic<New>(), "both versions are of one topic");
    static_assert(event_version<Old>() + 1 == event_version<New>(), "a step leads to the next version");
    add(event_topic<Old>(), event_version<Old>(), [convert = std::move(convert)](FieldValue& fields) -> Status {
      Result<Old> old = from_fields<Old>(fields);
      if (!old) return old.error();
      fields = to_fields<New>(convert(*old));
      return Nothing{};
    });
  }

  /// Says that events of T from version `oldest` on may come in; check() then misses no step.
  template <DescribedEvent T>
  void require(std::uint32_t oldest = 1) {
    require(event_topic<T>(), oldest, event_version<T>());
  }
  void require(std::string_view topic, std::uint32_t oldest, std::uint32_t newest);

  /// For start-up: names every step that something required lacks, and every one that leads beyond what is
  /// required.
  [[nodiscard]] Status check() const;
  /// The same of one topic whose newest version is known: from the oldest version required, or else the oldest with a
  /// step, no step lacks, and none leads beyond. A topic without steps of which nothing is required has no fault.
  [[nodiscard]] Status check_topic(std::string_view topic, std::uint32_t newest) const;

  /// What `version` says before anything is decoded: an error for 0, for one newer than `known`, and for one from
  /// which no steps lead there.
  [[nodiscard]] Status check_version(std::string_view topic, std::uint32_t version, std::uint32_t known) const;
  /// Changes the fields step by step. A step that fails or throws is an error that names it.
  [[nodiscard]] Status upcast(std::string_view topic, std::uint32_t version, std::uint32_t known,
                              FieldValue& fields) const;

 private:
  struct Topic {
    std::map<std::uint32_t, Step> steps;
    std::uint32_t oldest = 0;  ///< required; 0: nothing is
    std::uint32_t newest = 0;
  };
  [[nodiscard]] static std::string faults_of(std::string_view name, const Topic& topic, std::uint32_t oldest,
                                             std::uint32_t newest);
  [[nodiscard]] const Step* find(std::string_view topic, std::uint32_t version) const;

  std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace headrace
