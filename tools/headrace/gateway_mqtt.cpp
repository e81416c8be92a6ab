#include "gateway_mqtt.hpp"

#include <array>
#include <string_view>

#include "toml_section.hpp"

namespace headrace::program {
namespace {

constexpr std::array<std::string_view, 5> kKeys = {"certificate_file", "key_file", "server_name", "qos", "will"};

MqttEndConfig::Will read_will(TomlSection section) {
  MqttEndConfig::Will will;
  will.topic = section.text("topic").value_or("");
  if (will.topic.empty()) section.missing("topic", "where the broker publishes it");
  will.body = section.text("body").value_or("");
  will.qos = static_cast<std::uint8_t>(section.whole("qos", 0, 2).value_or(will.qos));
  if (const toml::node* retained = section.node("retained"); retained != nullptr) {
    will.retained = retained->value<bool>().value_or(false);
    if (!retained->is_boolean()) section.problem("retained", "must be true or false");
  }
  will.delay = std::chrono::duration_cast<std::chrono::seconds>(section.duration("delay").value_or(will.delay));
  section.finish();
  return will;
}

}  // namespace

MqttEndConfig read_mqtt_end(TomlSection& section, bool is_mqtt, std::uint8_t qos_min,
                            const std::filesystem::path& folder) {
  MqttEndConfig end;
  end.certificate_file = section.file("certificate_file", folder);
  end.key_file = section.file("key_file", folder);
  end.server_name = section.text("server_name").value_or("");
  end.qos = static_cast<std::uint8_t>(section.whole("qos", qos_min, 2).value_or(end.qos));
  if (section.has("will")) end.will = read_will(section.section("will"));
  if (end.will && end.will->topic.empty()) end.will.reset();  // told already
  for (const std::string_view key : kKeys) {
    if (!is_mqtt && section.has(key)) section.problem(key, "only \"mqtt\" has this");
  }
  return end;
}

}  // namespace headrace::program
