#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headrace::servicebus {

/// A shared access signature for `resource`, such as sb://host/queue, good until `expires_s` seconds after 1970.
[[nodiscard]] std::string sas_token(std::string_view resource, std::string_view key_name, std::string_view key,
                                    std::uint64_t expires_s);

}  // namespace headrace::servicebus
