#include "headrace/wire/foreign_event_id.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <string>

namespace headrace::wire {
namespace {

using State = std::array<std::uint32_t, 5>;

std::uint32_t word_at(const char* at) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<unsigned char>(at[i]);
  return word;
}

void mix_block(State& state, const char* block) {
  std::array<std::uint32_t, 80> words;
  for (std::size_t i = 0; i < 16; ++i) words[i] = word_at(block + 4 * i);
  for (std::size_t i = 16; i < 80; ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t mixed = 0;
    if (i < 20) {
      mixed = ((b & c) | (~b & d)) + 0x5a827999;
    } else if (i < 40) {
      mixed = (b ^ c ^ d) + 0x6ed9eba1;
    } else if (i < 60) {
      mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    } else {
      mixed = (b ^ c ^ d) + 0xca62c1d6;
    }
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State added{a, b, c, d, e};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
}

/// SHA-1 (FIPS 180-4).
State sha1(std::string_view text) {
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const auto bits = static_cast<std::uint64_t>(text.size()) * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift & 0xff);
  for (std::size_t at = 0; at < padded.size(); at += 64) mix_block(state, padded.data() + at);
  return state;
}

}  // namespace

EventId foreign_event_id(std::string_view source, std::string_view id) {
  if (id.empty()) return {};
  if (const auto own = EventId::parse(id); own && *own) return *own;
  // The namespace is the RFC's own for URLs; the length parts source and id, so that no two pairs share a name.
  constexpr std::string_view kUrlNamespace("\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16);
  std::string name(kUrlNamespace);
  name += std::to_string(source.size()) + ":";
  name += source;
  name += id;
  const State hash = sha1(name);
  EventId made{static_cast<std::uint64_t>(hash[0]) << 32 | hash[1],
               static_cast<std::uint64_t>(hash[2]) << 32 | hash[3]};
  made.high = (made.high & ~std::uint64_t{0xf000}) | 0x5000;
  made.low = (made.low & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000;
  return made;
}

}  // namespace headrace::wire
