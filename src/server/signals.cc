#include "signals.h"

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace peerpulse::server {

namespace {

sigset_t handledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<void> Signals::block() {
  std::signal(SIGCHLD, SIG_DFL);  // who started us may have ignored it: how a hook ended would be lost
  std::signal(SIGPIPE, SIG_IGN);  // a closed socket is an error of its write, not of the process
  const sigset_t set = handledSignals();
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return systemError("pthread_sigmask", error);
  }
  return {};
}

Signals::Signals(event::Dispatcher& dispatcher, std::function<void(int)> onSignal) : onSignal_(std::move(onSignal)) {
  const sigset_t set = handledSignals();
  fd_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_.valid()) {
    status_ = systemError("signalfd", errno);
    return;
  }
  event_ = dispatcher.createFileEvent(fd_.get(), [this](uint32_t) { onReadable(); });
  event_->setEnabled(event::FileEvent::kRead);
}

void Signals::onReadable() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    onSignal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace peerpulse::server
