#include "machine.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

enum class Light { kRed, kGreen, kYellow };

constexpr bool mayFollow(Light from, Light to) {
  switch (from) {
    case Light::kRed: return to == Light::kGreen;
    case Light::kGreen: return to == Light::kYellow;
    case Light::kYellow: return to == Light::kRed;
  }
  return false;
}

/// The signal that ends a process which makes this step; 0 if it lives.
int signalOf(Light from, Light to) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) dup2(null, STDERR_FILENO);  // the assertion's words
    std::signal(SIGABRT, SIG_DFL);
    Machine<Light> light(from);
    light.to(to);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_CASE("Machine: takes its edges and no other") {
  Machine<Light> light(Light::kRed);
  CHECK(light.is(Light::kRed));
  light.to(Light::kGreen);
  CHECK((light.now() == Light::kGreen));
  CHECK(light.is(Light::kRed, Light::kGreen));
  CHECK_FALSE(light.is(Light::kRed, Light::kYellow));
  CHECK(signalOf(Light::kRed, Light::kGreen) == 0);
  CHECK(signalOf(Light::kRed, Light::kYellow) == SIGABRT);
  CHECK(signalOf(Light::kRed, Light::kRed) == SIGABRT);
}

}  // namespace
}  // namespace peerpulse::http
