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

  void add(std::unique_ptr<const Route> route, std::vector<std::unique_ptr<const HandlerList>> handlers,
           const Readers& readers) {
    waiting_.push_back({std::move(route), std::move(handlers), GracePeriod(readers)});
  }
  void collect() {
    std::erase_if(waiting_, [](Waiting& waiting) { return waiting.grace.elapsed(); });
  }
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    std::unique_ptr<const Route> route;
    std::vector<std::unique_ptr<const HandlerList>> handlers;
    GracePeriod grace;
  };
  std::vector<Waiting> waiting_;
};

}  // namespace headrace
