// Connections of an application that knows nothing of peerpulse: raw_sockets.py's counterpart for measuring, with the same
// arguments and output. A program whose threads have an interpreter's lock in common takes milliseconds to say that sixteen of
// them have woken.
//
//   blocked_sockets connect|accept HOST PORT COUNT read|write
//
// Up to kThreadsUpTo connections have a thread and a blocking call each; more are polled.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netdb.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr size_t kThreadsUpTo = 32;
constexpr int kSendBuffer = 32768;
constexpr size_t kLarge = size_t{1} << 20;

struct Outcome {
  int error = 0;  // 0: an end in order
  int64_t atNanos = 0;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "blocked_sockets: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

int64_t nowNanos() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::vector<int> open(const std::string& role, const char* host, const char* port, size_t count) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host, port, &hints, &found) != 0) fail("address");
  const int listener = ::socket(found->ai_family, SOCK_STREAM, 0);
  std::vector<int> sockets;
  if (role == "accept") {
    const int on = 1;
    (void)::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, found->ai_addr, found->ai_addrlen) != 0) fail("bind");
    if (::listen(listener, 4096) != 0) fail("listen");
    say("listening");
  }
  while (sockets.size() < count) {
    const bool accepts = role == "accept";
    const int fd = accepts ? ::accept(listener, nullptr, nullptr) : ::socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0) fail(accepts ? "accept" : "socket");
    if (!accepts && ::connect(fd, found->ai_addr, found->ai_addrlen) != 0) fail("connect");
    sockets.push_back(fd);
  }
  if (role == "connect") say("listening");
  ::close(listener);
  ::freeaddrinfo(found);
  return sockets;
}

// Until the other sides' windows and our buffers are full, and a while later still are.
void fill(const std::vector<int>& sockets) {
  const std::vector<char> bytes(65536);
  for (const int fd : sockets)
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  for (int64_t quietSince = nowNanos(); nowNanos() - quietSince < 300'000'000;) {
    for (const int fd : sockets) {
      if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) quietSince = nowNanos();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// Writes or reads on; false: it would block (`flags` has MSG_DONTWAIT).
bool block(int fd, bool writes, int flags, Outcome& outcome) {
  static const std::vector<char> large(kLarge);
  char byte = 0;
  const ssize_t n =
      writes ? ::send(fd, large.data(), large.size(), flags | MSG_NOSIGNAL) : ::recv(fd, &byte, 1, flags);
  const int error = n < 0 ? errno : 0;
  outcome.atNanos = nowNanos();
  if (error == EAGAIN) return false;
  outcome.error = error;
  return true;
}

std::vector<Outcome> waitBlocking(const std::vector<int>& sockets, bool writes) {
  std::vector<Outcome> outcomes(sockets.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < sockets.size(); ++i)
    threads.emplace_back([&, i] { (void)block(sockets[i], writes, 0, outcomes[i]); });
  say("ready");
  for (std::thread& thread : threads)
    thread.join();
  return outcomes;
}

std::vector<Outcome> waitPolling(const std::vector<int>& sockets, bool writes) {
  const int poll = ::epoll_create1(0);
  for (const int fd : sockets) {
    epoll_event event{};
    event.events = writes ? EPOLLOUT : EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
  say("ready");
  std::vector<Outcome> outcomes;
  while (outcomes.size() < sockets.size()) {
    epoll_event events[256];
    const int n = ::epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      Outcome outcome;
      if (!block(events[i].data.fd, writes, MSG_DONTWAIT, outcome)) continue;
      outcomes.push_back(outcome);
      (void)::epoll_ctl(poll, EPOLL_CTL_DEL, events[i].data.fd, nullptr);
    }
  }
  ::close(poll);
  return outcomes;
}

std::string describe(const std::vector<Outcome>& outcomes) {
  std::string text = "[";
  for (const Outcome& outcome : outcomes) {
    const char* name = outcome.error == 0 ? "end" : ::strerrorname_np(outcome.error);
    text += std::string(text.size() > 1 ? ", " : "") + R"({"outcome": ")" + (name != nullptr ? name : "?") +
            R"(", "at_ns": )" + std::to_string(outcome.atNanos) + "}";
  }
  return text + "]";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: blocked_sockets connect|accept HOST PORT COUNT read|write\n");
    return 2;
  }
  const bool writes = std::strcmp(argv[5], "write") == 0;
  const std::vector<int> sockets = open(argv[1], argv[2], argv[3], std::strtoul(argv[4], nullptr, 10));
  if (writes) fill(sockets);
  say(describe(sockets.size() <= kThreadsUpTo ? waitBlocking(sockets, writes) : waitPolling(sockets, writes)));
  return 0;
}
