#include "store_end.hpp"

#include "headrace/sqlite/event_store.hpp"

namespace headrace::program {

Status StoreEnd::start() {
  auto store = SqliteEventStore::open({.file = file_});
  if (!store) return store.error();
  sink_ = std::make_unique<StoreSink>(std::shared_ptr<EventStore>(std::move(*store)), options_);
  return sink_->start();
}

}  // namespace headrace::program
