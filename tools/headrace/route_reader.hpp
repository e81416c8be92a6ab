#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "alert_rule.hpp"
#include "enrichment.hpp"
#include "toml_section.hpp"

namespace headrace::program {

// What a route's tables become; nothing when they are not there, or not sound, which the section has then been told.

/// `enrich = { by = "device", table = "devices.csv", without = "reject" }`. The table's file is read here, and lies in
/// the folder unless its path says otherwise.
[[nodiscard]] std::optional<Enrichment> read_enrichment(TomlSection& route, const std::filesystem::path& folder);
/// `alert = { field = "temp", above = 80, until = 75, by = "device", topic = "alerts.hot" }`
[[nodiscard]] std::optional<AlertRule> read_alert(TomlSection& route, const std::string& name);

}  // namespace headrace::program
