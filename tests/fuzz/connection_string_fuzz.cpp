#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "headrace/servicebus/connection_string.hpp"

// Input: a connection string, after one that has a secret.
// Claim: no bytes crash the parser; what it takes is whole; no error repeats the secret.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kSecret = "Q2FuYXJ5NDcxMQ";
  const std::string_view rest(reinterpret_cast<const char*>(data), size);
  using headrace::servicebus::ConnectionString;
  for (const std::string& text : {std::string(rest), std::string(rest) + std::string(kSecret),
                                  "SharedAccessKey=" + std::string(kSecret) + ";" + std::string(rest)}) {
    const auto parsed = ConnectionString::of(text);
    if (!parsed) {
      if (parsed.error().message().find(kSecret) != std::string::npos) std::abort();
      continue;
    }
    if (parsed->host.empty()) std::abort();
    if (parsed->token.empty() && (parsed->key.empty() || parsed->key_name.empty())) std::abort();
    if (!parsed->token.empty() && !parsed->key.empty()) std::abort();
  }
  return 0;
}
