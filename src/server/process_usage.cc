#include "process_usage.h"

#include <dirent.h>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace peerpulse::server {

namespace {

double ticksToSeconds(uint64_t ticks) {
  const long perSecond = ::sysconf(_SC_CLK_TCK);
  return perSecond > 0 ? static_cast<double>(ticks) / static_cast<double>(perSecond) : 0;
}

double secondsOf(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Seconds since the epoch, of a process that was started so many ticks after the host. /proc/stat has the host's start, but
/// is not there where a unit has ProcSubset=pid. Once: that start follows corrections of the clock, and one that moves looks
/// like another.
double startTime(uint64_t ticks) {
  static const double started = secondsOf(CLOCK_REALTIME) - secondsOf(CLOCK_BOOTTIME) + ticksToSeconds(ticks);
  return started;
}

/// Fields of /proc/self/stat by their number in proc(5), from the third on: the second, the name, may hold anything.
void readStat(stats::ProcessUsage& usage) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return;
  const size_t nameEnd = line.rfind(')');
  if (nameEnd == std::string::npos) return;
  std::istringstream fields(line.substr(nameEnd + 1));
  std::string text;
  uint64_t ticks = 0;
  for (int number = 3; number <= 24 && fields >> text; ++number) {
    const uint64_t value = std::strtoull(text.c_str(), nullptr, 10);
    switch (number) {
      case 14:
      case 15: ticks += value; break;
      case 20: usage.threads = value; break;
      case 22: usage.startTimeSeconds = startTime(value); break;
      case 23: usage.virtualBytes = value; break;
      case 24: usage.residentBytes = value * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)); break;
      default: break;
    }
  }
  usage.cpuSeconds = ticksToSeconds(ticks);
}

uint64_t openFds() {
  constexpr const char* kFolder = "/proc/self/fd";
  struct stat folder {};
  if (::stat(kFolder, &folder) == 0 && folder.st_size > 0) return static_cast<uint64_t>(folder.st_size);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(kFolder), ::closedir);
  if (!entries) return 0;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(entries.get()))  // NOLINT(concurrency-mt-unsafe): a stream of our own
    count += entry->d_name[0] != '.' ? 1 : 0;
  return count > 0 ? count - 1 : 0;  // that of the folder itself
}

}  // namespace

stats::ProcessUsage processUsage() {
  stats::ProcessUsage usage;
  readStat(usage);
  usage.openFds = openFds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.maxFds = limit.rlim_cur;
  return usage;
}

}  // namespace peerpulse::server
