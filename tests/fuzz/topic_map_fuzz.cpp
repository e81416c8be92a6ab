#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "headrace/wire/topic_map.hpp"

// Input: two patterns and a topic, parted by line ends.
// Claim: no bytes crash the mapping; what a rule maps, it maps back, in both directions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take = [&rest] {
    const auto at = rest.find('\n');
    const std::string_view part = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return part;
  };
  const std::string_view outside = take();
  const std::string_view inside = take();
  headrace::wire::TopicMap map;
  if (!map.add(outside, inside)) return 0;
  if (const auto in = map.to_inside(rest)) {
    const auto back = map.to_outside(*in);
    if (!back || *back != rest) std::abort();
  }
  if (const auto out = map.to_outside(rest)) {
    const auto back = map.to_inside(*out);
    if (!back || *back != rest) std::abort();
  }
  return 0;
}
