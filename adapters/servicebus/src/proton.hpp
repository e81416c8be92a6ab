#pragma once

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headrace::servicebus {

// Short ways to say what every user of proton's C functions says.

[[nodiscard]] inline pn_bytes_t bytes_of(std::string_view text) noexcept { return {text.size(), text.data()}; }
[[nodiscard]] inline std::string_view text_of(pn_bytes_t bytes) noexcept { return {bytes.start, bytes.size}; }
[[nodiscard]] inline std::string_view text_of(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

struct FreeMessage {
  void operator()(pn_message_t* message) const noexcept { pn_message_free(message); }
};
using MessagePtr = std::unique_ptr<pn_message_t, FreeMessage>;

/// A string, symbol or binary, or nothing; of the value that `data` stands at.
[[nodiscard]] std::optional<std::string_view> text_at(pn_data_t* data);
[[nodiscard]] std::optional<std::int64_t> number_at(pn_data_t* data);

/// Calls `entry(name, data)` for each entry whose name is a text of the map that `map` stands at; data stands at its
/// value, which `entry` may read but not leave.
template <class Entry>
void each_entry_here(pn_data_t* map, Entry entry) {
  if (pn_data_type(map) != PN_MAP) return;
  const std::size_t nodes = pn_data_get_map(map);
  pn_data_enter(map);
  for (std::size_t i = 0; i + 1 < nodes && pn_data_next(map); i += 2) {
    const auto name = text_at(map);
    if (pn_data_next(map) && name) entry(*name, map);
  }
  pn_data_exit(map);
}
/// Of the map that `map` begins with.
template <class Entry>
void each_entry(pn_data_t* map, Entry entry) {
  pn_data_rewind(map);
  if (pn_data_next(map)) each_entry_here(map, entry);
}

/// Puts what `message` says at the end of `into`.
void encode(pn_message_t* message, std::string& into);

/// The whole of a message that has come; nothing while parts of it are missing.
[[nodiscard]] std::optional<std::string_view> read_whole(pn_delivery_t* delivery, std::string& buffer);

}  // namespace headrace::servicebus
