#include "harness/report.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "harness/source_text.hpp"

namespace headrace::model {
namespace {

constexpr const char* kNeverExecuted = "never executed";

std::string in_table(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

Report::Report(const SiteRegistry& registry, const std::vector<Verdict>& verdicts, Justifications& justifications)
    : sites_(registry.sightings().size()), mutants_(verdicts.size()) {
  relaxed_ = static_cast<std::size_t>(std::ranges::count_if(registry.sightings(), [](const Sighting& sighting) {
    return sighting.site.order == std::memory_order_relaxed;
  }));
  for (const Verdict& verdict : verdicts) add_verdict(verdict, justifications);
  add_unseen(registry, justifications);
  for (const Justification* entry : justifications.unused()) {
    complaints_.push_back("stale justification, ending at line " + std::to_string(entry->line) + ": " +
                          entry->file_and_function + ": " + entry->code + ": " + entry->mutation);
  }
  std::ranges::stable_sort(rows_, {}, &Row::file);
}

void Report::add_verdict(const Verdict& verdict, Justifications& justifications) {
  const SiteText text = text_of(verdict.mutation.site);
  Row row{text.file, text.function, text.code, text.label, text_of(verdict.mutation), ""};
  if (verdict.caught) {
    ++caught_;
    row.shown_by = "`" + litmuses()[verdict.litmus].name + "`: " + lower_case(verdict.how);
  } else if (const auto* reason = justifications.find(text.file + ' ' + text.function, text.code, row.mutation)) {
    ++justified_;
    row.shown_by = "justified: " + reason->reason;
  } else {
    row.shown_by = "**nothing**";
    complaints_.push_back("survives: " + text.file + ":" + std::to_string(verdict.mutation.site.line) + "\n" +
                          text.file + ' ' + text.function + "\n" + text.code + "\n" + row.mutation);
  }
  rows_.push_back(row);
}

void Report::add_unseen(const SiteRegistry& registry, Justifications& justifications) {
  std::map<std::string, std::set<unsigned>> seen;
  for (const Sighting& sighting : registry.sightings()) {
    const SiteText text = text_of(sighting.site);
    for (unsigned line = sighting.site.line; line <= text.last_line; ++line) seen[sighting.site.file].insert(line);
  }
  for (const auto& [file, lines] : seen) {
    for (const OrderLine& order : order_lines(file.c_str())) {
      if (lines.contains(order.line)) continue;
      Row row{from_root(file), "", order.code, "", kNeverExecuted, ""};
      if (const auto* reason = justifications.find(row.file, order.code, kNeverExecuted)) {
        row.shown_by = "justified: " + reason->reason;
        rows_.push_back(row);
      } else {
        complaints_.push_back("never executed: " + row.file + ":" + std::to_string(order.line) + "\n" + row.file +
                              "\n" + order.code + "\n" + kNeverExecuted);
      }
    }
  }
}

void Report::write_summary(std::ostream& out) const {
  out << sites_ << " sites, of which " << relaxed_ << " are relaxed as written; " << mutants_
      << " mutants: " << caught_ << " caught, " << justified_ << " justified, " << mutants_ - caught_ - justified_
      << " neither\n";
}

void Report::write_markdown(std::ostream& out) const {
  std::string file;
  for (const Row& row : rows_) {
    if (row.file != file) {
      file = row.file;
      out << "\n### " << file << "\n\n| in | operation | label | mutant | caught by |\n|---|---|---|---|---|\n";
    }
    out << "| " << row.function << " | `" << in_table(row.code) << "` | " << in_table(row.label) << " | "
        << row.mutation << " | " << in_table(row.shown_by) << " |\n";
  }
}

}  // namespace headrace::model
