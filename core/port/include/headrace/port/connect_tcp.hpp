#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"

namespace headrace {

/// A socket that is connected, does not block and sends small packets at once; whoever asked closes it. Each of the
/// host's addresses is tried in turn, for as long as `deadline`. `where` is what errors call it. For adapters.
[[nodiscard]] Result<int> connect_tcp(const std::string& host, std::uint16_t port,
                                      std::chrono::milliseconds deadline, const std::string& where);

}  // namespace headrace
