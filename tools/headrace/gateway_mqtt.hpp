#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace headrace::program {

class TomlSection;

/// What only an end of kind "mqtt" has.
struct MqttEndConfig {
  struct Will {
    std::string topic;
    std::string body;
    std::uint8_t qos = 1;
    bool retained = false;
    std::chrono::seconds delay{0};
  };
  std::filesystem::path certificate_file;  ///< resolved against the config's folder
  std::filesystem::path key_file;
  std::string server_name;
  std::uint8_t qos = 1;
  std::optional<Will> will;
};

/// The keys of an MQTT end; `qos_min` is the least that the end has. For an end of another kind they are problems.
[[nodiscard]] MqttEndConfig read_mqtt_end(TomlSection& section, bool is_mqtt, std::uint8_t qos_min,
                                          const std::filesystem::path& folder);

}  // namespace headrace::program
