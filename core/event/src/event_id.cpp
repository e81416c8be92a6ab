#include "headrace/event/event_id.hpp"

#include <pthread.h>

#include <array>
#include <chrono>
#include <random>

namespace headrace {
namespace {

// One generator a thread, seeded by the system: nothing is shared. A fork's child has its parent's generator, so it
// seeds it anew: otherwise both would make the same ids.
class Generator {
 public:
  static Generator& of_this_thread() noexcept {
    thread_local Generator generator;
    return generator;
  }
  EventId next() noexcept {
    using namespace std::chrono;
    if (must_seed_) seed();
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    // Within a millisecond, and when the clock steps back, the 12 bits beside the time count on.
    const auto ms = static_cast<std::uint64_t>(now);
    if (ms > last_ms_) {
      last_ms_ = ms;
      sequence_ = next_word() & 0x7ff;
    } else if (++sequence_ > 0xfff) {
      ++last_ms_;
      sequence_ = 0;
    }
    return EventId::of(last_ms_, sequence_, next_word());
  }

 private:
  void seed() {
    // Of a child only the thread that forked it goes on. Seeding may take a lock, so it waits until after the fork.
    [[maybe_unused]] static const int kOnce =
        ::pthread_atfork(nullptr, nullptr, [] { of_this_thread().must_seed_ = true; });
    std::random_device device;
    for (auto& word : state_) word = static_cast<std::uint64_t>(device()) << 32 | device();
    must_seed_ = false;
  }
  // xoroshiro128+ would do; two rounds of mix64 over a counter are shorter and as even.
  std::uint64_t next_word() noexcept {
    return mix64(state_[0] += detail::kRoot2) ^ mix64(state_[1] += detail::kRoot5);
  }

  std::array<std::uint64_t, 2> state_{};
  std::uint64_t last_ms_ = 0;
  std::uint64_t sequence_ = 0;
  bool must_seed_ = true;
};

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kTextSize = 36;

constexpr bool is_dash(std::size_t at) noexcept { return at == 8 || at == 13 || at == 18 || at == 23; }

std::optional<std::uint64_t> digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint64_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint64_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint64_t>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

EventId EventId::make() noexcept { return Generator::of_this_thread().next(); }

std::optional<EventId> EventId::parse(std::string_view text) noexcept {
  if (text.size() != kTextSize) return std::nullopt;
  EventId id;
  for (std::size_t at = 0; at < kTextSize; ++at) {
    if (is_dash(at)) {
      if (text[at] != '-') return std::nullopt;
      continue;
    }
    const auto value = digit(text[at]);
    if (!value) return std::nullopt;
    id.high = id.high << 4 | id.low >> 60;
    id.low = id.low << 4 | *value;
  }
  return id;
}

std::string EventId::to_string() const {
  std::string text(kTextSize, '-');
  unsigned nibble = 0;
  for (std::size_t at = 0; at < kTextSize; ++at) {
    if (is_dash(at)) continue;
    const std::uint64_t word = nibble < 16 ? high : low;
    text[at] = kHexDigits[word >> (60 - 4 * (nibble % 16)) & 0xf];
    ++nibble;
  }
  return text;
}

}  // namespace headrace
