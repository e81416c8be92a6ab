#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sqlite/event_store.hpp"

namespace hr = headrace;

/// An invoice as its events tell it. One whose number begins with C takes goods back: its quantities are negative.
struct Invoice {
  struct Line {
    std::string goods;
    std::int64_t quantity = 0;
    std::int64_t cents = 0;                        ///< for each
    std::map<std::string, std::int64_t> credited;  ///< how many, by which cancellation

    [[nodiscard]] std::int64_t open() const;  ///< what was sold and not credited
  };
  std::string number;
  std::string customer;  ///< empty: unknown
  std::string date;
  std::vector<Line> lines;

  [[nodiscard]] bool is_cancellation() const { return number.starts_with('C'); }
  [[nodiscard]] std::int64_t cents() const;
  [[nodiscard]] std::int64_t credited_by(const std::string& cancellation) const;
};

/// So many of a line of an invoice.
struct Credit {
  std::string invoice;
  std::size_t line = 0;
  std::int64_t quantity = 0;
};

/// A shop's invoices, each a stream of the store: the lines as `headrace run tools/examples/invoices.toml` stored
/// them, and credits behind them.
class Invoices {
 public:
  explicit Invoices(hr::SqliteEventStore& store);

  [[nodiscard]] hr::Result<hr::Loaded<Invoice>> load(const std::string& number) {
    return invoices_.load(stream_of(number));
  }
  /// All that are there, in order.
  [[nodiscard]] hr::Result<std::vector<std::string>> numbers();
  /// What earlier invoices of the same customer have open of a cancellation's lines. An error says what nobody bought.
  [[nodiscard]] hr::Result<std::vector<Credit>> purchases_of(const Invoice& cancellation);
  [[nodiscard]] hr::Result<bool> is_credited(const std::string& cancellation);
  /// All of them or none, and once; false: somebody was faster, so look again.
  [[nodiscard]] hr::Result<bool> credit(const Invoice& cancellation, const std::vector<Credit>& credits);

  [[nodiscard]] static std::string stream_of(const std::string& number) { return "invoice/" + number; }

 private:
  [[nodiscard]] hr::Status learn_buyers();

  hr::SqliteEventStore& store_;
  hr::Aggregate<Invoice> invoices_;
  /// Who bought what, by which invoices.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> bought_;
};
