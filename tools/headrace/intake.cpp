#include "intake.hpp"

#include <fmt/format.h>

#include "headrace/base/hash.hpp"
#include "json_text.hpp"
#include "suggestion.hpp"

namespace headrace::program {

Intake::Intake(const Config& config, const Interrupt& interrupt, RejectFile& rejects, Entrance& entrance)
    : config_(config), interrupt_(interrupt), rejects_(rejects), entrance_(entrance) {
  if (config.event.speed > 0) pacer_.emplace(config.event.speed);
}

// A field that no record can have is a slip in the config: better said at once than once a record.
Flow Intake::on_header(const Schema& header) {
  if (config_.source.kind == SourceConfig::Kind::tcp) return Flow::go_on;  // the next connection may be right
  for (std::uint32_t i = 0; i < config_.fields.names().size(); ++i) {
    if (header.column(FieldId{i}) != Schema::kNoColumn) continue;
    const std::string& name = config_.fields.names()[i];
    const std::vector<std::string_view> there(header.names().begin(), header.names().end());
    std::string what = fmt::format("the header has no field '{}', which {} mentions{}", name,
                                   config_.file.string(), suggestion(name, there));
    if (what.back() != '?') what += fmt::format("; there are {}", fmt::join(there, ", "));
    problem_ = Error{std::move(what), origin_};
    return Flow::stop;
  }
  return Flow::go_on;
}

Flow Intake::on_record(Record record) {
  if (interrupt_.raised()) return Flow::stop;
  records_.store(records_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (std::string reason = config_.event.topic.render(record, topic_); !reason.empty()) {
    return reject(record, std::move(reason));
  }
  if (pacer_) {
    if (std::string reason = wait_for_moment(record); !reason.empty()) return reject(record, std::move(reason));
    if (interrupt_.raised()) return Flow::stop;
  }
  std::uint64_t key_hash = 0;
  if (config_.event.key) {
    key_.clear();
    config_.event.key->render(record, topic_, key_);
    key_hash = hash_bytes(key_);
  }
  const auto [taken, status] = entrance_.publish(topic_, key_hash, record);
  switch (taken) {
    case Taken::yes:
      break;
    case Taken::no:
      ++not_taken_[std::string(status)];
      break;
    case Taken::rejected:
      return reject(record, fmt::format("topic '{}': {}", topic_, status));
    case Taken::closed:
      return Flow::stop;
  }
  return Flow::go_on;
}

std::string Intake::wait_for_moment(const Record& record) {
  const std::string_view text = record.find(*config_.event.time).text;
  const auto time = config_.event.time_format.read(text);
  if (!time) return fmt::format("'{}' is not a time of the given format", text);
  const auto now = std::chrono::steady_clock::now();
  const auto due = pacer_->due(*time, now);
  if (due > now) interrupt_.wait_until(due);
  return {};
}

Flow Intake::reject(const Record& record, std::string reason) {
  std::string text;
  append_json(text, record);
  rejects_.add(origin_,
               {record.line(), std::move(reason), std::string_view(text).substr(0, Reject::kTextBytesMax)});
  rejected_.store(rejects_.count(), std::memory_order_relaxed);
  return Flow::go_on;
}

Flow Intake::on_reject(const Reject& reject) {
  records_.store(records_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  rejects_.add(origin_, reject);
  rejected_.store(rejects_.count(), std::memory_order_relaxed);
  return interrupt_.raised() ? Flow::stop : Flow::go_on;
}

}  // namespace headrace::program
