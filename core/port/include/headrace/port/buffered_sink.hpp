#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "headrace/port/connection_loop.hpp"
#include "headrace/port/send_buffer.hpp"
#include "headrace/port/sink.hpp"

namespace headrace {

/// How a sink speaks with its broker: the part of a BufferedSink that an adapter writes. For adapters.
///
/// Threads:  check() on the one that starts the sink; connect_and_serve() on the loop's; cut() on the one that stops.
/// Lifetime: the sink ends the loop's thread before the writer goes.
class SinkWriter {
 public:
  struct Setup {
    std::string where;  ///< what errors name
    SendBuffer::Limits buffer = {};
    ConnectionLoop::Options loop = {};
    Capabilities capabilities = {};
  };
  virtual ~SinkWriter() = default;

 protected:
  explicit SinkWriter(Setup setup)
      : where_(std::move(setup.where)),
        capabilities_(setup.capabilities),
        buffer_(setup.buffer),
        loop_(std::move(setup.loop)) {
    buffer_.on_put([this] { loop_.waker()->wake(); });
  }
  /// Before each start: an error of options.
  [[nodiscard]] virtual Status check() = 0;
  /// ConnectionLoop::Serve. What it sent and the broker did not confirm waits again afterwards.
  [[nodiscard]] virtual Status connect_and_serve() = 0;
  /// ConnectionLoop::Cut.
  virtual void cut() {}

  [[nodiscard]] SendBuffer& buffer() noexcept { return buffer_; }
  [[nodiscard]] ConnectionLoop& loop() noexcept { return loop_; }

 private:
  friend class BufferedSink;
  const std::string where_;
  const Capabilities capabilities_;
  SendBuffer buffer_;
  ConnectionLoop loop_;
};

/// The face of a sink whose messages wait in a SendBuffer and go out on a ConnectionLoop. For adapters.
class BufferedSink : public Sink {
 public:
  /// Stops without waiting.
  ~BufferedSink() override;

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 protected:
  explicit BufferedSink(std::unique_ptr<SinkWriter> writer);

 private:
  std::size_t halt();

  const std::unique_ptr<SinkWriter> writer_;
};

}  // namespace headrace
