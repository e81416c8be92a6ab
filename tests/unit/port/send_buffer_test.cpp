#include "headrace/port/send_buffer.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "headrace/port/waker.hpp"

namespace headrace {
namespace {

using std::chrono::milliseconds;

struct Sending : testing::Test {
  std::vector<std::string> answers;
  SendBuffer buffer{{.messages_max = 4, .bytes_max = 1'000'000, .window = 2}};

  SendResult put(const std::string& name) {
    Message message;
    message.topic = name;
    return buffer.put(std::move(message), [this, name](const Status& answer) {
      answers.push_back(name + (answer ? "" : ": " + answer.error().what));
    });
  }
  std::string next() {
    const auto* item = buffer.next();
    return item == nullptr ? "-" : item->message.topic + (item->sent_before ? " again" : "");
  }
  void SetUp() override {
    EXPECT_EQ(put("early"), SendResult::closed);
    buffer.open();
  }
};

// Claim:  messages leave in order, no more than the window at once, and the buffer is full at its limit.
// Method: five messages in a buffer of four with a window of two.
TEST_F(Sending, WindowAndBufferAreBounded) {
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(put(name), SendResult::taken);
  EXPECT_EQ(put("e"), SendResult::full);
  EXPECT_FALSE(buffer.wait_for_room(milliseconds(0)));
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "-");
  buffer.confirm(2, Nothing{});
  EXPECT_EQ(answers, std::vector<std::string>{"b"});
  EXPECT_TRUE(buffer.wait_for_room(milliseconds(0)));
  EXPECT_EQ(put("e"), SendResult::taken);
  EXPECT_EQ(next(), "c");
  buffer.confirm(2, Nothing{});   // twice
  buffer.confirm(77, Nothing{});  // never sent
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_EQ(buffer.size(), 4U);
  EXPECT_EQ(buffer.in_flight(), 2U);
}

// Claim:  after a broken connection what was not confirmed leaves first, in order, and marked.
// Method: one of three confirmed before the break.
TEST_F(Sending, UnconfirmedMessagesLeaveAgainInOrder) {
  for (const char* name : {"a", "b", "c"}) (void)put(name);
  (void)next();
  (void)next();
  buffer.confirm(1, Error{"refused", ""});
  (void)next();
  buffer.send_again();
  EXPECT_EQ(buffer.in_flight(), 0U);
  EXPECT_EQ(next(), "b again");
  EXPECT_EQ(next(), "c again");
  buffer.confirm_up_to(3, Nothing{});
  EXPECT_EQ(answers, (std::vector<std::string>{"a: refused", "b", "c"}));
  EXPECT_TRUE(buffer.wait_until_empty(milliseconds(0)));
}

// Claim:  what is given up is answered once, with the reason, and the buffer stays closed to all.
// Method: one in flight, one waiting.
TEST_F(Sending, GivenUpMessagesAreAnswered) {
  (void)put("a");
  (void)put("b");
  (void)next();
  buffer.close();
  EXPECT_EQ(put("late"), SendResult::closed);
  EXPECT_FALSE(buffer.wait_until_empty(milliseconds(0)));
  EXPECT_EQ(buffer.abandon(Error{"stopped", ""}), 2U);
  EXPECT_EQ(answers, (std::vector<std::string>{"a: stopped", "b: stopped"}));
  EXPECT_EQ(buffer.abandon(Error{"stopped", ""}), 0U);
}

// Claim:  a thread that waits for room goes on when a message is confirmed; one that waits for work is told when one
//         is put.
// Method: a full buffer emptied by another thread.
TEST_F(Sending, WaitersAreWoken) {
  for (const char* name : {"a", "b", "c", "d"}) (void)put(name);
  Waker waker;
  buffer.on_put([&] { waker.wake(); });
  std::thread sender([&] {
    for (std::uint64_t number = 0; number < 5;) {
      waker.begin();
      if (const SendBuffer::Item* item = buffer.next()) {
        number = item->number;
        buffer.confirm(number, Nothing{});
      } else {
        waker.wait(-1, std::chrono::hours(1));
      }
    }
  });
  EXPECT_TRUE(buffer.wait_for_room(milliseconds::max()));
  EXPECT_EQ(put("e"), SendResult::taken);
  EXPECT_TRUE(buffer.wait_until_empty(milliseconds::max()));
  sender.join();
  EXPECT_EQ(answers.size(), 5U);
}

}  // namespace
}  // namespace headrace
