#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/port/message.hpp"
#include "headrace/port/settle.hpp"

namespace headrace::memory {

/// A broker inside the process: queues by topic, each message to one consumer, kept until it is settled. The
/// reference for what adapters must do, and a stand-in for tests of programs that use one.
///
/// Order:    first in, first out by queue; what is retried comes back to the front.
/// Threads:  every function from any.
class MemoryBroker {
 public:
  struct Options {
    std::size_t queue_messages_max = 1'000'000;  ///< of each queue, unsettled ones included
    unsigned attempts_max = 0;                   ///< then a retry is a dead letter; 0: no limit
  };
  struct Taken {
    std::uint64_t tag = 0;
    unsigned attempt = 0;
    Message message;
  };
  using Connection = std::uint64_t;  ///< 0: none

  explicit MemoryBroker(Options options) : options_(options) {}
  MemoryBroker() : MemoryBroker(Options{}) {}

  /// 0 while the broker is down.
  [[nodiscard]] Connection connect();
  /// Unsettled messages of the connection go back.
  void disconnect(Connection connection);
  [[nodiscard]] bool is_connected(Connection connection) const;

  enum class Put : std::uint8_t { stored, full, disconnected };
  [[nodiscard]] Put put(Connection connection, const Message& message);
  /// Up to `count` messages of the queue; waits for the first until the deadline or wake().
  [[nodiscard]] std::vector<Taken> take(Connection connection, std::string_view queue, std::size_t count,
                                        std::chrono::milliseconds deadline);
  void settle(Connection connection, std::uint64_t tag, Settlement settlement);
  void wake();

  /// Every connection ends and none is made until start_again(). What is stored stays.
  void stop();
  void start_again();

  [[nodiscard]] std::vector<Message> dead_letters(std::string_view queue) const;
  [[nodiscard]] std::size_t size(std::string_view queue) const;

 private:
  struct Stored {
    unsigned attempts = 0;
    Message message;
  };
  struct Queue {
    std::deque<Stored> waiting;
    std::size_t out = 0;
    std::vector<Message> dead;
  };
  struct Out {
    Connection connection;
    std::string queue;
    Stored stored;
  };
  void put_back(Queue& queue, Stored stored);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::uint64_t, Out> out_;  ///< by tag, so in the order taken
  std::vector<Connection> connections_;
  std::uint64_t numbered_ = 0;
  std::uint64_t wakes_ = 0;
  bool up_ = true;
};

}  // namespace headrace::memory
