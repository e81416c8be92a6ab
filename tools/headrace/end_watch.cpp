#include "end_watch.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace headrace::program {

EndWatch::EndWatch() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

HealthBoard::Changed EndWatch::watch(std::string end) {
  return [this, end = std::move(end)](const Health& health) {
    {
      const std::scoped_lock lock(mutex_);
      changes_.push_back({end, health});
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
  };
}

std::vector<NamedHealth> EndWatch::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(event_.get(), &count, sizeof count);
  const std::scoped_lock lock(mutex_);
  return std::exchange(changes_, {});
}

}  // namespace headrace::program
