#include "signal_watcher.h"

#include <cerrno>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace peerpulse::tools {

Result<std::unique_ptr<SignalWatcher>> SignalWatcher::create(event::Dispatcher& dispatcher,
                                                             std::function<void(int)> onSignal) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  if (const int failed = ::pthread_sigmask(SIG_BLOCK, &mask, nullptr); failed != 0) {
    return systemError("pthread_sigmask", failed);
  }
  Fd fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return systemError("signalfd", errno);
  return std::unique_ptr<SignalWatcher>(new SignalWatcher(dispatcher, std::move(fd), std::move(onSignal)));
}

SignalWatcher::SignalWatcher(event::Dispatcher& dispatcher, Fd fd, std::function<void(int)> onSignal)
    : fd_(std::move(fd)), onSignal_(std::move(onSignal)) {
  event_ = dispatcher.createFileEvent(fd_.get(), [this](uint32_t) { onReadable(); });
  event_->setEnabled(event::FileEvent::kRead);
}

void SignalWatcher::onReadable() {
  signalfd_siginfo info;
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    onSignal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace peerpulse::tools
