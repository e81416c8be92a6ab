#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "program.hpp"

namespace headrace::program {
namespace {

// Claim:  the program shows a transaction from a file that another program has open, in each of its forms, and
//         says when there is none.
TEST(TraceCommand, ShowsATransactionOfAFileInUse) {
  const Folder folder;
  const std::string file = folder.path("events.db");
  const auto store = SqliteEventStore::open({.file = file}).value();
  std::vector<EncodedEvent> events(2);
  for (EncodedEvent& event : events) {
    event.envelope.id = EventId::make();
    event.envelope.correlation = events[0].envelope.id;
  }
  events[0].envelope.topic = "orders.placed";
  events[1].envelope.topic = "stock.reserved";
  events[1].envelope.causation = events[0].envelope.id;
  events[1].envelope.headers = {{"attempt", "2"}};
  ASSERT_TRUE(store->append(AppendRequest::to("order-7", ExpectedVersion::none(), events)));

  const std::string id = events[1].envelope.id.to_string();
  const Outcome text = run_program({"trace", id, file});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("└─ stock.reserved  order-7@2  attempt=2"), std::string::npos) << text.out;
  EXPECT_TRUE(run_program({"trace", id, file, "--format", "mermaid"}).out.starts_with("flowchart TD\n"));
  EXPECT_TRUE(run_program({"trace", id, file, "--format", "graphviz"}).out.starts_with("digraph trace {\n"));
  const auto last = nlohmann::json::parse(run_program({"trace", id, file, "--json"}).last_line());
  EXPECT_EQ(last["id"], id);
  EXPECT_EQ(last["cause"], events[0].envelope.id.to_string());
  EXPECT_EQ(last["stream"], "order-7");

  EXPECT_EQ(run_program({"trace", EventId::make().to_string(), file}).exit_code, 1);
  EXPECT_EQ(run_program({"trace", "7", file}).exit_code, 2);
  EXPECT_EQ(run_program({"trace", id, folder.path("none.db")}).exit_code, 1);
}

}  // namespace
}  // namespace headrace::program
