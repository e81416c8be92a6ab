#include "subscription_work.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace headrace::program {

WorkTally& WorkTally::operator+=(const WorkTally& other) {
  alerts += other.alerts;
  printed += other.printed;
  written += other.written;
  forwarded += other.forwarded;
  forwards_refused += other.forwards_refused;
  for (const auto& [value, count] : other.counts) counts[value] += count;
  counts_beyond += other.counts_beyond;
  return *this;
}

SubscriptionWork::SubscriptionWork(const SubscriptionConfig& config, std::uint32_t workers, Console& console,
                                   std::shared_ptr<OutputFile> file, std::shared_ptr<StoreOutput> store)
    : config_(config), console_(console), file_(std::move(file)), store_(std::move(store)), workers_(workers) {}

void SubscriptionWork::handle(const Record& record, std::string_view topic, std::uint32_t worker,
                              Forwarding& forwarding) {
  PerWorker& mine = workers_[worker];
  if (config_.count_by) count(record, topic, mine);
  if (config_.print) {
    mine.text.clear();
    config_.print->render(record, topic, mine.text);
    console_.line(mine.text);
    ++mine.tally.printed;
  }
  if (file_ != nullptr) {
    file_->write(record);
    ++mine.tally.written;
  }
  if (store_ != nullptr) store(record, topic, mine);
  if (config_.alert && (!config_.alert->when || (*config_.alert->when)(record))) {
    mine.text = "ALERT " + config_.name + ": ";
    config_.alert->message.render(record, topic, mine.text);
    console_.line(mine.text);
    ++mine.tally.alerts;
  }
  if (config_.forward) forward(record, mine, forwarding);
}

void SubscriptionWork::count(const Record& record, std::string_view topic, PerWorker& mine) const {
  mine.text.clear();
  config_.count_by->render(record, topic, mine.text);
  auto& counts = mine.tally.counts;
  if (const auto found = counts.find(mine.text); found != counts.end()) {
    ++found->second;
  } else if (counts.size() < kCountsMax) {
    counts.emplace(mine.text, 1);
  } else {
    ++mine.tally.counts_beyond;
  }
}

void SubscriptionWork::store(const Record& record, std::string_view topic, PerWorker& mine) const {
  mine.text.clear();
  if (config_.identity) config_.identity->render(record, topic, mine.text);
  store_->write(record, topic, mine.text);
  ++mine.tally.written;
}

void SubscriptionWork::forward(const Record& record, PerWorker& mine, Forwarding& forwarding) const {
  if (record.hops() == kHopsMax) {
    throw std::runtime_error(
        fmt::format("line {} was forwarded {} times: do subscriptions feed each other?", record.line(), kHopsMax));
  }
  const bool sent =
      config_.forward->render(record, mine.text).empty() && forwarding.publish(mine.text, record.forwarded());
  ++(sent ? mine.tally.forwarded : mine.tally.forwards_refused);
}

WorkTally SubscriptionWork::total() const {
  WorkTally total;
  for (const PerWorker& worker : workers_) total += worker.tally;
  return total;
}

}  // namespace headrace::program
