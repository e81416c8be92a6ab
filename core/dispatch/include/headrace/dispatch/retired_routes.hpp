#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "headrace/dispatch/routes.hpp"
#include "headrace/route/quiescence.hpp"

namespace headrace {

/// Routes and handler lists that were replaced, until every publisher and worker that may have read them has moved
/// on. Looked at when subscriptions change; nothing waits.
class RetiredRoutes {
 public:
  using Readers = std::vector<const RouteReader*>;

  /// What one change replaced, over all topics: one grace period, and one membarrier, serves for it all.
  struct Batch {
    std::vector<std::unique_ptr<const Route>> routes;
    std::vector<std::unique_ptr<const HandlerList>> handlers;
  };

  void add(Batch batch, const Readers& readers) {
    if (batch.routes.empty() && batch.handlers.empty()) return;
    waiting_.push_back({std::move(batch), GracePeriod(readers)});
  }
  void collect() {
    std::erase_if(waiting_, [](Waiting& waiting) { return waiting.grace.elapsed(); });
  }
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    Batch batch;
    GracePeriod grace;
  };
  std::vector<Waiting> waiting_;
};

}  // namespace headrace
