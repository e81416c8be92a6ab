#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/dispatch/entry_table.hpp"
#include "headrace/dispatch/publisher_state.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/dispatch/worker.hpp"
#include "headrace/route/quiescence.hpp"

namespace headrace {

/// Routes and entries that were replaced, until nobody can hold them: first every publisher has left the old
/// route, then every worker has settled what was published by it. Looked at when subscriptions change; nothing
/// waits.
class RetiredRoutes {
 public:
  using Publishers = std::vector<PublisherState*>;
  using Workers = std::vector<std::unique_ptr<Worker>>;

  void add(std::unique_ptr<const Route> route, std::vector<const DispatchEntry*> entries,
           const Publishers& publishers);
  /// Frees what can be freed.
  void collect(EntryTable& entries, const Publishers& publishers, const Workers& workers);
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

 private:
  struct Waiting {
    std::unique_ptr<const Route> route;
    std::vector<const DispatchEntry*> entries;
    GracePeriod grace;
    struct Mark {
      const PublisherLane* lane;
      std::uint64_t entered;
    };
    std::vector<Mark> lanes;  ///< what each lane had been given when the grace period ended
    bool left_by_publishers = false;
    bool balanced_settled = false;
  };
  static bool settled(Waiting& waiting, const Publishers& publishers, const Workers& workers);

  std::vector<Waiting> waiting_;
};

}  // namespace headrace
