#pragma once

#include <string>
#include <string_view>

#include "connection.hpp"
#include "headrace/port/dead_letter.hpp"

namespace headrace::sqlite {

/// The columns of a dead letter, in the order in which read_letter takes them.
inline constexpr std::string_view kLetterColumns =
    "letter_id, subscription, event_id, topic, topic_version, key, happened_ns, correlation_id, causation_id, "
    "tags, headers, content_type, body, worker, failure, reason, attempts, attempts_made, first_failure_ns, "
    "last_failure_ns, parks_key, redrives, event_type";

/// Inserts a letter that has an id of 0, replaces one that has another; ends its lease.
[[nodiscard]] int write_letter(Statement& statement, const DeadLetter& letter);
inline constexpr std::string_view kWriteLetter =
    "INSERT OR REPLACE INTO dead_letters (letter_id, subscription, event_id, topic, topic_version, key, "
    "happened_ns, correlation_id, causation_id, tags, headers, content_type, body, worker, failure, reason, "
    "attempts, attempts_made, first_failure_ns, last_failure_ns, parks_key, redrives, event_type) VALUES (?1, ?2, "
    "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

/// False when the row cannot be read: the file is damaged.
[[nodiscard]] bool read_letter(const Statement& row, DeadLetter& letter);

}  // namespace headrace::sqlite
