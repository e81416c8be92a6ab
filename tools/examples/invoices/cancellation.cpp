#include "cancellation.hpp"

#include <chrono>

namespace {

std::int64_t quantity_of(const Invoice& invoice) {
  std::int64_t sum = 0;
  for (const Invoice::Line& line : invoice.lines) sum += line.quantity;
  return sum;
}

hr::StepAnswer answer_of(const hr::Status& status) {
  return status ? hr::StepAnswer::done() : hr::StepAnswer::retry(status.error().message());
}

hr::StepAnswer with_goods(Invoices& invoices, Storehouse& storehouse, const hr::StepCall& call,
                          hr::Status (Storehouse::*move)(const Invoice&)) {
  const auto cancellation = invoices.load(call.input());
  if (!cancellation) return hr::StepAnswer::retry(cancellation.error().message());
  return answer_of((storehouse.*move)(cancellation->state));
}

hr::StepAnswer credit(Invoices& invoices, const hr::StepCall& call) {
  const auto cancellation = invoices.load(call.input());
  if (!cancellation) return hr::StepAnswer::retry(cancellation.error().message());
  const auto before = invoices.is_credited(call.input());
  if (!before) return hr::StepAnswer::retry(before.error().message());
  if (*before) return hr::StepAnswer::done();
  const auto credits = invoices.purchases_of(cancellation->state);
  if (!credits) return hr::StepAnswer::refuse(credits.error().what);
  const auto credited = invoices.credit(cancellation->state, *credits);
  if (!credited) return hr::StepAnswer::retry(credited.error().message());
  return *credited ? hr::StepAnswer::done() : hr::StepAnswer::retry("somebody credits the same invoice");
}

}  // namespace

hr::Status Storehouse::record(const Invoice& cancellation, const std::string& topic) {
  hr::EncodedEvent event;
  event.envelope.topic = topic;
  event.envelope.key = cancellation.number;
  const std::string text = std::to_string(-quantity_of(cancellation));
  event.content_type = "text/plain";
  for (const char c : text) event.body.push_back(static_cast<std::byte>(c));
  // A step that runs again finds its tag, and nothing is appended.
  const std::string tag = topic + ":" + cancellation.number;
  event.envelope.tags = {tag};
  hr::AppendRequest request =
      hr::AppendRequest::to("storehouse/" + cancellation.number, hr::ExpectedVersion::any(), {std::move(event)});
  request.conditions.push_back({hr::EventQuery::tagged({tag}), 0});
  const auto receipt = store_.append(request);
  return receipt ? hr::Status{hr::Nothing{}} : hr::Status{receipt.error()};
}

hr::Result<std::int64_t> Storehouse::returned(const std::string& cancellation) {
  std::int64_t sum = 0;
  const auto end =
      store_.read_stream({.stream = "storehouse/" + cancellation}, [&](const hr::StoredEvent& stored) {
        const std::string text(reinterpret_cast<const char*>(stored.event.body.data()), stored.event.body.size());
        sum += (stored.event.envelope.topic == "goods.returned" ? 1 : -1) * std::stoll(text);
        return hr::Visit::more;
      });
  if (!end) return end.error();
  return sum;
}

hr::Saga cancellation_saga(Invoices& invoices, Storehouse& storehouse) {
  using namespace std::chrono_literals;
  hr::Saga saga;
  saga.name = "cancellation";
  saga.steps = {
      {.name = "goods",
       .action =
           [&](const hr::StepCall& call) { return with_goods(invoices, storehouse, call, &Storehouse::put_back); },
       .compensation =
           [&](const hr::StepCall& call) { return with_goods(invoices, storehouse, call, &Storehouse::take_out); },
       .retry = hr::fixed(10ms, 10)},
      {.name = "credit",
       .action = [&](const hr::StepCall& call) { return credit(invoices, call); },
       .retry = hr::fixed(10ms, 10)},
  };
  return saga;
}
