#pragma once

#include <cstddef>
#include <string_view>

namespace headrace {

/// What a broker can do through its adapter. The conformance suite tests by it, and the adapter's README says it.
struct Capabilities {
  std::string_view name;
  bool order_by_key = false;     ///< one key's messages arrive in the order sent, as long as none is sent again
  bool retry = false;            ///< Settlement::retry brings the message again without a new connection
  bool dead_letters = false;     ///< Settlement::reject moves it to a place of the broker's
  bool reject_reason = false;    ///< the reason of Settle::reject() stands beside the dead letter
  bool redelivery_flag = false;  ///< ReceivedMessage::redelivered says when a message was delivered before
  bool headers = false;          ///< headers travel
  bool content_type = false;
  bool defer = false;                                        ///< Settlement::defer sets it aside
  bool durable = false;                                      ///< confirmed messages survive kill -9 of the broker
  std::size_t unsettled_max = static_cast<std::size_t>(-1);  ///< how many messages of a source can be out at once
  std::size_t body_bytes_max = 0;
};

}  // namespace headrace
