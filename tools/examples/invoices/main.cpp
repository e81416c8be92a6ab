// A shop's invoices from files of its sales: every invoice is rebuilt from its events, and every cancellation is a
// saga that ends in one of two ends. Lines are stored by
//
//     headrace run tools/examples/invoices.toml --output-dir FOLDER < day.csv
//
// in the format of the data set "Online Retail" (UCI), and FOLDER/invoices.db is what this program is given. Without a
// file it makes a small one. docs/guide/09-orders.md says more.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "cancellation.hpp"
#include "headrace/process/saga_runner.hpp"

namespace {

using namespace std::chrono_literals;

int faults = 0;

void check(bool right, const std::string& what) {
  if (right) return;
  std::printf("WRONG: %s\n", what.c_str());
  ++faults;
}

template <class T>
T must(hr::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(result).value();
}

/// What an invoice comes to, counted by the store as the lines come in, with no knowledge of the struct Invoice.
std::map<std::string, std::size_t> lines_by_stream(hr::EventStore& store) {
  std::map<std::string, std::size_t> lines;
  static_cast<void>(must(store.read_all({}, [&](const hr::StoredEvent& stored) {
    if (stored.event.envelope.topic == stored.stream) ++lines[stored.stream];
    return hr::Visit::more;
  })));
  return lines;
}

void rebuild(hr::SqliteEventStore& store, Invoices& invoices) {
  const auto stored = lines_by_stream(store);
  std::size_t sales = 0;
  std::size_t lines = 0;
  std::int64_t sold = 0;
  std::int64_t taken_back = 0;
  for (const std::string& number : must(invoices.numbers())) {
    const Invoice invoice = must(invoices.load(number)).state;
    check(invoice.number == number, "invoice " + number + " knows its number");
    const auto found = stored.find(Invoices::stream_of(number));
    check(found != stored.end() && found->second == invoice.lines.size(),
          "invoice " + number + " has all its lines");
    lines += invoice.lines.size();
    sales += invoice.is_cancellation() ? 0 : 1;
    (invoice.is_cancellation() ? taken_back : sold) += invoice.cents();
  }
  std::printf("%zu invoices and %zu cancellations rebuilt from %zu lines: %" PRId64 ".%02d sold, %" PRId64
              ".%02d to be taken back\n",
              sales, stored.size() - sales, lines, sold / 100, static_cast<int>(sold % 100), -taken_back / 100,
              static_cast<int>(-taken_back % 100));
}

void cancel(hr::SqliteEventStore& store, Invoices& invoices) {
  Storehouse storehouse(store);
  auto letters = must(store.dead_letters());
  const auto sagas =
      must(hr::SagaRunner::open(store, *letters, cancellation_saga(invoices, storehouse), {.threads = 1}));
  std::map<std::string, std::size_t> reasons;
  std::size_t credited = 0;
  std::size_t refused = 0;
  std::int64_t things = 0;
  for (const std::string& number : must(invoices.numbers())) {
    if (!number.starts_with('C')) continue;
    static_cast<void>(must(sagas->start(number, number)));
    const hr::SagaState ended = must(sagas->wait_for(number, 1min));
    std::int64_t wanted = 0;
    for (const Invoice::Line& line : must(invoices.load(number)).state.lines) wanted -= line.quantity;
    std::int64_t credits = 0;
    for (const std::string& other : must(invoices.numbers())) {
      credits += must(invoices.load(other)).state.credited_by(number);
    }
    const std::int64_t returned = must(storehouse.returned(number));
    if (ended.phase == hr::SagaPhase::completed) {
      ++credited;
      things += credits;
      check(credits == wanted && returned == wanted,
            "cancellation " + number + " is credited and its goods are back");
    } else {
      ++refused;
      check(ended.phase == hr::SagaPhase::compensated, "cancellation " + number + " has ended");
      check(credits == 0 && returned == 0, "nothing is left of cancellation " + number);
    }
  }
  std::printf("%zu cancellations credited, %" PRId64 " things in all; %zu refused, and their goods sent back\n",
              credited, things, refused);
}

/// As the program would have stored them: a sale, a cancellation of a part of it, and one that nobody can understand.
void make_small(hr::SqliteEventStore& store) {
  const auto line = [&](const std::string& invoice, const char* goods, int quantity, const char* customer) {
    hr::EncodedEvent event;
    event.envelope.topic = Invoices::stream_of(invoice);
    event.content_type = "application/json";
    const std::string body = "{\"InvoiceNo\":\"" + invoice + "\",\"StockCode\":\"" + goods +
                             "\",\"Quantity\":" + std::to_string(quantity) + ",\"InvoiceDate\":\"2030-01-0" +
                             (quantity < 0 ? "2" : "1") +
                             " 09:00:00\",\"UnitPrice\":2.5,\"CustomerID\":" + customer + "}";
    for (const char c : body) event.body.push_back(static_cast<std::byte>(c));
    static_cast<void>(must(store.append(
        hr::AppendRequest::to(Invoices::stream_of(invoice), hr::ExpectedVersion::any(), {std::move(event)}))));
  };
  line("100", "LAMP", 3, "7.0");
  line("100", "CUP", 12, "7.0");
  line("C101", "CUP", -2, "7.0");
  line("C102", "LAMP", -1, "7.0");
  line("C102", "CHAIR", -1, "7.0");
}

int run(const std::filesystem::path& file, bool make) {
  const auto store = must(hr::SqliteEventStore::open({.file = file}));
  if (make) make_small(*store);
  Invoices invoices(*store);
  rebuild(*store, invoices);
  cancel(*store, invoices);
  return faults == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc > 1) return run(argv[1], false);
    std::string folder = (std::filesystem::temp_directory_path() / "invoices-XXXXXX").string();
    if (!::mkdtemp(folder.data())) return 1;
    const int result = run(std::filesystem::path(folder) / "invoices.db", true);
    std::filesystem::remove_all(folder);
    return result;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
