#pragma once

#include <memory>

#include "config.hpp"
#include "decoder.hpp"
#include "headrace/base/result.hpp"
#include "interrupt.hpp"

namespace headrace::program {

/// A sink that is told where the records that follow come from.
class SourceSink : public DecoderSink {
 public:
  virtual void on_origin(std::string_view name) = 0;
};

[[nodiscard]] std::unique_ptr<Decoder> make_decoder(const SourceConfig& config, SchemaPool& schemas);

/// Reads the source to its end, or until the sink or a signal stops it. The whole is never in memory.
[[nodiscard]] Status read_source(const SourceConfig& config, SchemaPool& schemas, const Interrupt& interrupt,
                                 SourceSink& sink);

/// The part of it that listens (tcp_source.cpp): every connection is a stream of its own, with its own header.
[[nodiscard]] Status read_tcp(const SourceConfig& config, SchemaPool& schemas, const Interrupt& interrupt,
                              SourceSink& sink);

}  // namespace headrace::program
