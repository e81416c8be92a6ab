#include <fmt/format.h>

#include <bit>

#include "config_reader.hpp"

namespace headrace::program {
namespace {

constexpr std::array<std::pair<std::string_view, BusConfig::Wait>, 4> kBusWaits = {
    {{"adaptive", BusConfig::Wait::adaptive},
     {"spin", BusConfig::Wait::spin},
     {"yield", BusConfig::Wait::yield},
     {"park", BusConfig::Wait::park}}};

constexpr std::uint32_t kWorkersMax = 64;
constexpr std::size_t kLaneBytesMin = std::size_t{4} << 10;
constexpr std::size_t kLaneBytesMax = std::size_t{1} << 30;

void read_pin(TomlSection& section, const toml::node& pin, BusConfig& bus) {
  const auto word = pin.value<std::string>();
  if (const auto* list = pin.as_array()) {
    for (const toml::node& core : *list) {
      const auto number = core.value<std::int64_t>();
      if (!number || *number < 0 || *number > 4095) return section.problem("pin", "expected core numbers");
      bus.pin_list.push_back(static_cast<std::uint32_t>(*number));
    }
    bus.pin = BusConfig::Pin::list;
    if (bus.pin_list.size() != bus.workers) {
      section.problem("pin", fmt::format("{} cores for {} workers", bus.pin_list.size(), bus.workers));
    }
  } else if (word && (*word == "none" || *word == "cores")) {
    bus.pin = *word == "none" ? BusConfig::Pin::none : BusConfig::Pin::cores;
  } else {
    section.problem("pin", "expected \"none\", \"cores\" or a list of cores such as [0, 2]");
  }
}

}  // namespace

void read_bus_config(TomlSection& section, BusConfig& bus) {
  bus.workers = static_cast<std::uint32_t>(section.whole("workers", 1, kWorkersMax).value_or(bus.workers));
  bus.wait = section.choice("wait", kBusWaits).value_or(bus.wait);
  bus.lane_bytes = section.bytes("lane_bytes", kLaneBytesMin, kLaneBytesMax).value_or(bus.lane_bytes);
  if (!std::has_single_bit(bus.lane_bytes))
    section.problem("lane_bytes", "expected a power of two, such as \"256 KiB\"");
  bus.topics_max = static_cast<std::uint32_t>(section.whole("topics_max", 1, 1U << 24U).value_or(bus.topics_max));
  bus.stop_deadline = section.duration("stop_deadline").value_or(bus.stop_deadline);
  if (const toml::node* pin = section.node("pin")) read_pin(section, *pin, bus);
  section.finish();
}

}  // namespace headrace::program
