#include "../../../src/server/process_usage.h"

#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"

using namespace peerpulse;

TEST_CASE("process usage: descriptors are counted, time has passed, memory is used") {
  const stats::ProcessUsage before = server::processUsage();
  std::vector<Fd> open;
  for (int i = 0; i < 7; ++i)
    open.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::clock_t until = std::clock() + CLOCKS_PER_SEC / 20;
  while (std::clock() < until) {
  }
  const stats::ProcessUsage after = server::processUsage();
  CHECK(after.openFds == before.openFds + 7);
  CHECK(after.maxFds >= after.openFds);
  CHECK(after.cpuSeconds >= before.cpuSeconds + 0.03);
  CHECK(after.residentBytes > 1'000'000);
  CHECK(after.virtualBytes > after.residentBytes);
  CHECK(after.threads >= 1);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(after.startTimeSeconds == before.startTimeSeconds);
  CHECK(after.startTimeSeconds < now + 2);
  CHECK(after.startTimeSeconds > now - 3600);
}
