#include "ndjson_decoder.hpp"
#include "pieces.hpp"

// Input: NDJSON. Small limits, so that they are met. What is read and written again reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace::program;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  NdjsonOptions options;
  options.record_bytes_max = 96;
  options.depth_max = 6;
  same_in_pieces<NdjsonDecoder>(input, options);

  struct Writer final : DecoderSink {
    std::string out;
    Flow on_record(Record record) override {
      append_json(out, record);
      out += "\n";
      return Flow::go_on;
    }
    Flow on_reject(const Reject&) override { return Flow::go_on; }
  };
  const auto rewritten = [](std::string_view text) {
    FieldTable mentioned;
    SchemaPool schemas(mentioned);
    NdjsonDecoder decoder({}, schemas);
    Writer writer;
    require(decoder.feed(text, writer) == Flow::go_on && decoder.finish(writer) == Flow::go_on);
    return writer.out;
  };
  const std::string once = rewritten(input);
  require(rewritten(once) == once);
  return 0;
}
