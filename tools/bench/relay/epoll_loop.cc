#include "epoll_loop.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>

namespace peerpulse::bench {

namespace {
constexpr int kEventsAtOnce = 256;
}

Result<std::unique_ptr<EpollLoop>> EpollLoop::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return systemError("epoll_create1", errno);
  return std::unique_ptr<EpollLoop>(new EpollLoop(std::move(epoll)));
}

Result<void> EpollLoop::control(int operation, int fd, EventHandler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) return systemError("epoll_ctl", errno);
  return {};
}

Result<void> EpollLoop::watch(int fd, EventHandler& handler) { return control(EPOLL_CTL_ADD, fd, handler); }

// Setting the same events once more makes the kernel look at the descriptor's state again.
Result<void> EpollLoop::rearm(int fd, EventHandler& handler) { return control(EPOLL_CTL_MOD, fd, handler); }

void EpollLoop::fail(Error error) {
  error_ = std::move(error);
  failed_ = true;
}

Error EpollLoop::run() {
  std::array<epoll_event, kEventsAtOnce> events{};
  while (!failed_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, -1);
    if (count < 0 && errno != EINTR) return systemError("epoll_wait", errno);
    for (int i = 0; i < count; ++i)
      static_cast<EventHandler*>(events[static_cast<size_t>(i)].data.ptr)
          ->onEvents(events[static_cast<size_t>(i)].events);
    retired_.clear();
  }
  return error_;
}

}  // namespace peerpulse::bench
