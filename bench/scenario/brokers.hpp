#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "harness/bench.hpp"
#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

/// What the rows of the brokers' adapters share.
namespace headrace::bench {

inline constexpr std::size_t kBrokerBodyBytes = 200;
inline constexpr std::size_t kBrokerWindow = 1'000;  ///< unconfirmed, or unsettled

/// Messages to publish, and to take, in a measurement; of those who wait for each answer a share.
inline constexpr std::size_t kBrokerMessages = 30'000;
inline constexpr std::size_t kNaiveMessages = 2'000;

[[nodiscard]] Message broker_message(std::string topic);

/// Sends so many and waits until the broker has confirmed them all; answers thousands of messages a second.
[[nodiscard]] double confirmed_per_second(Sink& sink, const std::string& topic, std::size_t messages);
/// Takes so many, each settled at once, and stops the source, which tells the broker; answers thousands a second.
[[nodiscard]] double settled_per_second(Source& source, std::size_t messages);
/// The same from when it is connected, with its first message before it, to the goodbye's end: of sources that take
/// nothing while they are paused.
[[nodiscard]] double settled_per_second_once_up(Source& source, std::size_t messages);
/// Thousands a second of what `run` does.
[[nodiscard]] double thousands_per_second(std::size_t messages, const std::function<void()>& run);
/// Starts the sink and waits until it is up: connecting is no part of a rate.
void start_and_await(Sink& sink);

}  // namespace headrace::bench
