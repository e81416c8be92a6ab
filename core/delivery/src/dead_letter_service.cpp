#include "headrace/delivery/dead_letter_service.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace headrace {
namespace {

// Between processes there is no other clock; whoever asked compares with his own.
EventTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

std::string name_with_process(const std::string& name) {
  const std::string process = "process " + std::to_string(::getpid());
  return name.empty() ? process : name + ", " + process;
}

}  // namespace

DeadLetterService::DeadLetterService(DeadLetters letters, DeadLetterRequests& requests,
                                     DeadLetterServiceOptions options)
    : letters_(std::move(letters)),
      requests_(requests),
      options_(std::move(options)),
      by_(name_with_process(options_.name)),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

DeadLetterService::~DeadLetterService() {
  thread_.request_stop();
  thread_.join();
  for (const Running& running : running_) running.redrive->cancel();
  for (const Running& running : running_) {
    DeadLetterAnswer answer;
    const RedriveReport report = running.redrive->report();
    answer.state = DeadLetterAnswer::State::finished;
    answer.handled = report.handled;
    answer.returned = report.returned;
    answer.skipped = report.skipped;
    answer.why_skipped = report.why_skipped;
    answer.error = report.finished ? report.error : "the program ends; what it had begun may still go on";
    static_cast<void>(requests_.report(running.id, answer, wall_now()).has_value());
  }
}

void DeadLetterService::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    begin_asked();
    report_all();
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, stop, options_.look_every, [] { return false; });
  }
}

void DeadLetterService::begin_asked() {
  while (running_.size() < options_.running_max) {
    auto taken = requests_.take(by_, wall_now());
    if (!taken || !*taken) return;  // an error: the next look asks again
    running_.push_back({(*taken)->id, begin(std::move((*taken)->request))});
  }
}

std::shared_ptr<Redrive> DeadLetterService::begin(DeadLetterRequest request) {
  RedriveOptions options;
  options.letters_max = request.letters_max;
  options.letters_per_second = request.letters_per_second;
  DeadLetterFilter& filter = request.filter;
  if (request.action == DeadLetterRequest::Action::release) {
    return letters_.release_key(filter.subscription.value_or(""), filter.key.value_or(""), options);
  }
  if (filter.id && options_.letter_id) filter.id = options_.letter_id(*filter.id);
  return letters_.redrive(std::move(filter), options);
}

void DeadLetterService::report_all() {
  std::erase_if(running_, [this](const Running& running) { return report(running); });
}

/// True: it has finished, and whoever asked can know.
bool DeadLetterService::report(const Running& running) {
  RedriveReport report = running.redrive->report();
  DeadLetterAnswer answer;
  answer.state = report.finished ? DeadLetterAnswer::State::finished : DeadLetterAnswer::State::running;
  answer.handled = report.handled;
  answer.returned = report.returned;
  answer.skipped = report.skipped;
  answer.why_skipped = std::move(report.why_skipped);
  answer.error = std::move(report.error);
  const Status told = requests_.report(running.id, answer, wall_now());
  return report.finished && (told || told.error().retry == Error::Retry::no);
}

}  // namespace headrace
