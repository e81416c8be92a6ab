#include "event_select.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace headrace::sqlite {
namespace {

constexpr const char* kSetType = "headrace.topic_set";
constexpr int kFirstFree = 4;  // ?1 after, ?2 to, ?3 limit

void topic_in(sqlite3_context* context, int, sqlite3_value** arguments) {
  auto* set = static_cast<TopicSet*>(sqlite3_value_pointer(arguments[0], kSetType));
  const std::int64_t id = sqlite3_value_int64(arguments[1]);
  if (!set || id <= 0 || id > std::numeric_limits<std::int32_t>::max()) {
    sqlite3_result_int(context, 0);
    return;
  }
  const auto at = static_cast<std::size_t>(id);
  if (at >= set->known.size()) set->known.resize(std::max(at + 1, 2 * set->known.size()));
  if (set->known[at] == 0) {
    const std::string* name = set->topics->find(id);
    set->known[at] = name && matches_topic(*set->item, *name) ? 1 : -1;
  }
  sqlite3_result_int(context, set->known[at] > 0);
}

std::string parameter(int number) { return "?" + std::to_string(number); }

/// The parameters of an item are its topic set, then its tags.
int parameters_of(const EventQuery::Item& item) { return 1 + static_cast<int>(item.tags.size()); }

}  // namespace

Status add_topic_function(Connection& connection) {
  const int code = sqlite3_create_function_v2(connection.handle(), "topic_in", 2,
                                              SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                                              topic_in, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return connection.error(code, "prepare");
  return Nothing{};
}

Result<Statement*> EventSelect::Cache::find(Connection& connection, const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return &found->second;
  auto statement = connection.prepare(sql);
  if (!statement) return statement.error();
  // Shapes of queries are few; who makes them up without end pays for preparing them.
  if (statements_.size() >= kStatementsMax) statements_.clear();
  return &statements_.emplace(sql, std::move(statement).value()).first->second;
}

EventSelect::EventSelect(const EventQuery& query, Names& topics) : query_(query) {
  for (const EventQuery::Item& item : query.any_of) sets_.push_back({&item, &topics, {}});
}

std::string EventSelect::condition() const {
  std::string any;
  int next = kFirstFree;
  for (const EventQuery::Item& item : query_.any_of) {
    std::string all;
    const auto also = [&](const std::string& term) { all += (all.empty() ? "" : " AND ") + term; };
    if (!item.topics.empty()) also("topic_in(" + parameter(next) + ", e.topic_id)");
    for (std::size_t tag = 0; tag < item.tags.size(); ++tag) {
      // The driver of a lone item has seen to its first tag.
      if (tag == 0 && query_.any_of.size() == 1) continue;
      also("EXISTS (SELECT 1 FROM event_tags t WHERE t.tag = " + parameter(next + 1 + static_cast<int>(tag)) +
           " AND t.position = e.position)");
    }
    any += (any.empty() ? "(" : " OR (") + (all.empty() ? std::string{"1"} : all) + ")";
    next += parameters_of(item);
  }
  return any.empty() ? "1" : any;
}

// Where every item has a tag the index of tags leads, by the first tag of each; otherwise the positions do.
std::string EventSelect::driver(Direction direction) const {
  const bool tagged = !query_.any_of.empty() && std::all_of(query_.any_of.begin(), query_.any_of.end(),
                                                            [](const auto& item) { return !item.tags.empty(); });
  const std::string order = direction == Direction::forward ? "" : " DESC";
  if (!tagged) return "events e WHERE e.position > ?1 AND e.position <= ?2 AND (";
  std::string positions;
  int next = kFirstFree;
  for (const EventQuery::Item& item : query_.any_of) {
    positions += positions.empty() ? "" : " UNION ";
    positions += "SELECT position FROM event_tags WHERE tag = " + parameter(next + 1) +
                 " AND position > ?1 AND position <= ?2";
    next += parameters_of(item);
  }
  return "(" + positions + " ORDER BY position" + order +
         ") q CROSS JOIN events e ON e.position = q.position WHERE (";
}

std::string EventSelect::sql(std::string_view columns, Direction direction) const {
  const std::string from = driver(direction);
  std::string text = "SELECT ";
  text += columns;
  text += " FROM " + from + condition() + ") ORDER BY ";
  text += from.starts_with("(") ? "q.position" : "e.position";
  text += direction == Direction::forward ? " LIMIT ?3" : " DESC LIMIT ?3";
  return text;
}

Result<Statement*> EventSelect::prepare(Connection& connection, Cache& cache, std::string_view columns,
                                        Direction direction) {
  return cache.find(connection, sql(columns, direction));
}

void EventSelect::bind(Statement& statement, EventPosition after, EventPosition to, std::size_t limit) {
  statement.bind(1, clamped(after));
  statement.bind(2, clamped(to));
  statement.bind(3, clamped(limit));
  int next = kFirstFree;
  for (TopicSet& set : sets_) {
    sqlite3_bind_pointer(statement.handle(), next++, &set, kSetType, nullptr);
    for (const std::string& tag : set.item->tags) statement.bind(next++, std::string_view{tag});
  }
}

}  // namespace headrace::sqlite
