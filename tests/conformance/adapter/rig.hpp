#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

namespace headrace::test {

/// A broker that the suite may use up, and an adapter's two ends of it. Every test makes its own; what is in the
/// broker before is nobody's.
class Rig {
 public:
  virtual ~Rig() = default;
  /// A consumer of everything that is sent to topic(). What it leaves unsettled, the next one gets.
  [[nodiscard]] virtual std::unique_ptr<Source> source(std::size_t unsettled_max) = 0;
  [[nodiscard]] virtual std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) = 0;
  [[nodiscard]] virtual std::string topic() const = 0;
  /// How many messages the suite sends for its count of many: fewer for a broker that is slow because it writes
  /// each to its disk.
  [[nodiscard]] virtual std::size_t many_max() const { return static_cast<std::size_t>(-1); }
  enum class Stop { clean, kill };
  virtual void stop_broker(Stop how) = 0;
  virtual void start_broker() = 0;
  /// How many messages the broker holds as given up.
  [[nodiscard]] virtual std::size_t dead_letters() = 0;
};

/// Each program of the suite has one; nullptr where its broker is not to be had, and why.
[[nodiscard]] std::unique_ptr<Rig> make_rig();
[[nodiscard]] std::string why_no_rig();

}  // namespace headrace::test
