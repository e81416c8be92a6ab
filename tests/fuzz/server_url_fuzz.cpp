#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "headrace/port/server_url.hpp"

// Input: a broker's address; and one after a secret, as its password.
// Claim: no bytes crash the parser; what it takes has a host; no error repeats the secret.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kSecret = "Canary4711";
  const std::string rest(reinterpret_cast<const char*>(data), size);
  for (const std::string& text :
       {rest, "amqp://user:" + std::string(kSecret) + rest, rest + std::string(kSecret)}) {
    const auto url = headrace::ServerUrl::of(text, "url");
    if (url ? url->host.empty() : url.error().message().find(kSecret) != std::string::npos) std::abort();
  }
  return 0;
}
