#include "headrace/prometheus/exposition.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include "headrace/base/check.hpp"
#include "headrace/base/utf8.hpp"

namespace headrace::prometheus {
namespace {

namespace client = ::prometheus;

/// Letters, digits and `_`, not a digit first. A metric's may also hold `:`, which is left to recording rules.
bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return c == '_' || (static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) != 0);
  };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::ranges::all_of(name, fits);
}

std::string in_utf8(std::string_view text) {
  std::string out;
  for (std::size_t bad = malformed_utf8(text); bad != text.npos; bad = malformed_utf8(text)) {
    out.append(text.substr(0, bad)).append("\xef\xbf\xbd");
    text.remove_prefix(bad + 1);
  }
  return out.append(text);
}

client::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return client::MetricType::Counter;
    case MetricKind::gauge:
      return client::MetricType::Gauge;
    case MetricKind::histogram:
      return client::MetricType::Histogram;
  }
  return client::MetricType::Untyped;
}

std::vector<client::ClientMetric::Label> labels_of(const MetricSample& sample) {
  std::vector<client::ClientMetric::Label> labels;
  for (const auto& [name, value] : sample.labels) {
    HEADRACE_CHECK("prometheus.name", is_name(name), "a label's name has letters, digits and _");
    labels.push_back({name, in_utf8(value)});
  }
  return labels;
}

void add_histogram(client::ClientMetric::Histogram& into, const MetricHistogram& from) {
  into.sample_count += from.count;
  into.sample_sum += from.sum;
  const bool first = into.bucket.empty();
  for (std::size_t i = 0; i < from.buckets.size(); ++i) {
    if (first) into.bucket.push_back({0, from.buckets[i].at_most});
    HEADRACE_CHECK("prometheus.bounds",
                   i < into.bucket.size() && into.bucket[i].upper_bound == from.buckets[i].at_most,
                   "histograms of one name have the same bounds");
    into.bucket[i].cumulative_count += from.buckets[i].count;
  }
}

/// A family that grows; its samples are found by their labels.
class Gathered {
 public:
  explicit Gathered(const MetricFamily& family) {
    HEADRACE_CHECK("prometheus.name", is_name(family.name), "a metric's name has letters, digits and _");
    family_ = {family.name, in_utf8(family.help), type_of(family.kind), {}};
  }
  /// Two samples of the same labels would spoil the scrape: the second is added to the first.
  void add(const MetricFamily& family) {
    HEADRACE_CHECK("prometheus.kind", family_.type == type_of(family.kind), "metrics of one name are of one kind");
    for (const MetricSample& sample : family.samples) {
      auto labels = labels_of(sample);
      const auto [at, fresh] = places_.try_emplace(labels, family_.metric.size());
      if (fresh) family_.metric.emplace_back().label = std::move(labels);
      add(family_.metric[at->second], sample);
    }
  }
  [[nodiscard]] client::MetricFamily take() { return std::move(family_); }

 private:
  void add(client::ClientMetric& into, const MetricSample& sample) const {
    if (family_.type == client::MetricType::Counter) {
      into.counter.value += sample.value;
    } else if (family_.type == client::MetricType::Gauge) {
      into.gauge.value += sample.value;
    } else {
      add_histogram(into.histogram, sample.histogram);
    }
  }

  client::MetricFamily family_;
  std::map<std::vector<client::ClientMetric::Label>, std::size_t> places_;
};

std::vector<client::MetricFamily> to_client(const std::vector<MetricFamily>& families) {
  std::map<std::string_view, std::size_t> places;
  std::vector<Gathered> gathered;
  for (const MetricFamily& family : families) {
    const auto [at, fresh] = places.try_emplace(family.name, gathered.size());
    if (fresh) gathered.emplace_back(family);
    gathered[at->second].add(family);
  }
  std::vector<client::MetricFamily> all;
  for (Gathered& each : gathered) all.push_back(each.take());
  return all;
}

class Collected final : public client::Collectable {
 public:
  explicit Collected(Metrics metrics) : metrics_(std::move(metrics)) {}
  std::vector<client::MetricFamily> Collect() const override { return to_client(metrics_()); }

 private:
  const Metrics metrics_;
};

}  // namespace

std::string exposition(const std::vector<MetricFamily>& families) {
  std::ostringstream out;
  client::TextSerializer().Serialize(out, to_client(families));
  return out.str();
}

std::shared_ptr<client::Collectable> collectable(Metrics metrics) {
  return std::make_shared<Collected>(std::move(metrics));
}

}  // namespace headrace::prometheus
