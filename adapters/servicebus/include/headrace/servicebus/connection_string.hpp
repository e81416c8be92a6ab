#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"

namespace headrace::servicebus {

/// What Azure's portal gives out, taken apart:
/// Endpoint=sb://HOST[:PORT]/;SharedAccessKeyName=NAME;SharedAccessKey=KEY[;EntityPath=QUEUE]
/// or, instead of name and key, SharedAccessSignature=TOKEN; and UseDevelopmentEmulator=true for plain AMQP.
/// Names are known in upper and lower case; their order is free; TransportType and OperationTimeout are passed over.
struct ConnectionString {
  std::string host;
  std::uint16_t port = 0;  ///< 0: not given
  std::string key_name;
  std::string key;
  std::string token;   ///< a ready-made SharedAccessSignature, which nobody renews
  std::string entity;  ///< empty: the key is one of the whole namespace
  bool emulator = false;

  /// No error repeats any of the text, which holds a secret; it names a part by its number.
  [[nodiscard]] static Result<ConnectionString> of(std::string_view text);
};

}  // namespace headrace::servicebus
