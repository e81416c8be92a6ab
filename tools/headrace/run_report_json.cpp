#include <nlohmann/json.hpp>

#include "run_report.hpp"

namespace headrace::program {
namespace {

using nlohmann::ordered_json;

ordered_json to_object(const Latency& latency) {
  return {{"p50_ns", latency.p50_ns},
          {"p99_ns", latency.p99_ns},
          {"p999_ns", latency.p999_ns},
          {"max_ns", latency.max_ns}};
}

ordered_json to_object(const SubscriptionSummary& s) {
  ordered_json object = {{"name", s.name},
                         {"group", s.group},
                         {"filter", s.filter},
                         {"handled", s.handled},
                         {"refused", s.refused},
                         {"failed", s.failed},
                         {"batch_mean", s.batch_mean},
                         {"waited", to_object(s.waited)},
                         {"handling", to_object(s.handling)},
                         {"alerts", s.work.alerts},
                         {"printed", s.work.printed},
                         {"written", s.work.written},
                         {"forwarded", s.work.forwarded},
                         {"forwards_refused", s.work.forwards_refused}};
  ordered_json counts = ordered_json::object();
  for (const auto& [value, count] : s.work.counts) counts[value] = count;
  object["counts"] = std::move(counts);
  object["counts_beyond"] = s.work.counts_beyond;
  return object;
}

}  // namespace

std::string to_json(const RunReport& report) {
  ordered_json object = {{"source", report.source},       {"interrupted", report.interrupted},
                         {"records", report.records},     {"rejected", report.rejected},
                         {"not_taken", report.not_taken}, {"took_ns", report.took.count()},
                         {"balanced", report.balanced()}};
  const Ledger& l = report.ledger;
  object["ledger"] = {{"published", l.published},
                      {"handled", l.handled},
                      {"dropped", l.dropped},
                      {"expired", l.expired},
                      {"unrouted", l.unrouted},
                      {"failed", l.failed},
                      {"dead_lettered", l.dead_lettered},
                      {"in_flight", l.in_flight}};
  object["subscriptions"] = ordered_json::array();
  for (const SubscriptionSummary& s : report.subscriptions) object["subscriptions"].push_back(to_object(s));
  object["warnings"] = report.warnings;
  // Names and values come from input: what is not UTF-8 is replaced, as everywhere.
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace headrace::program
