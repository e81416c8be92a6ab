#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "headrace/simulation/recording.hpp"
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

// Claim:  the program shows a transaction from a recording, too, and says where a torn one ends.
// Method: two events of a transaction, and half of a third.
TEST(TraceCommand, ShowsATransactionOfARecording) {
  const Folder folder;
  const std::string path = folder.path("monday.recording");
  const EventId first = EventId::make();
  std::ostringstream bytes;
  RecordingWriter writer(bytes);
  for (const char* topic : {"orders.placed", "stock.reserved", "mail.sent"}) {
    RecordedEvent event;
    event.event.envelope.topic = topic;
    event.event.envelope.id = topic == std::string("orders.placed") ? first : EventId::make();
    event.event.envelope.correlation = first;
    if (event.event.envelope.id != first) event.event.envelope.causation = first;
    ASSERT_TRUE(writer.write(event));
  }
  std::ofstream(path, std::ios::binary) << bytes.str();
  const Outcome whole = run_program({"trace", first.to_string(), path});
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_NE(whole.out.find("├─ stock.reserved  recording@2"), std::string::npos) << whole.out;
  EXPECT_TRUE(
      run_program({"trace", first.to_string(), path, "--format", "mermaid"}).out.starts_with("flowchart TD\n"));

  std::ofstream(path, std::ios::binary) << bytes.str().substr(0, bytes.str().size() - 3);
  const Outcome torn = run_program({"trace", first.to_string(), path});
  EXPECT_EQ(torn.exit_code, 1);
  EXPECT_NE(torn.out.find("└─ stock.reserved  recording@2"), std::string::npos) << torn.out;
  EXPECT_NE(torn.err.find("ends within an event"), std::string::npos) << torn.err;
}

}  // namespace
}  // namespace headrace::program
