#include "proton.hpp"

#include "headrace/base/check.hpp"

namespace headrace::servicebus {

std::optional<std::string_view> text_at(pn_data_t* data) {
  switch (pn_data_type(data)) {
    case PN_STRING:
      return text_of(pn_data_get_string(data));
    case PN_SYMBOL:
      return text_of(pn_data_get_symbol(data));
    case PN_BINARY:
      return text_of(pn_data_get_binary(data));
    default:
      return std::nullopt;
  }
}

std::optional<std::int64_t> number_at(pn_data_t* data) {
  switch (pn_data_type(data)) {
    case PN_UBYTE:
      return pn_data_get_ubyte(data);
    case PN_BYTE:
      return pn_data_get_byte(data);
    case PN_USHORT:
      return pn_data_get_ushort(data);
    case PN_SHORT:
      return pn_data_get_short(data);
    case PN_UINT:
      return pn_data_get_uint(data);
    case PN_INT:
      return pn_data_get_int(data);
    case PN_ULONG:
      return static_cast<std::int64_t>(pn_data_get_ulong(data));
    case PN_LONG:
      return pn_data_get_long(data);
    case PN_TIMESTAMP:
      return pn_data_get_timestamp(data);
    default:
      return std::nullopt;
  }
}

void encode(pn_message_t* message, std::string& into) {
  const std::size_t before = into.size();
  for (std::size_t room = 1'024;; room *= 2) {
    into.resize(before + room);
    std::size_t size = room;
    const int code = pn_message_encode(message, into.data() + before, &size);
    if (code == PN_OVERFLOW) continue;
    HEADRACE_CHECK("servicebus.encode", code == 0, "a message of texts and bytes can be encoded");
    into.resize(before + size);
    return;
  }
}

std::optional<std::string_view> read_whole(pn_delivery_t* delivery, std::string& buffer) {
  if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return std::nullopt;
  buffer.resize(pn_delivery_pending(delivery));
  pn_link_t* link = pn_delivery_link(delivery);
  const ssize_t got = buffer.empty() ? 0 : pn_link_recv(link, buffer.data(), buffer.size());
  buffer.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  pn_link_advance(link);
  return buffer;
}

}  // namespace headrace::servicebus
