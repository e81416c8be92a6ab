#pragma once

namespace headrace::bench {

/// How much of the machine other processes used since construction, as a share of all its processors.
/// Spinning threads that are preempted show figures several times too low, so every row states it.
class ForeignLoad {
 public:
  ForeignLoad();
  /// In [0, 1]; to about 1 % over half a second.
  [[nodiscard]] double share() const;

 private:
  double all_seconds_, busy_seconds_, own_seconds_;
};

/// A contender in a process of its own is no foreign load. Count it from its start until it was waited for.
void count_as_own(int child_pid);
void forget_own(int child_pid);

}  // namespace headrace::bench
