#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "headrace/port/message.hpp"

namespace headrace::redis {

/// A message as the fields of a stream's entry: `body`, `topic`, `key`, `content_type`, and `header:NAME` for each
/// header. An entry without a body is somebody else's: its fields become headers as they are.
///
/// Appends names and values; they refer to the message and to `names`.
void append_fields(const Message& message, std::vector<std::string>& names, std::vector<std::string_view>& words);
/// Appends the header of a message that its receiver may have already (kAgainHeader).
void append_again_mark(std::vector<std::string_view>& words);
[[nodiscard]] Message to_message(const redisReply& fields, std::string_view stream);

}  // namespace headrace::redis
