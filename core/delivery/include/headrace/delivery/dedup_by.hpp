#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/event/event_traits.hpp"
#include "headrace/port/dedup_store.hpp"

namespace headrace {

/// What a function may answer to say which events are the same: a key as it is, an event's id, a number, or a text,
/// of which 128 bits of a hash are kept. Or one of these in an optional: events without one are never copies.
template <class Answer>
concept DedupIdentity = std::same_as<Answer, DedupKey> || std::same_as<Answer, EventId> || std::integral<Answer> ||
    std::is_enum_v<Answer> || std::convertible_to<Answer, std::string_view>;

namespace delivery_detail {

template <class Answer>
struct DedupAnswerIs {
  using Identity = Answer;
  static std::optional<DedupKey> key(const Answer& answer) {
    if constexpr (std::same_as<Answer, DedupKey>) {
      return answer;
    } else if constexpr (std::same_as<Answer, EventId>) {
      return DedupKey::of(answer);
    } else if constexpr (std::integral<Answer> || std::is_enum_v<Answer>) {
      return DedupKey{0, static_cast<std::uint64_t>(answer)};
    } else {
      return DedupKey::of(std::string_view(answer));
    }
  }
};
template <class Answer>
struct DedupAnswerIs<std::optional<Answer>> {
  using Identity = Answer;
  static std::optional<DedupKey> key(const std::optional<Answer>& answer) {
    return answer ? DedupAnswerIs<Answer>::key(*answer) : std::nullopt;
  }
};

}  // namespace delivery_detail

/// Which events of one type are the same, by a function of what is in them; made by dedup_by().
///
/// Threads:  the function is called on every worker of its subscription, and more than once for an event: it always
///           answers the same, and changes nothing.
/// Errors:   one that throws is the handler's failure: the subscription's policy for its exception decides.
class DedupBy {
 public:
  DedupBy() = default;

  explicit operator bool() const noexcept { return key_ != nullptr; }
  [[nodiscard]] EventTypeId type() const noexcept { return type_; }
  [[nodiscard]] std::optional<DedupKey> key(const void* event) const { return key_(function_.get(), event); }

 private:
  template <Event T, class F>
  friend DedupBy dedup_by(F function);

  using Key = std::optional<DedupKey> (*)(const void* function, const void* event);
  std::shared_ptr<const void> function_;
  Key key_ = nullptr;
  EventTypeId type_ = 0;
};

/// For Deduplicated::by: `hr::dedup_by<Order>([](const Order& order) { return order.invoice; })`. See DedupIdentity for
/// what the function may return.
template <Event T, class F>
[[nodiscard]] DedupBy dedup_by(F function) {
  using Answer = delivery_detail::DedupAnswerIs<std::remove_cvref_t<std::invoke_result_t<const F&, const T&>>>;
  static_assert(DedupIdentity<typename Answer::Identity>, "it is no identity: see DedupIdentity");
  DedupBy by;
  by.function_ = std::make_shared<const F>(std::move(function));
  by.key_ = [](const void* self, const void* event) {
    return Answer::key((*static_cast<const F*>(self))(*static_cast<const T*>(event)));
  };
  by.type_ = event_type_id<T>();
  return by;
}

}  // namespace headrace
