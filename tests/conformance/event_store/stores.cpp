#include "stores.hpp"

#include "headrace/sourcing/memory_event_store.hpp"
#if defined(HEADRACE_HAS_SQLITE)
#include "headrace/sqlite/event_store.hpp"
#endif

namespace headrace::test {

std::vector<StoreKind> store_kinds() {
  std::vector<StoreKind> kinds;
  kinds.push_back({"Memory", [](const auto&) { return std::make_unique<MemoryEventStore>(); }});
  kinds.push_back({"MemoryWithGaps", [](const auto&) {
                     return std::make_unique<MemoryEventStore>(MemoryEventStoreOptions{.position_step = 7});
                   }});
#if defined(HEADRACE_HAS_SQLITE)
  kinds.push_back({"Sqlite", [](const std::filesystem::path& folder) -> std::unique_ptr<EventStore> {
                     auto store = SqliteEventStore::open(
                         {.file = folder / "events.db", .durability = SqliteDurability::memory});
                     HEADRACE_CHECK("test.open", store.has_value(), store.error().message().c_str());
                     return std::move(store).value();
                   }});
#endif
  return kinds;
}

}  // namespace headrace::test
