#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/context.hpp"

namespace headrace::bench {

enum class Better { higher, lower };

/// Which processors a row's figure depends on. Only `pair` rows are repeated when the cores' distance changes.
enum class Cores { pair, one };

/// What the ratio, ours / peer, should reach: at least (Better::higher) or at most (Better::lower).
struct Target {
  double far;   ///< when the two cores share no cache
  double near;  ///< when they do
};

/// The same aim wherever the cores are.
[[nodiscard]] constexpr Target everywhere(double ratio) { return {.far = ratio, .near = ratio}; }

using Measure = std::function<double(Context&)>;

struct Contender {
  std::string name;
  Measure measure;
  std::optional<Target> target;  ///< of the ratio to it; never set for ours
};

struct RowSpec {
  std::string unit;  ///< of a measurement's answer: "M/s", "GB/s", "ns"
  Better better = Better::higher;
  Cores cores = Cores::pair;
};

/// One row of the benchmark table: what we measure, and the peers measured in the same run, turn about.
class Row {
 public:
  Row(std::string name, RowSpec spec) : name_(std::move(name)), spec_(std::move(spec)) {}

  void ours(Measure measure) { ours_ = {"headrace", std::move(measure), {}}; }
  /// Name the peer with its version.
  void peer(std::string name, Measure measure, std::optional<Target> target = {}) {
    peers_.push_back({std::move(name), std::move(measure), target});
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const RowSpec& spec() const { return spec_; }
  [[nodiscard]] const Contender& ours() const { return ours_; }
  [[nodiscard]] const std::vector<Contender>& peers() const { return peers_; }

 private:
  std::string name_;
  RowSpec spec_;
  Contender ours_;
  std::vector<Contender> peers_;
};

/// Every row linked into this program, by name.
[[nodiscard]] std::vector<Row> all_rows();

/// Registers one row; made by the macro below, before main.
struct RowRegistration {
  RowRegistration(std::string name, RowSpec spec, void (*describe)(Row&));
};

}  // namespace headrace::bench

#define HEADRACE_BENCH_JOIN2(a, b) a##b
#define HEADRACE_BENCH_JOIN(a, b) HEADRACE_BENCH_JOIN2(a, b)

/// HEADRACE_BENCH_ROW("ring.spsc.8b.single", .unit = "M/s") { row.ours(...); row.peer(...); }
#define HEADRACE_BENCH_ROW(name, ...) HEADRACE_BENCH_ROW_AT(__COUNTER__, name, __VA_ARGS__)
#define HEADRACE_BENCH_ROW_AT(line, name, ...)                                                   \
  static void HEADRACE_BENCH_JOIN(describe_row_, line)(::headrace::bench::Row&);                 \
  static const ::headrace::bench::RowRegistration HEADRACE_BENCH_JOIN(row_registration_, line){  \
      name, ::headrace::bench::RowSpec{__VA_ARGS__}, &HEADRACE_BENCH_JOIN(describe_row_, line)}; \
  static void HEADRACE_BENCH_JOIN(describe_row_, line)([[maybe_unused]] ::headrace::bench::Row & row)
