#include "headrace/bus/metrics.hpp"

#include <array>
#include <cstddef>
#include <string_view>

#include "headrace/telemetry/log_linear_scale.hpp"

namespace headrace {
namespace {

constexpr double kNsPerSecond = 1e9;

/// From a hand-over between cores to a handler that waits for a disk.
constexpr std::array<std::uint64_t, 16> kBoundsNs{
    250,       1'000,     2'500,      5'000,       10'000,      25'000,        100'000,        250'000,
    1'000'000, 5'000'000, 25'000'000, 100'000'000, 500'000'000, 2'500'000'000, 10'000'000'000, 60'000'000'000};

MetricHistogram histogram_of(const HistogramSnapshot& taken) {
  MetricHistogram histogram;
  std::size_t bucket = 0;
  std::uint64_t count = 0;
  for (const std::uint64_t bound : kBoundsNs) {
    for (; bucket < LogLinearScale::kBuckets && LogLinearScale::middle(bucket) <= bound; ++bucket) {
      count += taken.bucket_count(bucket);
    }
    histogram.buckets.push_back({static_cast<double>(bound) / kNsPerSecond, count});
  }
  histogram.count = taken.count();
  histogram.sum = taken.mean() * static_cast<double>(taken.count()) / kNsPerSecond;
  return histogram;
}

MetricFamily of_ledger(std::string_view what, std::string_view help, std::uint64_t value) {
  return {"headrace_deliveries_" + std::string(what),
          std::string(help),
          MetricKind::counter,
          {{{}, static_cast<double>(value)}}};
}

std::vector<std::pair<std::string, std::string>> labels_of(const SubscriptionReport& subscription) {
  return {{"subscription", subscription.name}, {"group", subscription.group}, {"filter", subscription.filter}};
}

MetricFamily counted(const Snapshot& snapshot, std::string_view what, std::string_view help,
                     std::uint64_t SubscriptionReport::*value) {
  MetricFamily family{"headrace_subscription_" + std::string(what), std::string(help), MetricKind::counter, {}};
  for (const SubscriptionReport& each : snapshot.subscriptions) {
    family.samples.push_back({labels_of(each), static_cast<double>(each.*value)});
  }
  return family;
}

MetricFamily timed(const Snapshot& snapshot, std::string_view what, std::string_view help,
                   HistogramSnapshot SubscriptionReport::*value) {
  MetricFamily family{"headrace_subscription_" + std::string(what), std::string(help), MetricKind::histogram, {}};
  for (const SubscriptionReport& each : snapshot.subscriptions) {
    family.samples.push_back({labels_of(each), 0, histogram_of(each.*value)});
  }
  return family;
}

}  // namespace

std::vector<MetricFamily> metrics_of(const Snapshot& snapshot) {
  using Report = SubscriptionReport;
  const Ledger& ledger = snapshot.ledger;
  return {
      of_ledger("published_total", "Deliveries published: an event counts for each group that it matches.",
                ledger.published),
      of_ledger("handled_total", "Deliveries that a handler has done.", ledger.handled),
      of_ledger("dropped_total", "Deliveries dropped by a policy.", ledger.dropped),
      of_ledger("expired_total", "Deliveries dropped because the event's time to live was over.", ledger.expired),
      of_ledger("unrouted_total", "Events that nobody matched, or whose predicate refused them.", ledger.unrouted),
      of_ledger("failed_total", "Deliveries that failed and were not kept.", ledger.failed),
      of_ledger("dead_lettered_total", "Deliveries given up into a store of dead letters.", ledger.dead_lettered),
      of_ledger("letters_dropped_total", "Dead letters that a full store gave up to make room.",
                ledger.letters_dropped),
      {"headrace_events_in_flight",
       "Events in lanes, queues and timers.",
       MetricKind::gauge,
       {{{}, static_cast<double>(ledger.in_flight)}}},
      counted(snapshot, "handled_total", "Events that the subscription's handler has done.", &Report::handled),
      counted(snapshot, "failed_total", "Events whose handler or predicate threw.", &Report::failed),
      counted(snapshot, "refused_total", "Events that the subscription's predicate refused.", &Report::refused),
      counted(snapshot, "unsubscribed_total", "Events that reached the subscription after its end.",
              &Report::unsubscribed),
      counted(snapshot, "dead_lettered_total", "Events given up into a store of dead letters.",
              &Report::dead_lettered),
      counted(snapshot, "dropped_total", "Events dropped by a delivery policy, copies among them.",
              &Report::dropped),
      counted(snapshot, "expired_total", "Events dropped because their time to live was over.", &Report::expired),
      counted(snapshot, "letters_dropped_total", "Dead letters that a full store gave up to make room.",
              &Report::letters_dropped),
      counted(snapshot, "copies_total", "Events dropped because they had been done before.", &Report::copies),
      counted(snapshot, "unchecked_total", "Events handled while the store of done events was down.",
              &Report::unchecked),
      counted(snapshot, "runs_total", "Runs of the handler; events handled by runs is the mean batch.",
              &Report::runs),
      timed(snapshot, "queue_wait_seconds", "Time from publish to the start of the handler, sampled.",
            &Report::queue_wait_ns),
      timed(snapshot, "handling_seconds", "Time in the handler for each event, sampled.", &Report::handling_ns)};
}

}  // namespace headrace
