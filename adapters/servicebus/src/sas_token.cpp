#include "sas_token.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cctype>

#include "headrace/base/check.hpp"

namespace headrace::servicebus {
namespace {

/// As JavaScript's encodeURIComponent, which Azure's own clients use; others encode more, which is as good.
std::string url_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-_.!~*'()";
  std::string out;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (std::isalnum(byte) != 0 || kPlain.find(each) != std::string_view::npos) {
      out += each;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string hmac_base64(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const unsigned char* made =
      ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  HEADRACE_CHECK("servicebus.hmac", made != nullptr, "libcrypto has no HMAC-SHA256");
  std::array<unsigned char, 4 * EVP_MAX_MD_SIZE / 3 + 4> base64{};
  const int length = ::EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length)};
}

}  // namespace

std::string sas_token(std::string_view resource, std::string_view key_name, std::string_view key,
                      std::uint64_t expires_s) {
  const std::string encoded = url_encoded(resource);
  const std::string expires = std::to_string(expires_s);
  return "SharedAccessSignature sr=" + encoded +
         "&sig=" + url_encoded(hmac_base64(key, encoded + "\n" + expires)) + "&se=" + expires +
         "&skn=" + url_encoded(key_name);
}

}  // namespace headrace::servicebus
