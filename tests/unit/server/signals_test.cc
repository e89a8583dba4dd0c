// Goal: a signal is an event of the loop, and a closed pipe is none at all. The shutdown it leads to is in
// tests/integration/test_drain.py.
#include "signals.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;

namespace {

/// What the test changes of its thread and process is put back.
class SignalState {
 public:
  SignalState() {
    REQUIRE(pthread_sigmask(SIG_SETMASK, nullptr, &mask_) == 0);
    REQUIRE(::sigaction(SIGPIPE, nullptr, &pipe_) == 0);
  }
  ~SignalState() {
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(SIGPIPE, &pipe_, nullptr);
  }

 private:
  sigset_t mask_{};
  struct sigaction pipe_ {};
};

}  // namespace

TEST_CASE("signals: each is told on the loop by its number, and none ends the process") {
  const SignalState restored;
  REQUIRE(server::Signals::block());
  event::Dispatcher loop;
  std::vector<int> told;
  server::Signals signals(loop, [&](int number) {
    told.push_back(number);
    if (told.size() == 5) loop.exit();
  });
  REQUIRE(signals.status());
  // To this thread, and pending until the loop reads them: without the mask the process would end here.
  std::vector<int> sent = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
  for (const int signal : sent)
    REQUIRE(pthread_kill(pthread_self(), signal) == 0);
  loop.run();
  std::sort(sent.begin(), sent.end());
  std::sort(told.begin(), told.end());
  CHECK(told == sent);
}

TEST_CASE("signals: writing to a closed pipe is an error of the write") {
  const SignalState restored;
  REQUIRE(server::Signals::block());
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  CHECK(::write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::close(ends[1]);
}
