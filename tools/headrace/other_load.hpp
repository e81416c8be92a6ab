#pragma once

namespace headrace::program {

/// How much of all processors other programs used since construction: figures taken beside them mean little.
class OtherLoad {
 public:
  OtherLoad();
  /// In percent; 0 where the system does not tell.
  [[nodiscard]] double percent() const;

 private:
  double busy_seconds_, all_seconds_, own_seconds_;
};

/// Processor time that this process has used.
[[nodiscard]] double own_processor_seconds();

}  // namespace headrace::program
