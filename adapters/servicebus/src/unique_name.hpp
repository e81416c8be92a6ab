#pragma once

#include <random>
#include <string>
#include <string_view>

namespace headrace::servicebus {

/// What nobody else, here or elsewhere, is called.
[[nodiscard]] inline std::string unique_name() {
  std::random_device random;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string name;
  for (int i = 0; i < 32; ++i) name += kHex[random() & 15U];
  return name;
}

}  // namespace headrace::servicebus
