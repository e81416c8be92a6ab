#include "progress.hpp"

#include <fmt/format.h>

#include "run_report.hpp"

namespace headrace::program {

Progress::Progress(Console& console, const Intake& intake) : console_(console), intake_(intake) {
  if (console.shows_progress()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Progress::~Progress() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  console_.clear_progress();
}

void Progress::run(const std::stop_token& stop) {
  using namespace std::chrono;
  constexpr milliseconds kPeriod{200};
  auto drawn_at = steady_clock::now();
  std::uint64_t drawn_records = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, kPeriod, [&] { return stop.stop_requested(); })) {
    const auto now = steady_clock::now();
    const std::uint64_t records = intake_.records();
    std::string text =
        fmt::format("{} records, {}", with_commas(records), rate_text(records - drawn_records, now - drawn_at));
    if (const std::uint64_t rejected = intake_.rejected(); rejected > 0) {
      text += fmt::format(", {} rejected", with_commas(rejected));
    }
    console_.progress(text);
    drawn_at = now;
    drawn_records = records;
  }
}

}  // namespace headrace::program
