#include "csv_decoder.hpp"
#include "pieces.hpp"

// Input: CSV. Small limits, so that they are met.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace::program;
  CsvOptions options;
  options.record_bytes_max = 64;
  options.field_bytes_max = 16;
  same_in_pieces<CsvDecoder>({reinterpret_cast<const char*>(data), size}, options);
  return 0;
}
