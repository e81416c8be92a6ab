#include "invoice.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

constexpr const char* kCredited = "invoices.credited";

json body_of(const hr::EncodedEvent& event) {
  const auto* text = reinterpret_cast<const char*>(event.body.data());
  return json::parse(text, text + event.body.size(), nullptr, false);
}

std::vector<std::byte> bytes_of(const json& body) {
  const std::string text = body.dump();
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// Codes that look like numbers came as numbers.
std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? std::to_string(value.get<std::int64_t>()) : std::string();
}

hr::Status fold(Invoice& invoice, const hr::StoredEvent& stored) {
  const json body = body_of(stored.event);
  if (body.is_discarded()) return hr::Error{"not JSON", stored.stream};
  if (stored.event.envelope.topic == kCredited) {
    invoice.lines.at(body["line"]).credited[body["by"]] += body["quantity"].get<std::int64_t>();
    return hr::Nothing{};
  }
  if (!body["Quantity"].is_number() || !body["UnitPrice"].is_number()) {
    return hr::Error{"a line without quantity or price", stored.stream};
  }
  invoice.number = text_of(body["InvoiceNo"]);
  invoice.customer = text_of(body["CustomerID"]);
  invoice.date = text_of(body["InvoiceDate"]);
  invoice.lines.push_back({text_of(body["StockCode"]),
                           body["Quantity"].get<std::int64_t>(),
                           std::llround(body["UnitPrice"].get<double>() * 100),
                           {}});
  return hr::Nothing{};
}

hr::AggregateKind<Invoice> kind_of_invoice() {
  hr::AggregateKind<Invoice> kind;
  kind.fold = fold;
  kind.hot_max = 1'000;
  return kind;
}

}  // namespace

std::int64_t Invoice::Line::open() const {
  std::int64_t left = quantity;
  for (const auto& [by, credits] : credited) left -= credits;
  return left;
}

std::int64_t Invoice::cents() const {
  std::int64_t sum = 0;
  for (const Line& line : lines) sum += line.quantity * line.cents;
  return sum;
}

std::int64_t Invoice::credited_by(const std::string& cancellation) const {
  std::int64_t sum = 0;
  for (const Line& line : lines) {
    if (const auto found = line.credited.find(cancellation); found != line.credited.end()) sum += found->second;
  }
  return sum;
}

Invoices::Invoices(hr::SqliteEventStore& store) : store_(store), invoices_(store, kind_of_invoice()) {}

hr::Result<std::vector<std::string>> Invoices::numbers() {
  const std::string first = stream_of("");
  std::vector<std::string> numbers;
  for (std::string after = first;;) {
    const auto some = store_.streams(after, 1'000);
    if (!some) return some.error();
    for (const auto& stream : *some) {
      if (stream.name.starts_with(first)) numbers.push_back(stream.name.substr(first.size()));
    }
    if (some->size() < 1'000) return numbers;
    after = some->back().name;
  }
}

hr::Status Invoices::learn_buyers() {
  if (!bought_.empty()) return hr::Nothing{};
  const auto all = numbers();
  if (!all) return all.error();
  for (const std::string& number : *all) {
    const auto invoice = load(number);
    if (!invoice) return invoice.error();
    for (const Invoice::Line& line : invoice->state.lines) {
      auto& invoices = bought_[{invoice->state.customer, line.goods}];
      if (line.quantity > 0 && (invoices.empty() || invoices.back() != number)) invoices.push_back(number);
    }
  }
  return hr::Nothing{};
}

hr::Result<std::vector<Credit>> Invoices::purchases_of(const Invoice& cancellation) {
  if (cancellation.customer.empty()) return hr::Error{"nobody knows the customer", cancellation.number};
  if (const auto learnt = learn_buyers(); !learnt) return learnt.error();
  std::vector<Credit> credits;
  const auto taken = [&](const std::string& number, std::size_t line) {
    std::int64_t sum = 0;
    for (const Credit& one : credits) sum += one.invoice == number && one.line == line ? one.quantity : 0;
    return sum;
  };
  for (const Invoice::Line& back : cancellation.lines) {
    std::int64_t wanted = -back.quantity;
    for (const std::string& number : bought_[{cancellation.customer, back.goods}]) {
      const auto invoice = load(number);
      if (!invoice) return invoice.error();
      const auto& lines = invoice->state.lines;
      for (std::size_t at = 0; at < lines.size() && invoice->state.date <= cancellation.date; ++at) {
        if (lines[at].goods != back.goods) continue;
        const std::int64_t part = std::min(wanted, lines[at].open() - taken(number, at));
        if (part <= 0) continue;
        credits.push_back({number, at, part});
        wanted -= part;
      }
    }
    if (wanted > 0) {
      return hr::Error{"the customer has not bought " + std::to_string(wanted) + " of " + back.goods,
                       cancellation.number};
    }
  }
  return credits;
}

hr::Result<bool> Invoices::is_credited(const std::string& cancellation) {
  bool found = false;
  const auto end =
      store_.read_all({.query = hr::EventQuery::tagged({"by:" + cancellation})}, [&](const hr::StoredEvent&) {
        found = true;
        return hr::Visit::stop;
      });
  if (!end) return end.error();
  return found;
}

hr::Result<bool> Invoices::credit(const Invoice& cancellation, const std::vector<Credit>& credits) {
  hr::AppendRequest request;
  std::map<std::string, std::size_t> place;
  for (const Credit& one : credits) {
    const auto [at, is_new] = place.try_emplace(one.invoice, request.streams.size());
    if (is_new) {
      const auto invoice = load(one.invoice);
      if (!invoice) return invoice.error();
      request.streams.push_back({stream_of(one.invoice), hr::ExpectedVersion::exact(invoice->version), {}});
    }
    hr::EncodedEvent event;
    event.envelope.topic = kCredited;
    event.envelope.tags = {"by:" + cancellation.number};
    event.content_type = "application/json";
    event.body = bytes_of({{"by", cancellation.number}, {"line", one.line}, {"quantity", one.quantity}});
    request.streams[at->second].events.push_back(std::move(event));
  }
  // Once, whoever else tries at the same time.
  request.conditions.push_back({hr::EventQuery::tagged({"by:" + cancellation.number}), 0});
  const auto receipt = store_.append(request);
  if (!receipt) return receipt.error();
  return receipt->outcome != hr::AppendOutcome::version_conflict;
}
