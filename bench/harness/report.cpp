#include "harness/report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace headrace::bench {
namespace {

/// Four significant digits, and no exponent for the sizes that occur.
std::string number(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  if (value >= 100) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string verdict(const Comparison& comparison) {
  if (!comparison.target) return "";
  const char* sign = comparison.better == Better::higher ? ">=" : "<=";
  return fmt::format("{} {:<5.4g} {}", sign, *comparison.target, comparison.met() ? "met" : "MISSED");
}

void add_provenance(nlohmann::ordered_json& row, const Provenance& provenance) {
  row["machine"] = provenance.machine;
  row["compiler"] = provenance.compiler;
  row["commit"] = provenance.commit;
}

nlohmann::ordered_json to_object(const Comparison& comparison, const Provenance& provenance) {
  nlohmann::ordered_json row;
  const bool has_peer = !comparison.peer.empty();
  const auto of_peer = [&](auto value) {
    return has_peer ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  row["name"] = comparison.name;
  row["value"] = comparison.value;
  row["unit"] = comparison.unit;
  row["peer"] = of_peer(comparison.peer);
  row["peer_value"] = of_peer(comparison.peer_value);
  row["ratio"] = of_peer(comparison.ratio);
  row["better"] = comparison.better == Better::higher ? "higher" : "lower";
  row["target"] = comparison.target ? nlohmann::ordered_json(*comparison.target) : nlohmann::ordered_json();
  row["met"] = comparison.target ? nlohmann::ordered_json(comparison.met()) : nlohmann::ordered_json();
  row["runs"] = comparison.runs;
  row["dropped_runs"] = comparison.dropped_runs;
  row["spread"] = comparison.spread;
  row["peer_spread"] = of_peer(comparison.peer_spread);
  row["foreign_load"] = comparison.foreign_load;
  row["probe_ns_before"] = comparison.probe_ns_before;
  row["probe_ns_after"] = comparison.probe_ns_after;
  row["cores"] = name_of(comparison.cores);
  if (!comparison.notes.empty()) row["notes"] = comparison.notes;
  if (!comparison.peer_notes.empty()) row["peer_notes"] = comparison.peer_notes;
  add_provenance(row, provenance);
  return row;
}

nlohmann::ordered_json to_object(const NotMeasured& not_measured, const Provenance& provenance) {
  nlohmann::ordered_json row;
  row["name"] = not_measured.name;
  row["value"] = nullptr;
  row["unit"] = not_measured.unit;
  row["not_measured"] = not_measured.why;
  add_provenance(row, provenance);
  return row;
}

}  // namespace

void print_head(const Provenance& provenance, const RunOptions& options) {
  fmt::print("headrace {} | {}\n{}\n{} runs a row, medians; ratio = ours / peer run by run\n", provenance.commit,
             provenance.compiler, provenance.machine, options.runs);
  print_left_out(provenance);
}

void print_left_out(const Provenance& provenance) {
  if (!provenance.left_out.empty()) fmt::print("left out, as this build lacks them: {}\n", provenance.left_out);
}

void print_table_head() {
  fmt::print("\n{:<26} {:>9} {:<5} {:<40} {:>9} {:>7}  {:<15} {:>6}  {:<4} {:>9} {:>5}\n", "row", "ours", "",
             "peer", "peer's", "ratio", "aim", "spread", "core", "probe ns", "load");
}

void print_line(const NotMeasured& row) {
  fmt::print("{:<26} NOT MEASURED: {}\n", row.name, row.why);
  std::fflush(stdout);
}

void print_line(const Comparison& comparison) {
  const bool has_peer = !comparison.peer.empty();
  fmt::print("{:<26} {:>9} {:<5} {:<40} {:>9} {:>7}  {:<15} {:>5.1f}%  {:<4} {:>4.0f} {:>4.0f} {:>4.0f}%\n",
             comparison.name, number(comparison.value), comparison.unit, comparison.peer,
             has_peer ? number(comparison.peer_value) : "",
             has_peer ? fmt::format("{:.2f}", comparison.ratio) : "", verdict(comparison), comparison.spread * 100,
             name_of(comparison.cores), comparison.probe_ns_before, comparison.probe_ns_after,
             comparison.foreign_load * 100);
  std::fflush(stdout);
}

std::string to_json(const std::vector<Comparison>& comparisons, const std::vector<NotMeasured>& others,
                    const Provenance& provenance) {
  auto rows = nlohmann::ordered_json::array();
  for (const Comparison& comparison : comparisons) rows.push_back(to_object(comparison, provenance));
  for (const NotMeasured& row : others) rows.push_back(to_object(row, provenance));
  return rows.dump(2) + "\n";
}

}  // namespace headrace::bench
