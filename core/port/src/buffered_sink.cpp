#include "headrace/port/buffered_sink.hpp"

#include <utility>

namespace headrace {

BufferedSink::BufferedSink(std::unique_ptr<SinkWriter> writer) : writer_(std::move(writer)) {}

BufferedSink::~BufferedSink() { halt(); }

Status BufferedSink::start() {
  if (Status good = writer_->check(); !good) return good;
  writer_->buffer_.open();
  writer_->loop_.start(
      [writer = writer_.get()] {
        Status ended = writer->connect_and_serve();
        writer->buffer_.send_again();
        return ended;
      },
      [writer = writer_.get()] { writer->cut(); });
  return Nothing{};
}

SendResult BufferedSink::send(Message&& message, Confirm confirm) {
  if (message.body.size() > writer_->capabilities_.body_bytes_max) return SendResult::too_large;
  return writer_->buffer_.put(std::move(message), std::move(confirm));
}

bool BufferedSink::wait_for_room(std::chrono::milliseconds deadline) {
  return writer_->buffer_.wait_for_room(deadline);
}

std::size_t BufferedSink::stop(std::chrono::milliseconds deadline) {
  writer_->buffer_.close();
  (void)writer_->buffer_.wait_until_empty(deadline);
  return halt();
}

std::size_t BufferedSink::halt() {
  writer_->buffer_.close();
  writer_->loop_.halt();
  return writer_->buffer_.abandon(
      Error{"the sink was stopped before the broker confirmed it", writer_->where_, Error::Retry::maybe});
}

Health BufferedSink::health() const { return writer_->loop_.health().get(); }
Capabilities BufferedSink::capabilities() const { return writer_->capabilities_; }

}  // namespace headrace
