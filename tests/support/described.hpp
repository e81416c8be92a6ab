#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "headrace/event/envelope.hpp"
#include "headrace/event/event_description.hpp"

namespace headrace::test {

enum class Side : std::uint8_t { buy = 1, sell = 2 };

struct Line {
  std::string article;
  std::uint32_t pieces = 0;
  double price = 0;
  friend bool operator==(const Line&, const Line&) = default;
};
HEADRACE_EVENT(Line, "test.line", article, pieces, price)

/// One member of each kind that can be described.
struct Everything {
  bool flag = false;
  std::int8_t tiny = 0;
  std::uint64_t large = 0;
  float ratio = 0;
  Side side = Side::buy;
  std::chrono::milliseconds wait{};
  EventTime at{};
  std::string name;
  std::array<char, 4> code{};
  EventId id;
  std::vector<std::byte> raw;
  std::optional<std::int32_t> maybe;
  std::array<std::uint16_t, 2> pair{};
  std::vector<Line> lines;
  std::set<std::string> tags;
  std::vector<bool> bits;
  std::map<std::string, double> readings;
  std::map<int, std::string> names;
  friend bool operator==(const Everything&, const Everything&) = default;
};
HEADRACE_EVENT(Everything, "test.everything", version(3), key(name), flag, tiny, large, ratio, side, wait, at,
               name, code, id, raw, maybe, pair, lines, tags, bits, readings, names)

/// Every member set, with values at the ends of their ranges.
inline Everything full_event() {
  Everything e;
  e.flag = true;
  e.tiny = -128;
  e.large = 0xffff'ffff'ffff'ffff;
  e.ratio = 0.1F;
  e.side = Side::sell;
  e.wait = std::chrono::milliseconds(-5);
  e.at = EventTime(std::chrono::nanoseconds(1'700'000'000'123'456'789));
  e.name = "Zürich \"quoted\" \\ \n\t\x01 \xf0\x9f\x9a\x82";
  e.code = {'A', 'B', 'C', 'D'};
  e.id = EventId{0x017f22e279b07cc3, 0x98c4dc0c0c07398f};
  e.raw = {std::byte{0}, std::byte{255}, std::byte{10}};
  e.maybe = -2'147'483'647 - 1;
  e.pair = {1, 65535};
  e.lines = {{"pen", 3, 1.5}, {"", 0, -1e300}};
  e.tags = {"a", "b"};
  e.bits = {true, false, true};
  e.readings = {{"", 1e-7}, {"temp", 20}};
  e.names = {{-1, "minus"}, {7, "seven"}};
  return e;
}

}  // namespace headrace::test
