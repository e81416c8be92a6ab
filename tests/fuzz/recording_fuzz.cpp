#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "headrace/simulation/recording.hpp"

namespace {

using namespace headrace;

void require(bool holds) {
  if (!holds) std::abort();
}

/// So that inputs get behind the checksum: lengths are kept, sums are made right.
std::string with_sums(const std::string& bytes) {
  std::string mended = bytes;
  std::size_t at = mended.find('\n') + 1;
  while (at != 0 && at + 4 <= mended.size()) {
    std::uint64_t length = 0;
    for (unsigned i = 0; i < 4; ++i)
      length |= std::uint64_t{static_cast<unsigned char>(mended[at + i])} << (8 * i);
    if (length + 12 > mended.size() - at) break;
    std::uint64_t sum = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < length; ++i) {
      sum = (sum ^ static_cast<unsigned char>(mended[at + 4 + i])) * 0x100000001b3;
    }
    for (unsigned i = 0; i < 8; ++i) mended[at + 4 + length + i] = static_cast<char>(sum >> (8 * i));
    at += length + 12;
  }
  return mended;
}

}  // namespace

// Input: a recording.
// Claim: no bytes crash the reader, and each error has a text; what it reads is written as the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = with_sums({reinterpret_cast<const char*>(data), size});
  std::istringstream in(bytes);
  RecordingReader reader(in);
  std::ostringstream out;
  RecordingWriter writer(out);
  for (;;) {
    const auto next = reader.next();
    if (!next) {
      require(!next.error().what.empty() && !next.error().where.empty());
      break;
    }
    if (!*next) {
      require(bytes == out.str());
      break;
    }
    require(writer.write(**next).has_value());
    require(bytes.starts_with(out.str()));
  }
  return 0;
}
