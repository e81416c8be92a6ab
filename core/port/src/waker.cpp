#include "headrace/port/waker.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "headrace/base/check.hpp"

namespace headrace {

Waker::Waker() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  HEADRACE_CHECK("waker.eventfd", event_ >= 0, "no file descriptor is left");
}

Waker::~Waker() { ::close(event_); }

void Waker::begin() {
  const std::scoped_lock lock(mutex_);
  wanted_ = true;
  woken_ = false;
}

bool Waker::wait(int socket, std::chrono::milliseconds deadline, Until until) {
  int timeout = static_cast<int>(deadline.count());
  {
    const std::scoped_lock lock(mutex_);
    asleep_ = !woken_;
    if (woken_) timeout = 0;  // the socket's answer is wanted all the same
  }
  const short events = until == Until::readable ? POLLIN : POLLIN | POLLOUT;
  pollfd ready[] = {{socket, events, 0}, {event_, POLLIN, 0}};
  ::poll(ready, 2, timeout);
  {
    const std::scoped_lock lock(mutex_);
    asleep_ = false;
  }
  // One that comes too late for this wait ends the next, which does no harm.
  std::uint64_t count = 0;
  if ((ready[1].revents & POLLIN) != 0) (void)!::read(event_, &count, sizeof count);
  return ready[0].revents != 0;
}

void Waker::wake() {
  {
    const std::scoped_lock lock(mutex_);
    if (!wanted_) return;
    wanted_ = false;
    if (!asleep_) {
      woken_ = true;
      return;
    }
  }
  const std::uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
}

}  // namespace headrace
