#include "requests.hpp"

#include <proton/terminus.h>

#include <utility>

#include "amqp_message.hpp"

namespace headrace::servicebus {
namespace {

constexpr int kAnswersMax = 100;  ///< credit for answers

}  // namespace

Error Requests::Answer::error(std::string_view doing, const std::string& where) const {
  const bool for_good = status == 400 || status == 401 || status == 403 || status == 404 || status == 409;
  return Error{std::string(doing) + ": " + std::to_string(status) + " " + words, where,
               for_good ? Error::Retry::no : Error::Retry::maybe};
}

Requests::Requests(Connection& connection, std::string node)
    : connection_(connection), node_(std::move(node)), reply_to_("headrace-" + node_) {
  sender_ = pn_sender(connection.session(), ("ask-" + node_).c_str());
  pn_terminus_set_address(pn_link_target(sender_), node_.c_str());
  receiver_ = pn_receiver(connection.session(), ("hear-" + node_).c_str());
  pn_terminus_set_address(pn_link_source(receiver_), node_.c_str());
  pn_terminus_set_address(pn_link_target(receiver_), reply_to_.c_str());
  pn_link_set_rcv_settle_mode(receiver_, PN_RCV_FIRST);
  pn_link_set_max_message_size(receiver_, kMessageBytesMax);
  for (pn_link_t* link : {sender_, receiver_}) {
    connection.watch(link, *this);
    pn_link_open(link);
  }
  pn_link_flow(receiver_, kAnswersMax);
}

Requests::~Requests() {
  for (pn_link_t* link : {sender_, receiver_}) Connection::forget(link);
}

void Requests::ask(pn_message_t* request, Answered answered) {
  const std::string number = std::to_string(++numbered_);
  pn_message_set_id(request, {PN_STRING, {.as_bytes = bytes_of(number)}});
  pn_message_set_address(request, node_.c_str());
  pn_message_set_reply_to(request, reply_to_.c_str());
  std::string bytes;
  encode(request, bytes);
  asked_[number] = {std::move(answered), Clock::now()};
  pn_delivery(sender_, {number.size(), number.data()});
  pn_link_send(sender_, bytes.data(), bytes.size());
  pn_link_advance(sender_);
}

void Requests::look() {
  const auto before = Clock::now() - connection_.answer_timeout();
  for (const auto& [number, asked] : asked_) {
    if (asked.at < before) return connection_.fail(connection_.late("asking " + node_));
  }
}

void Requests::opened(pn_link_t*) { ++opened_; }

void Requests::delivered(pn_delivery_t* delivery) {
  if (pn_delivery_link(delivery) == receiver_) return take(delivery);
  if (!pn_delivery_updated(delivery)) return;
  if (pn_delivery_remote_state(delivery) == PN_REJECTED) {
    connection_.fail(connection_.error_of(pn_disposition_condition(pn_delivery_remote(delivery)),
                                          "the server refused a request to " + node_));
  }
  pn_delivery_settle(delivery);
}

void Requests::take(pn_delivery_t* delivery) {
  const auto bytes = read_whole(delivery, buffer_);
  if (!bytes) return;
  const MessagePtr message(pn_message());
  const bool good = pn_message_decode(message.get(), bytes->data(), bytes->size()) == 0;
  pn_delivery_update(delivery, PN_ACCEPTED);
  pn_delivery_settle(delivery);
  pn_link_flow(receiver_, 1);
  if (!good) return connection_.fail(Error{node_ + " answers nonsense", connection_.where(), Error::Retry::maybe});
  const pn_msgid_t id = pn_message_get_correlation_id(message.get());
  const auto at = id.type == PN_STRING ? asked_.find(std::string(text_of(id.u.as_bytes))) : asked_.end();
  if (at == asked_.end()) return;  // to nothing that was asked
  const Answered answered = std::move(at->second.answered);
  asked_.erase(at);
  Answer answer;
  answer.message = message.get();
  each_entry(pn_message_properties(message.get()), [&](std::string_view name, pn_data_t* value) {
    if (name == "status-code" || name == "statusCode") answer.status = number_at(value).value_or(0);
    if (name == "status-description" || name == "statusDescription") answer.words = text_at(value).value_or("");
  });
  answered(answer);
}

}  // namespace headrace::servicebus
