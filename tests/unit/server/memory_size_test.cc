#include "memory_size.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "temp_dir.h"

namespace peerpulse::server {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

struct Host {
  explicit Host(const std::string& groups) {
    file("/proc/meminfo", "MemTotal:        2097152 kB\nMemFree: 5 kB\n");
    file("/proc/self/cgroup", groups);
  }
  void file(const std::string& path, const std::string& text) {
    const std::filesystem::path at = root() + path;
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at) << text;
  }
  std::string root() const { return directory.file("root"); }
  test::TempDir directory;
};

TEST_CASE("memorySize: the host's where no cgroup has a limit") {
  Host host("0::/system.slice/peerpulse.service\n");
  CHECK(memorySize(host.root()) == 2048 * kMiB);
  host.file("/sys/fs/cgroup/system.slice/peerpulse.service/memory.max", "max\n");
  CHECK(memorySize(host.root()) == 2048 * kMiB);
}

TEST_CASE("memorySize: the least of the cgroup and those above it") {
  Host host("0::/system.slice/peerpulse.service\n");
  host.file("/sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
  CHECK(memorySize(host.root()) == 1024 * kMiB);
  host.file("/sys/fs/cgroup/system.slice/peerpulse.service/memory.max", "536870912\n");
  CHECK(memorySize(host.root()) == 512 * kMiB);
}

TEST_CASE("memorySize: a container's own root, and cgroup v1") {
  Host container("0::/\n");
  container.file("/sys/fs/cgroup/memory.max", "268435456\n");
  CHECK(memorySize(container.root()) == 256 * kMiB);
  Host old("4:cpu,cpuacct:/docker/1\n3:memory:/docker/1\n");
  old.file("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "268435456\n");
  CHECK(memorySize(old.root()) == 256 * kMiB);
}

TEST_CASE("memorySize: not known") {
  test::TempDir nothing;
  CHECK(memorySize(nothing.file("none")) == 0);
}

TEST_CASE("memoryLimitOf: a quarter unless it is configured") {
  CHECK(memoryLimitOf(100 * kMiB, 2048 * kMiB) == 100 * kMiB);
  CHECK(memoryLimitOf(0, 2048 * kMiB) == 512 * kMiB);
  CHECK(memoryLimitOf(0, 100 * kMiB) == 64 * kMiB);
  CHECK(memoryLimitOf(0, 0) == 64 * kMiB);
}

}  // namespace
}  // namespace peerpulse::server
