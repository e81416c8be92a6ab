#include "headrace/event/upcaster.hpp"

#include <exception>

namespace headrace {
namespace {

std::string version_text(std::uint32_t version) { return "version " + std::to_string(version); }

std::string step_text(std::uint32_t version) {
  return "the step from version " + std::to_string(version) + " to " + std::to_string(version + 1);
}

}  // namespace

void Upcasters::add(std::string_view topic, std::uint32_t version, Step step) {
  const std::string name(topic);
  if (version == 0) throw ConfigError("upcasters of " + name + ": versions begin at 1");
  if (!step) throw ConfigError("upcasters of " + name + ": " + step_text(version) + " is empty");
  if (!topics_[name].steps.emplace(version, std::move(step)).second) {
    throw ConfigError("upcasters of " + name + ": " + step_text(version) + " is there already");
  }
}

void Upcasters::require(std::string_view topic, std::uint32_t oldest, std::uint32_t newest) {
  Topic& entry = topics_[std::string(topic)];
  if (oldest == 0 || oldest > newest) {
    throw ConfigError("upcasters of " + std::string(topic) + ": no versions lie between " +
                      std::to_string(oldest) + " and " + std::to_string(newest));
  }
  entry.oldest = entry.oldest == 0 ? oldest : std::min(entry.oldest, oldest);
  entry.newest = std::max(entry.newest, newest);
}

std::string Upcasters::faults_of(std::string_view name, const Topic& topic, std::uint32_t oldest,
                                 std::uint32_t newest) {
  std::string faults;
  const auto add = [&](std::uint32_t version, std::string_view fault) {
    faults += (faults.empty() ? "" : "; ") + std::string(name) + ": " + step_text(version) + std::string(fault);
  };
  for (std::uint32_t version = oldest; version < newest; ++version) {
    if (!topic.steps.contains(version)) add(version, " is missing");
  }
  for (auto step = topic.steps.lower_bound(newest); step != topic.steps.end(); ++step) {
    add(step->first, " leads beyond the newest version");
  }
  return faults;
}

Status Upcasters::check() const {
  std::string faults;
  for (const auto& [name, topic] : topics_) {
    if (topic.newest == 0) continue;
    const std::string more = faults_of(name, topic, topic.oldest, topic.newest);
    if (!more.empty()) faults += (faults.empty() ? "" : "; ") + more;
  }
  if (faults.empty()) return Nothing{};
  return Error{std::move(faults), "upcasters"};
}

Status Upcasters::check_topic(std::string_view topic, std::uint32_t newest) const {
  const auto entry = topics_.find(topic);
  if (entry == topics_.end()) return Nothing{};
  const Topic& of = entry->second;
  if (of.oldest == 0 && of.steps.empty()) return Nothing{};
  const std::uint32_t oldest = of.oldest != 0 ? of.oldest : of.steps.begin()->first;
  std::string faults = faults_of(topic, of, oldest, newest);
  if (faults.empty()) return Nothing{};
  return Error{std::move(faults), "upcasters"};
}

const Upcasters::Step* Upcasters::find(std::string_view topic, std::uint32_t version) const {
  const auto entry = topics_.find(topic);
  if (entry == topics_.end()) return nullptr;
  const auto step = entry->second.steps.find(version);
  return step == entry->second.steps.end() ? nullptr : &step->second;
}

Status Upcasters::check_version(std::string_view topic, std::uint32_t version, std::uint32_t known) const {
  const std::string where(topic);
  if (version == 0) return Error{"version 0: versions begin at 1", where};
  if (version > known) {
    return Error{version_text(version) + " is newer than " + std::to_string(known) + ", the newest known here",
                 where};
  }
  for (; version < known; ++version) {
    if (find(topic, version) == nullptr) return Error{step_text(version) + " is missing", where};
  }
  return Nothing{};
}

Status Upcasters::upcast(std::string_view topic, std::uint32_t version, std::uint32_t known,
                         FieldValue& fields) const {
  if (Status fits = check_version(topic, version, known); !fits) return fits;
  for (; version < known; ++version) {
    std::string fault;
    Error::Retry retry = Error::Retry::no;
    try {
      const Status done = (*find(topic, version))(fields);
      if (done) continue;
      fault = done.error().message();
      retry = done.error().retry;
    } catch (const std::exception& thrown) {
      fault = thrown.what();
    }
    return Error{step_text(version) + " failed: " + fault, std::string(topic), retry};
  }
  return Nothing{};
}

}  // namespace headrace
