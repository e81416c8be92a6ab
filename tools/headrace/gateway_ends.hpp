#pragma once

#include <memory>

#include "gateway_config.hpp"
#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

namespace headrace::program {

// The one place of the program that knows the brokers' sources and sinks.

/// Whether the URL can be used, and this build has the adapter. Errors repeat nothing of the URL.
[[nodiscard]] Status check_url(const EndConfig& end);
/// `changed` is told of the end's health, on a thread of its own.
[[nodiscard]] std::unique_ptr<Source> make_source(const SourceEndConfig& config, HealthBoard::Changed changed);
[[nodiscard]] std::unique_ptr<Sink> make_sink(const SinkEndConfig& config, HealthBoard::Changed changed);

}  // namespace headrace::program
