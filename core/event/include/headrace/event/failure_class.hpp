#pragma once

#include <cstdint>
#include <string_view>

namespace headrace {

/// Why an event was not handled. The numbers are stored: a new class gets a new number.
enum class FailureClass : std::uint8_t {
  none = 0,
  failed = 1,           ///< the handler answered that it could not, until no attempt was left
  threw = 2,            ///< the handler threw, until no attempt was left
  rejected = 3,         ///< the handler gave the event up
  expired = 4,          ///< its time to live was over before a handler saw it
  undecodable = 5,      ///< its bytes are not what its type says
  version_unknown = 6,  ///< of a newer version than this program knows
  too_large = 7,        ///< over its topic's limit
  no_room = 8,          ///< the budget for waiting events was used up
  behind = 9,           ///< never tried: it stands behind an earlier event of its key
  abandoned = 10,       ///< the bus stopped before its turn came
};

[[nodiscard]] constexpr std::string_view to_string(FailureClass failure) noexcept {
  switch (failure) {
    case FailureClass::none:
      return "none";
    case FailureClass::failed:
      return "failed";
    case FailureClass::threw:
      return "threw";
    case FailureClass::rejected:
      return "rejected";
    case FailureClass::expired:
      return "expired";
    case FailureClass::undecodable:
      return "undecodable";
    case FailureClass::version_unknown:
      return "version_unknown";
    case FailureClass::too_large:
      return "too_large";
    case FailureClass::no_room:
      return "no_room";
    case FailureClass::behind:
      return "behind";
    case FailureClass::abandoned:
      return "abandoned";
  }
  return "unknown";
}

}  // namespace headrace
