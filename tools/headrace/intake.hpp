#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "config.hpp"
#include "headrace/base/result.hpp"
#include "interrupt.hpp"
#include "pacer.hpp"
#include "reject_file.hpp"
#include "source.hpp"

namespace headrace::program {

/// What the bus answered to a publish.
enum class Taken { yes, no, rejected, closed };

/// The way into the bus; keeps the bus out of the intake.
class Entrance {
 public:
  virtual ~Entrance() = default;
  struct Answer {
    Taken taken;
    std::string_view status;
  };
  [[nodiscard]] virtual Answer publish(std::string_view topic, std::uint64_t key_hash, Record record) = 0;
};

/// Makes an event of each record: its topic, its key, its moment; and publishes it.
/// Threads:  the reading thread; records() and rejected() by any.
class Intake final : public SourceSink {
 public:
  Intake(const Config& config, const Interrupt& interrupt, RejectFile& rejects, Entrance& entrance);

  void on_origin(std::string_view name) override { origin_ = name; }
  Flow on_header(const Schema& header) override;
  Flow on_record(Record record) override;
  Flow on_reject(const Reject& reject) override;

  [[nodiscard]] std::uint64_t records() const noexcept { return records_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& not_taken() const noexcept { return not_taken_; }
  /// Why the intake stopped by itself: a header without a field that the config needs.
  [[nodiscard]] const std::optional<Error>& problem() const noexcept { return problem_; }

 private:
  [[nodiscard]] Flow reject(const Record& record, std::string reason);
  /// The reason when the record's time cannot be read.
  [[nodiscard]] std::string wait_for_moment(const Record& record);

  const Config& config_;
  const Interrupt& interrupt_;
  RejectFile& rejects_;
  Entrance& entrance_;
  std::optional<Pacer> pacer_;
  std::string origin_, topic_, key_;
  std::map<std::string, std::uint64_t> not_taken_;
  std::optional<Error> problem_;
  std::atomic<std::uint64_t> records_{0};  // no partner, both: numbers for the progress line
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace headrace::program
