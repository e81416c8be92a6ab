#include "run_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "text_table.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kCountsShown = 8;

/// Three digits that matter, with a unit.
std::string scaled(double value, double step, std::initializer_list<const char*> units) {
  auto unit = units.begin();
  while (value >= step * 0.9995 && unit + 1 != units.end()) {
    value /= step;
    ++unit;
  }
  const int decimals = unit == units.begin() || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, *unit);
}

std::string latency_row(const Latency& latency) {
  return fmt::format("{} / {} / {}", duration_text(latency.p50_ns), duration_text(latency.p99_ns),
                     duration_text(latency.max_ns));
}

void append_table(std::string& out, const RunReport& report) {
  TextTable table({"subscription", "filter", "handled", "refused", "failed", "batch", "waited p50 / p99 / max",
                   "handled in p50 / p99 / max"});
  for (const SubscriptionSummary& s : report.subscriptions) {
    const bool any = s.handled + s.failed > 0;
    table.add({s.name, s.filter, with_commas(s.handled), with_commas(s.refused), with_commas(s.failed),
               any ? fmt::format("{:.1f}", s.batch_mean) : "-", any ? latency_row(s.waited) : "-",
               any ? latency_row(s.handling) : "-"});
  }
  out += table.text();
}

void append_counts(std::string& out, const SubscriptionSummary& s) {
  std::vector<std::pair<std::string, std::uint64_t>> counts(s.work.counts.begin(), s.work.counts.end());
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::uint64_t beyond = s.work.counts_beyond;
  std::vector<std::string> parts;
  for (const auto& [value, count] : counts) {
    if (parts.size() < kCountsShown) {
      parts.push_back(fmt::format("{} {}", value.empty() ? "(empty)" : value, with_commas(count)));
    } else {
      beyond += count;
    }
  }
  if (beyond > 0) parts.push_back(fmt::format("others {}", with_commas(beyond)));
  out += fmt::format("  {}: {}\n", s.name, fmt::join(parts, ", "));
}

void append_work(std::string& out, const SubscriptionSummary& s) {
  if (!s.work.counts.empty()) append_counts(out, s);
  std::vector<std::string> parts;
  const auto say = [&](std::uint64_t count, std::string what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", with_commas(count), what));
  };
  say(s.work.alerts, s.work.alerts == 1 ? "alert" : "alerts");
  say(s.work.printed, "printed");
  say(s.work.written, "written to " + s.file);
  say(s.work.forwarded, "forwarded");
  say(s.work.forwards_refused, "not forwarded: no topic, or the bus was full");
  if (!parts.empty()) out += fmt::format("  {}: {}\n", s.name, fmt::join(parts, ", "));
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

std::string duration_text(std::uint64_t ns) {
  return scaled(static_cast<double>(ns), 1000, {"ns", "us", "ms", "s"});
}

std::string rate_text(std::uint64_t count, std::chrono::nanoseconds time) {
  if (time.count() <= 0) return "-";
  const double rate = static_cast<double>(count) * 1e9 / static_cast<double>(time.count());
  std::string text = scaled(rate, 1000, {"", "k", "M", "G"});
  if (text.ends_with(' ')) text.pop_back();
  return text + "/s";
}

std::string to_text(const RunReport& report) {
  std::string out;
  out += fmt::format("\n{}: {} records in {}, {}{}\n", report.source, with_commas(report.records),
                     duration_text(static_cast<std::uint64_t>(report.took.count())),
                     rate_text(report.records, report.took), report.interrupted ? "; interrupted" : "");
  if (report.rejected > 0) {
    out += fmt::format("rejected {}, kept in {}\n  first: {}\n", with_commas(report.rejected), report.reject_file,
                       report.first_reject);
  }
  for (const auto& [answer, count] : report.not_taken) {
    out += fmt::format("not taken by the bus ({}): {}\n", answer, with_commas(count));
  }
  out += "\n";
  append_table(out, report);
  out += "\n";
  const std::size_t before = out.size();
  for (const SubscriptionSummary& s : report.subscriptions) append_work(out, s);
  if (out.size() > before) out += "\n";
  for (const std::string& warning : report.warnings) out += fmt::format("warning: {}\n", warning);
  out += fmt::format("ledger {}: {}\n", report.balanced() ? "balanced" : "NOT balanced", to_string(report.ledger));
  return out;
}

}  // namespace headrace::program
