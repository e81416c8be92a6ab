#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace headrace {

/// What the bus answers a broker about a message.
enum class Settlement : std::uint8_t {
  done,    ///< its outcome is known: acknowledged
  retry,   ///< not now: back to the broker, which delivers it again
  reject,  ///< given up: to the broker's own dead-lettering, where it has one
  defer,  ///< set aside with the broker until it is asked for by its number; retry, where Capabilities::defer is false
};

/// Where a source takes answers. Kept alive by every Settle.
class SettlementTarget {
 public:
  virtual ~SettlementTarget() = default;
  /// @thread any
  virtual void settle(std::uint64_t tag, Settlement settlement) noexcept = 0;
  /// As settle() with Settlement::reject, and why, for a broker that keeps it. @thread any
  virtual void reject(std::uint64_t tag, std::string_view reason) noexcept {
    static_cast<void>(reason);
    settle(tag, Settlement::reject);
  }
};

/// The right to answer one message, once, from any thread, also after the source has gone (the broker then knows
/// better, and nothing happens). One that is destroyed unused answers retry: nothing is acknowledged by accident.
class [[nodiscard]] Settle {
 public:
  Settle() = default;
  Settle(std::shared_ptr<SettlementTarget> target, std::uint64_t tag) noexcept
      : target_(std::move(target)), tag_(tag) {}
  Settle(Settle&&) noexcept = default;
  Settle& operator=(Settle&& other) noexcept {
    if (this != &other) {
      (*this)(Settlement::retry);
      target_ = std::move(other.target_);
      tag_ = other.tag_;
    }
    return *this;
  }
  ~Settle() { (*this)(Settlement::retry); }

  /// Only the first call does something.
  void operator()(Settlement settlement) noexcept {
    if (const auto target = std::exchange(target_, nullptr)) target->settle(tag_, settlement);
  }
  /// The same as Settlement::reject, with the reason in words, of which brokers keep the first kilobyte beside the dead
  /// letter, where they can (Capabilities::reject_reason).
  void reject(std::string_view reason) noexcept {
    if (const auto target = std::exchange(target_, nullptr)) target->reject(tag_, reason);
  }
  [[nodiscard]] bool is_open() const noexcept { return target_ != nullptr; }

 private:
  std::shared_ptr<SettlementTarget> target_;
  std::uint64_t tag_ = 0;
};

}  // namespace headrace
