#include "harness/mutation_runner.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

namespace headrace::model {
namespace {

constexpr unsigned kHangSeconds = 300;

struct Catch {
  bool caught = false;
  std::size_t litmus = 0;
  std::uint64_t executions = 0;
  rl::test_result_e result = rl::test_result_success;
};

// Most mutants fail within a few executions of some litmus: all get a few first.
Catch run_mutant(const Mutation& mutation, const std::bitset<kLitmusesMax>& passing, std::uint64_t executions) {
  control.mutation = &mutation;
  for (const std::uint64_t limit : {std::min<std::uint64_t>(executions, 2000), executions}) {
    for (std::size_t i = 0; i < litmuses().size(); ++i) {
      if (!passing[i]) continue;
      const RegisteredLitmus& litmus = litmuses()[i];
      const Outcome outcome = litmus.run(litmus.search, limit, nullptr);
      if (outcome.failed()) return {true, i, outcome.executions, outcome.result};
    }
  }
  return {};
}

struct Child {
  std::size_t verdict;
  int pipe;
};

Child start(const Mutation& mutation, const std::bitset<kLitmusesMax>& passing, std::uint64_t executions,
            std::size_t verdict, std::map<pid_t, Child>& children) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t pid = fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    alarm(kHangSeconds);
    const Catch result = run_mutant(mutation, passing, executions);
    const bool told = write(ends[1], &result, sizeof result) == sizeof result;
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  return children[pid] = {verdict, ends[0]};
}

void finish_one(std::map<pid_t, Child>& children, std::vector<Verdict>& verdicts) {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, 0);
  const auto child = children.find(pid);
  if (child == children.end()) return;
  Verdict& verdict = verdicts[child->second.verdict];
  Catch result;
  if (read(child->second.pipe, &result, sizeof result) == sizeof result) {
    verdict.caught = result.caught;
    verdict.litmus = result.litmus;
    verdict.executions = result.executions;
    if (result.caught) verdict.how = rl::test_result_str(result.result);
  } else {
    // Nothing was reported: a litmus that says so is what catches a mutation, not a process that ends.
    verdict.caught = false;
    verdict.how = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "HANG" : "CRASH";
  }
  close(child->second.pipe);
  children.erase(child);
}

}  // namespace

bool record_sites(SiteRegistry& registry, const std::string& prefix, std::uint64_t executions,
                  std::string& failed) {
  control.registry = &registry;
  for (std::size_t i = 0; i < litmuses().size(); ++i) {
    const RegisteredLitmus& litmus = litmuses()[i];
    if (litmus.expect == Expect::failure || !litmus.name.starts_with(prefix)) continue;
    registry.record_for(i);
    if (litmus.run(litmus.search, executions, nullptr).failed()) failed = litmus.name;
  }
  control.registry = nullptr;
  return failed.empty();
}

std::vector<Verdict> run_mutants(const SiteRegistry& registry, std::uint64_t executions, unsigned processes) {
  std::vector<Verdict> verdicts;
  std::vector<std::bitset<kLitmusesMax>> passing;
  for (const Sighting& sighting : registry.sightings()) {
    for (const std::memory_order weaker : weaker_orders(sighting.site.operation, sighting.site.order)) {
      verdicts.push_back({{sighting.site, weaker}});
      passing.push_back(sighting.litmuses);
    }
  }
  std::map<pid_t, Child> children;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (children.size() == processes) finish_one(children, verdicts);
    start(verdicts[i].mutation, passing[i], executions, i, children);
  }
  while (!children.empty()) finish_one(children, verdicts);
  return verdicts;
}

}  // namespace headrace::model
