#include "peerpulse/log/log.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/time.h"

using namespace peerpulse;
using log::Fields;
using log::Level;

namespace {

class TemporaryDir {
 public:
  TemporaryDir() {
    char path[] = "/tmp/peerpulse-log-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    path_ = path;
  }
  ~TemporaryDir() {
    ::unlink(file().c_str());
    ::rmdir(path_.c_str());
  }
  std::string file() const { return path_ + "/log"; }

 private:
  std::string path_;
};

std::vector<std::string> linesOf(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

log::Options toFile(const TemporaryDir& dir) {
  log::Options options;
  options.file = dir.file();
  return options;
}

}  // namespace

TEST_CASE("a line is one JSON object with time, level, event and fields") {
  const TemporaryDir dir;
  REQUIRE(log::start(toFile(dir)));
  log::write(Level::kInfo, "circuit_transition", Fields().add("peer", "node3").add("silence_ms", 51.25));
  log::write(Level::kError, "with\nnewline", Fields());
  log::stop();
  const auto lines = linesOf(dir.file());
  REQUIRE(lines.size() == 2);
  const std::regex expected(
      R"re(\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","level":"info","event":"circuit_transition","peer":"node3","silence_ms":51\.25\})re");
  CHECK_MESSAGE(std::regex_match(lines[0], expected), lines[0]);
  CHECK(lines[1].find(R"("level":"error","event":"with\nnewline"})") != std::string::npos);
}

TEST_CASE("lines below the level are not written") {
  const TemporaryDir dir;
  log::Options options = toFile(dir);
  options.level = Level::kWarn;
  REQUIRE(log::start(options));
  CHECK_FALSE(log::enabled(Level::kInfo));
  CHECK(log::enabled(Level::kWarn));
  log::write(Level::kInfo, "no", Fields());
  log::write(Level::kWarn, "yes", Fields());
  log::stop();
  const auto lines = linesOf(dir.file());
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("\"yes\"") != std::string::npos);
}

TEST_CASE("a file is appended to, and long lines stay whole") {
  const TemporaryDir dir;
  const std::string big(100'000, 'x');
  for (int i = 0; i < 2; ++i) {
    REQUIRE(log::start(toFile(dir)));
    log::write(Level::kInfo, "big", Fields().add("x", big));
    log::stop();
  }
  const auto lines = linesOf(dir.file());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() > big.size());
  CHECK(lines[0].ends_with("x\"}"));
}

TEST_CASE("lines of several threads are whole and all there") {
  const TemporaryDir dir;
  REQUIRE(log::start(toFile(dir)));
  const uint64_t droppedBefore = log::dropped();
  const uint64_t linesBefore = log::lines();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i)
        log::write(Level::kInfo, "n", Fields().add("t", t).add("i", i));
    });
  }
  log::write(Level::kDebug, "below_the_level", Fields());
  for (auto& t : threads)
    t.join();
  log::stop();
  const auto lines = linesOf(dir.file());
  CHECK(lines.size() + (log::dropped() - droppedBefore) == 2000);
  CHECK(log::lines() - linesBefore == 2000);
  for (const auto& line : lines)
    CHECK((line.starts_with("{\"ts\"") && line.ends_with("}")));
}

TEST_CASE("a file that cannot be opened is an error") {
  log::Options options;
  options.file = "/nonexistent-directory/log";
  const auto result = log::start(options);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ENOENT);
  CHECK(result.error().message.find("/nonexistent-directory/log") != std::string::npos);
}

TEST_CASE("a full disk loses lines and counts them") {
  const uint64_t before = log::dropped();
  log::Options options;
  options.file = "/dev/full";
  REQUIRE(log::start(options));
  for (int i = 0; i < 10; ++i)
    log::write(Level::kInfo, "lost", Fields());
  log::stop();
  CHECK(log::dropped() - before == 10);
}

TEST_CASE("nobody reads the pipe: callers do not wait, the oldest lines are dropped, stop() gives up") {
  const TemporaryDir dir;
  REQUIRE(::mkfifo(dir.file().c_str(), 0600) == 0);
  const Fd reader(::open(dir.file().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(reader.valid());
  log::Options options = toFile(dir);
  options.queueSize = 16;
  const uint64_t before = log::dropped();
  REQUIRE(log::start(options));
  const std::string filler(1000, 'x');
  const TimePoint start = Clock::now();
  for (int i = 0; i < 2000; ++i)
    log::write(Level::kInfo, "n", Fields().add("x", filler));
  CHECK(Clock::now() - start < seconds(5));
  CHECK(log::dropped() - before > 1000);
  log::stop();
  CHECK(Clock::now() - start < seconds(10));
}

TEST_CASE("a closed pipe is a counted loss and no SIGPIPE") {
  const TemporaryDir dir;
  REQUIRE(::mkfifo(dir.file().c_str(), 0600) == 0);
  Fd reader(::open(dir.file().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(reader.valid());
  const uint64_t before = log::dropped();
  REQUIRE(log::start(toFile(dir)));
  reader.reset();
  log::write(Level::kInfo, "lost", Fields());
  log::stop();
  CHECK(log::dropped() - before == 1);
}

TEST_CASE("reopened, the log goes on in a new file where the old one was moved away; none of its lines is lost") {
  const TemporaryDir dir;
  const std::string moved = dir.file() + ".1";
  REQUIRE(log::start(toFile(dir)));
  log::write(Level::kInfo, "before", Fields());
  REQUIRE(::rename(dir.file().c_str(), moved.c_str()) == 0);
  const auto reopened = log::reopen();
  REQUIRE(reopened.has_value());
  CHECK(*reopened);
  log::write(Level::kInfo, "after", Fields());
  log::stop();
  const auto fresh = linesOf(dir.file());
  REQUIRE(fresh.size() >= 1);
  CHECK(fresh.back().find("\"event\":\"after\"") != std::string::npos);
  CHECK(linesOf(moved).size() + fresh.size() == 2);
  ::unlink(moved.c_str());
}

TEST_CASE("reopened where that cannot be: the old file is kept; without a file, or not started, nothing is done") {
  {
    const auto stopped = log::reopen();
    REQUIRE(stopped.has_value());
    CHECK_FALSE(*stopped);
  }
  std::string file;
  {
    const TemporaryDir dir;
    file = dir.file();
    REQUIRE(log::start(toFile(dir)));
  }
  const auto failed = log::reopen();  // its directory is gone
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message.find(file) != std::string::npos);
  log::write(Level::kInfo, "still", Fields());
  const uint64_t lost = log::dropped();
  log::stop();
  CHECK(log::dropped() == lost);
}
