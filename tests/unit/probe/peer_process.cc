#include "peer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/net/socket.h"

extern char** environ;

namespace peerpulse::probe {

PeerProcess::PeerProcess(std::string mode) : mode_(std::move(mode)) {
  address_ = SocketAddress::parse("127.0.0.1:0").value();
  start();
}

PeerProcess::~PeerProcess() { kill(); }

void PeerProcess::start() {
  auto listener = net::createListenSocket(address_, 128);
  REQUIRE(listener.has_value());
  address_ = net::localAddress(listener->get());
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  control_ = pair[0];

  posix_spawn_file_actions_t actions;
  REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
  // The copies lose close-on-exec; the numbers are those main.cc expects.
  REQUIRE(posix_spawn_file_actions_adddup2(&actions, listener->get(), 100) == 0);
  REQUIRE(posix_spawn_file_actions_adddup2(&actions, pair[1], 101) == 0);
  std::string argv0 = "/proc/self/exe", flag = "--peer";
  char* argv[] = {argv0.data(), flag.data(), mode_.data(), nullptr};
  REQUIRE(::posix_spawn(&pid_, argv0.c_str(), &actions, nullptr, argv, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pair[1]);
}

void PeerProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(control_);
  pid_ = -1;
}

void PeerProcess::suspend() {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
  REQUIRE(WIFSTOPPED(status));
}

void PeerProcess::resume() { ::kill(pid_, SIGCONT); }

TimePoint PeerProcess::command(char c) {
  REQUIRE(::write(control_, &c, 1) == 1);
  REQUIRE(::read(control_, &c, 1) == 1);
  return Clock::now();
}

TimePoint PeerProcess::silence() { return command('-'); }
TimePoint PeerProcess::unsilence() { return command('+'); }

}  // namespace peerpulse::probe
