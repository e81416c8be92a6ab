#include "headrace/simulation/scenario.hpp"

#include <algorithm>
#include <cstddef>

#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace {
namespace {

std::string quoted(const std::vector<std::string>& reasons) {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "'" : ", '") + reason + "'";
  return text.empty() ? "none" : text;
}

}  // namespace

std::string Scenario::run(std::uint64_t seed) {
  SimulationOptions options = options_;
  options.seed = seed;
  if (options.delivery.dead_letters == nullptr) {
    options.delivery.dead_letters = std::make_shared<MemoryDeadLetterStore>();
  }
  const auto letters = options.delivery.dead_letters;
  SimulatedBus sim(std::move(options));

  std::vector<Followed> followed;
  const auto note = [&](const AnyEvent& event, const Context& context) {
    if (context.meta() == nullptr || context.meta()->causation.is_none()) return;
    const auto wanted = std::find_if(expected_.begin(), expected_.end(),
                                     [&](const Expected& expected) { return expected.type == event.type; });
    followed.push_back({event.type, std::string(event.topic),
                        wanted == expected_.end() ? HeldEvent{} : wanted->copy(event.data)});
  };
  const Subscription tap = sim.bus().tap([&](const AnyEvent& event, Context& context) { note(event, context); });
  std::vector<std::any> subjects;
  for (const auto& make : subjects_) subjects.push_back(make(sim));

  SimulatedPublisher& publisher = sim.publisher();
  const auto take = [&](const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      step(sim, publisher);
      sim.advance(std::chrono::nanoseconds::zero());
    }
  };
  take(given_);
  followed.clear();
  DeadLetterFilter since;
  if (const auto before = letters->list({}); before && !before->empty()) since.after = before->back().id;
  take(when_);

  std::vector<std::string> reasons;
  const auto given_up = letters->list(since);
  if (!given_up) return "the dead letter store: " + given_up.error().message();
  for (const DeadLetter& letter : *given_up) reasons.push_back(letter.reason);
  const std::string wrong = judge(followed, reasons);
  return wrong.empty() ? wrong : wrong + "\n" + sim.describe();
}

std::string Scenario::judge(const std::vector<Followed>& followed, const std::vector<std::string>& reasons) const {
  if (asks_for_events_) {
    for (std::size_t i = 0; i < std::max(followed.size(), expected_.size()); ++i) {
      const std::string which = "event " + std::to_string(i + 1) + " that follows: ";
      if (i == followed.size()) return which + "expected " + expected_[i].text + ", got nothing more";
      if (i == expected_.size()) return which + "expected nothing more, got " + followed[i].topic;
      if (followed[i].type != expected_[i].type) {
        return which + "expected " + expected_[i].text + ", got " + followed[i].topic;
      }
      if (!expected_[i].is(followed[i].event.data())) return which + expected_[i].text + " has other values";
    }
  }
  if (asks_for_letters_ && reasons != reasons_) {
    return "given up: expected " + quoted(reasons_) + ", got " + quoted(reasons);
  }
  for (const auto& [name, holds] : checks_) {
    if (!holds()) return "does not hold: " + name;
  }
  return {};
}

}  // namespace headrace
