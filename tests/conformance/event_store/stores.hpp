#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "headrace/sourcing/topic_filter.hpp"
#include "stored_events.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<EventStore>(const std::filesystem::path& folder)> open;

  friend void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }
};

/// Every event store that this build has.
[[nodiscard]] std::vector<StoreKind> store_kinds();

/// A fresh store of each kind, one after the other.
class EventStoreConformance : public ::testing::TestWithParam<StoreKind> {
 protected:
  EventStoreConformance() : store_(GetParam().open(folder_.path())) {}

  AppendReceipt append(const AppendRequest& request) {
    auto receipt = store_->append(request);
    HEADRACE_CHECK("test.append", receipt.has_value(), "an append failed");
    return *receipt;
  }
  AppendReceipt append(std::string stream, ExpectedVersion expected, std::vector<EncodedEvent> events) {
    return append(AppendRequest::to(std::move(stream), expected, std::move(events)));
  }
  void reopen() {
    store_.reset();
    store_ = GetParam().open(at_);
  }
  /// Another fresh store.
  void start_over(const std::string& name) {
    at_ = folder_.path() / name;
    std::filesystem::create_directory(at_);
    reopen();
  }

  TemporaryFolder folder_;
  std::filesystem::path at_ = folder_.path();
  std::unique_ptr<EventStore> store_;
};

#define HEADRACE_EVERY_STORE(Suite)                                          \
  INSTANTIATE_TEST_SUITE_P(Every, Suite, ::testing::ValuesIn(store_kinds()), \
                           [](const auto& kind) { return kind.param.name; })

}  // namespace headrace::test
