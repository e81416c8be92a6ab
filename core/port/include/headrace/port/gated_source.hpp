#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "headrace/port/connection_loop.hpp"
#include "headrace/port/source.hpp"
#include "headrace/port/source_gate.hpp"

namespace headrace {

/// How a source speaks with its broker: the part of a GatedSource that an adapter writes. For adapters.
///
/// Threads:  check() on the one that starts the source; connect_and_serve() on the loop's; cut() on the one that stops.
/// Lifetime: the source ends the loop's thread before the reader goes.
class SourceReader {
 public:
  /// Where connect_and_serve() waits, to be woken by answers and changes.
  enum class Waits : std::uint8_t {
    on_waker,  ///< loop().waker()
    on_inbox,  ///< gate().inbox()->take()
  };
  /// What is out when connect_and_serve() returns.
  enum class Out : std::uint8_t {
    ends_with_connection,  ///< its settles do nothing any more: the broker delivers it again
    is_the_readers,        ///< who calls renew() when there is nobody to hear of it any more
  };
  struct Setup {
    ConnectionLoop::Options loop = {};
    Capabilities capabilities = {};
    Waits waits = Waits::on_waker;
    Out out = Out::ends_with_connection;
  };
  virtual ~SourceReader() = default;

 protected:
  explicit SourceReader(Setup setup);
  /// Before each start: an error of options.
  [[nodiscard]] virtual Status check() = 0;
  /// ConnectionLoop::Serve. What becomes of the messages that are out then: Setup::out.
  [[nodiscard]] virtual Status connect_and_serve() = 0;
  /// ConnectionLoop::Cut.
  virtual void cut() {}

  /// Hands a message over, whose outcome comes out of the gate's inbox under `tag`.
  void deliver(Message&& message, std::uint64_t tag, bool redelivered, unsigned attempt) {
    deliver_({std::move(message), Settle(gate_.inbox(), gate_.inbox()->issue(tag)), redelivered, attempt});
  }
  [[nodiscard]] SourceGate& gate() noexcept { return gate_; }
  [[nodiscard]] const SourceGate& gate() const noexcept { return gate_; }
  [[nodiscard]] ConnectionLoop& loop() noexcept { return loop_; }
  [[nodiscard]] const ConnectionLoop& loop() const noexcept { return loop_; }

 private:
  friend class GatedSource;
  const Capabilities capabilities_;
  const Out out_;
  SourceGate gate_;
  ConnectionLoop loop_;
  Source::Deliver deliver_;
};

/// The face of a source whose answers pass a SourceGate and whose connection is a ConnectionLoop's. For adapters.
class GatedSource : public Source {
 public:
  /// Stops without waiting.
  ~GatedSource() override;

  [[nodiscard]] Status start(Deliver deliver) override;
  void pause() override;
  void resume() override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 protected:
  explicit GatedSource(std::unique_ptr<SourceReader> reader);
  [[nodiscard]] const SourceReader& reader() const noexcept { return *reader_; }

 private:
  const std::unique_ptr<SourceReader> reader_;
};

}  // namespace headrace
