#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "headrace/wire/cloud_events.hpp"

namespace {

using namespace headrace;
using namespace headrace::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string take(std::string& from, char end) {
  const auto at = std::min(from.find(end), from.size());
  std::string part = from.substr(0, at);
  from.erase(0, at + 1);
  return part;
}

EncodedEvent sorted(EncodedEvent event) {
  std::ranges::sort(event.envelope.headers);
  return event;
}

}  // namespace

// Input: a byte of binding and mode, then lines `name: value` of headers up to an empty one, then the body.
// Claim: no bytes crash the parser; what it takes and writes again it reads as the same event.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto binding = static_cast<CloudEventsBinding>(data[0] & 3);
  const bool structured = (data[0] & 4) != 0 || binding == CloudEventsBinding::mqtt311;
  const auto mode = structured ? CloudEventsMode::structured : CloudEventsMode::binary;
  const CloudEvents format({binding, mode, "/fuzz", {2048, 8, 512, 256}});
  std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  Message message;
  message.content_type = take(rest, '\n');
  while (!rest.empty()) {
    std::string line = take(rest, '\n');
    if (line.empty()) break;
    std::string name = take(line, ':');
    if (binding != CloudEventsBinding::http && name.starts_with("ce-")) continue;
    message.headers.emplace_back(std::move(name), std::move(line));
  }
  const auto body = std::as_bytes(std::span(rest));
  message.body.assign(body.begin(), body.end());
  const auto read = format.read(message);
  if (!read) {
    require(!read.error().what.empty());
    return 0;
  }
  require(format.is_cloud_event(message));
  for (const EncodedEvent& event : *read) {
    const auto written = format.write(event);
    if (!written) continue;  // what a structured event holds may be larger than the limits once it is written
    const auto again = format.read(*written);
    require(again && again->size() == 1 && sorted(again->front()) == sorted(event));
  }
  return 0;
}
