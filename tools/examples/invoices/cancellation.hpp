#pragma once

#include "headrace/process/saga.hpp"
#include "invoice.hpp"

/// What is in the storehouse, beside what the invoices say: only what came back.
class Storehouse {
 public:
  explicit Storehouse(hr::SqliteEventStore& store) : store_(store) {}

  /// The goods of a cancellation come back, or leave again because it was refused; once for each.
  [[nodiscard]] hr::Status put_back(const Invoice& cancellation) { return record(cancellation, "goods.returned"); }
  [[nodiscard]] hr::Status take_out(const Invoice& cancellation) { return record(cancellation, "goods.refused"); }
  /// How many things have come back and stayed, in all or of one cancellation.
  [[nodiscard]] hr::Result<std::int64_t> returned(const std::string& cancellation);

 private:
  [[nodiscard]] hr::Status record(const Invoice& cancellation, const std::string& topic);
  hr::SqliteEventStore& store_;
};

/// The goods are put back, then the invoices by which they were bought are credited. Where the customer has not bought
/// them, nothing is credited, and the goods leave again. The saga's id and input are the cancellation's number.
[[nodiscard]] hr::Saga cancellation_saga(Invoices& invoices, Storehouse& storehouse);
