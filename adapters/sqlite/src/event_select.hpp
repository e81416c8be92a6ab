#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "connection.hpp"
#include "headrace/port/event_store.hpp"
#include "names.hpp"

namespace headrace::sqlite {

/// The topics that an item of a query wants, by id: each is asked about once.
struct TopicSet {
  const EventQuery::Item* item;
  Names* topics;
  std::vector<signed char> known;  ///< by id: 0 not asked yet, 1 wanted, -1 not
};

/// Teaches the connection the SQL function topic_in(set, topic_id).
[[nodiscard]] Status add_topic_function(Connection& connection);

/// A SELECT over the events of a query between two positions, ready to be stepped. Holds what it binds: keep it,
/// and the query, until the statement is reset.
class EventSelect {
 public:
  /// Statements are kept by their text, since queries of one shape come again.
  class Cache {
   public:
    [[nodiscard]] Result<Statement*> find(Connection& connection, const std::string& sql);

   private:
    static constexpr std::size_t kStatementsMax = 64;
    std::map<std::string, Statement> statements_;
  };

  EventSelect(const EventQuery& query, Names& topics);
  EventSelect(const EventSelect&) = delete;
  EventSelect& operator=(const EventSelect&) = delete;

  /// Events behind `after` up to `to`, at most `limit`, bound and reset.
  [[nodiscard]] Result<Statement*> prepare(Connection& connection, Cache& cache, std::string_view columns,
                                           Direction direction);
  void bind(Statement& statement, EventPosition after, EventPosition to, std::size_t limit);

 private:
  [[nodiscard]] std::string sql(std::string_view columns, Direction direction) const;
  [[nodiscard]] std::string condition() const;
  [[nodiscard]] std::string driver(Direction direction) const;

  const EventQuery& query_;
  std::vector<TopicSet> sets_;  ///< one an item
};

}  // namespace headrace::sqlite
