// Goal: the program gets what happened and nothing else of ours; whatever it does (fail, hang, fork, shout, not read, not
// exist) the next one is run, nothing of it is left, and who submits never waits. Method: /bin/sh as the program.
#include "peerpulse/hooks/hook_runner.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "hook_run.h"
#include "peerpulse/log/log.h"

namespace peerpulse::hooks {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A runner of a shell script in a directory of its own, whose log goes to a file.
struct Fixture {
  explicit Fixture(const std::string& script, Duration timeout = seconds(20))
      : Fixture(std::vector<std::string>{"/bin/sh", "-c", script, "hook"}, timeout) {}
  Fixture(std::vector<std::string> command, Duration timeout) {
    char name[] = "/tmp/peerpulse-hooks-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory = name;
    log::Options options;
    options.file = directory + "/log";
    REQUIRE(log::start(options));
    if (command[0] == "/bin/sh") command.push_back(directory);  // $1
    runner.emplace(Options{std::move(command), timeout}, stats);
    runner->start();
  }
  ~Fixture() {
    runner.reset();
    log::stop();
    std::filesystem::remove_all(directory);
  }

  void submit(const std::string& document, uint32_t peer = 0) {
    runner->submit({PeerId{peer}, "node" + std::to_string(peer + 2), document, R"({"c":0})"});
  }
  std::string file(const std::string& name) const { return contents(directory + "/" + name); }
  bool exists(const std::string& name) const { return std::filesystem::exists(directory + "/" + name); }
  /// Until `done`; fails after ten seconds.
  void until(const std::function<bool()>& done) const {
    const TimePoint stop = Clock::now() + seconds(10);
    while (!done() && Clock::now() < stop)
      std::this_thread::sleep_for(milliseconds(1));
    CHECK(done());
  }
  void untilRuns(uint64_t runs) const {
    until([&] { return stats.succeeded.get() + stats.failed.get() + stats.timedOut.get() == runs; });
  }
  std::string logLines() {
    runner.reset();
    log::stop();
    return file("log");
  }

  std::string directory;
  stats::HookStats stats;
  std::optional<HookRunner> runner;
};

TEST_CASE("hook_runner: the document comes on stdin, its output and exit status go to the log") {
  Fixture f("cat > $1/got; echo tainted; echo twice >&2");
  f.submit(R"({"peer":"node2","to":"dead"})");
  f.untilRuns(1);
  CHECK(f.stats.succeeded.get() == 1);
  CHECK(f.file("got") == "{\"peer\":\"node2\",\"to\":\"dead\",\"c\":0,\"dropped\":0}\n");
  const std::string lines = f.logLines();
  CHECK(lines.find(R"("event":"hook","program":"/bin/sh","peer":"node2","result":"ok","exit_status":0)") !=
        std::string::npos);
  CHECK(lines.find(R"("output":"tainted\ntwice\n")") != std::string::npos);
}

TEST_CASE(
    "hook_runner: an exit status, a signal, and a program that is not there are failures, and the next one is run") {
  Fixture f(R"(read -r line; case $line in *exit*) exit 3;; *signal*) kill -9 $$;; esac)");
  f.submit(R"({"do":"exit"})", 0);
  f.submit(R"({"do":"signal"})", 1);
  f.submit(R"({"do":"nothing"})", 2);
  f.untilRuns(3);
  CHECK(f.stats.failed.get() == 2);
  CHECK(f.stats.succeeded.get() == 1);
  const std::string lines = f.logLines();
  CHECK(lines.find(R"("result":"failed","exit_status":3)") != std::string::npos);
  CHECK(lines.find(R"("result":"failed","signal":9)") != std::string::npos);

  Fixture none(std::vector<std::string>{"/nonexistent/hook"}, seconds(1));
  none.submit(R"({"peer":"node2"})", 0);
  none.submit(R"({"peer":"node3"})", 1);
  none.until([&] { return none.stats.notStarted.get() == 2; });
  CHECK(none.logLines().find("/nonexistent/hook: No such file or directory") != std::string::npos);
}

TEST_CASE("hook_runner: what takes too long is ended with all that it started") {
  Fixture f(
      "trap '' TERM; (trap '' TERM; echo $$ > $1/parent; sh -c 'echo $PPID > '$1/child'; exec sleep 1000') & wait",
      milliseconds(300));
  f.submit(R"({"peer":"node2"})");
  f.untilRuns(1);
  CHECK(f.stats.timedOut.get() == 1);
  const auto gone = [&](const std::string& name) {
    return ::kill(std::atoi(f.file(name).c_str()), 0) != 0 && errno == ESRCH;
  };
  f.until([&] { return gone("parent") && gone("child"); });
  CHECK(f.logLines().find(R"("result":"timeout","signal":9)") != std::string::npos);
}

TEST_CASE("hook_runner: one that ends when it is asked to is not killed") {
  Fixture f("trap 'echo cleaned; exit 0' TERM; sleep 1000 & wait", milliseconds(300));
  f.submit(R"({"peer":"node2"})");
  f.untilRuns(1);
  CHECK(f.stats.timedOut.get() == 1);
  CHECK(f.logLines().find(R"("result":"timeout","exit_status":0)") != std::string::npos);
}

TEST_CASE("hook_runner: what it leaves in the background ends with it") {
  Fixture f("sleep 1000 & echo $! > $1/child");
  f.submit(R"({"peer":"node2"})");
  f.untilRuns(1);
  CHECK(f.stats.succeeded.get() == 1);
  f.until([&] { return ::kill(std::atoi(f.file("child").c_str()), 0) != 0; });
}

TEST_CASE("hook_runner: it has three descriptors, a session of its own, and no signal blocked or ignored") {
  const Fd leaky(::open("/dev/null", O_RDONLY));  // not close-on-exec, as a library's may be
  REQUIRE(leaky.valid());
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &old);
  {
    // The shell reads its status itself: one that waits for a `cat` has every signal blocked for a moment.
    Fixture f(
        "ls /proc/self/fd > $1/fds; while read -r line; do echo \"$line\"; done < /proc/$$/status > $1/status; "
        "cat /proc/$$/stat > $1/stat; echo $$ > $1/pid");
    f.submit(R"({"peer":"node2"})");
    f.untilRuns(1);
    CHECK(f.file("fds") == "0\n1\n2\n3\n");  // the last is the directory that ls reads
    const std::string status = f.file("status");
    CHECK(status.find("SigBlk:\t0000000000000000") != std::string::npos);
    const size_t ignored = status.find("SigIgn:\t");
    REQUIRE(ignored != std::string::npos);
    CHECK((std::stoull(status.substr(ignored + 8, 16), nullptr, 16) & (1ull << (SIGPIPE - 1))) == 0);
    std::istringstream stat(f.file("stat"));  // pid (sh) state ppid pgrp session
    std::string pid, name, state, parent, group, session;
    stat >> pid >> name >> state >> parent >> group >> session;
    CHECK(group == pid);
    CHECK(session == pid);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGPIPE, before);
}

TEST_CASE("hook_runner: one that does not read holds nothing up") {
  Fixture deaf("exit 0");
  deaf.submit("{\"padding\":\"" + std::string(1 << 20, 'x') + "\"}");
  deaf.untilRuns(1);
  CHECK(deaf.stats.succeeded.get() == 1);
}

TEST_CASE("hook_runner: of one that writes without end some is kept") {
  Fixture loud("yes", milliseconds(200));
  loud.submit(R"({"peer":"node2"})");
  loud.untilRuns(1);
  const std::string lines = loud.logLines();
  CHECK(lines.size() < 4 * HookRun::kKeptOutput);
  CHECK(lines.find("output_left_out") != std::string::npos);
}

TEST_CASE("hook_runner: while one runs the others wait, one per peer, and who submits does not") {
  Fixture f("cat >> $1/got; while [ ! -e $1/go ]; do sleep 0.01; done");
  f.submit(R"({"peer":"node2","to":"first"})", 0);
  f.until([&] { return f.file("got").find("first") != std::string::npos; });
  for (int i = 0; i < 1000; ++i)
    f.submit(R"({"peer":"node3","n":)" + std::to_string(i) + "}", 1);
  f.submit(R"({"peer":"node4"})", 2);
  CHECK(f.stats.running.get() == 1);
  CHECK(f.stats.dropped.get() == 999);
  std::ofstream(f.directory + "/go").put('1');
  f.untilRuns(3);
  CHECK(f.file("got") ==
        "{\"peer\":\"node2\",\"to\":\"first\",\"c\":0,\"dropped\":0}\n{\"peer\":\"node3\",\"n\":999,\"c\":0,"
        "\"dropped\":999}\n"
        "{\"peer\":\"node4\",\"c\":0,\"dropped\":0}\n");
  CHECK(f.stats.running.get() == 0);
}

TEST_CASE("hook_runner: a peer is told of once a second, and its last state in the end") {
  Fixture f("cat >> $1/got");
  const TimePoint begun = Clock::now();
  for (int i = 0; i < 20; ++i) {
    f.submit(R"({"n":)" + std::to_string(i) + "}");
    std::this_thread::sleep_for(milliseconds(2));
  }
  f.until([&] { return f.file("got").find("\"n\":19") != std::string::npos; });
  CHECK(Clock::now() - begun >= seconds(1));
  f.until([&] { return f.stats.succeeded.get() + f.stats.dropped.get() == 20; });
  CHECK(f.stats.succeeded.get() >= 2);
  CHECK(seconds(static_cast<int64_t>(f.stats.succeeded.get()) - 1) <= Clock::now() - begun);
}

TEST_CASE("hook_runner: at our end it may finish, then it is killed; what waits is dropped and said") {
  Fixture f("echo $$ > $1/pid.new; mv $1/pid.new $1/pid; trap '' TERM; sleep 1000");
  f.submit(R"({"peer":"node2"})", 0);
  f.until([&] { return f.exists("pid"); });
  f.submit(R"({"peer":"node3"})", 1);
  f.submit(R"({"peer":"node4"})", 2);
  const TimePoint begun = Clock::now();
  f.runner->stop();
  CHECK(Clock::now() - begun >= HookRunner::kStopGrace);
  CHECK(Clock::now() - begun < HookRunner::kStopGrace + seconds(5));
  CHECK(::kill(std::atoi(f.file("pid").c_str()), 0) != 0);
  const std::string lines = f.logLines();
  CHECK(lines.find(R"("result":"stopped","signal":9)") != std::string::npos);
  CHECK(lines.find(R"("event":"hooks_dropped","program":"/bin/sh","count":2)") != std::string::npos);
}

TEST_CASE("hook_runner: one that is nearly done at our end is let finish") {
  Fixture f("touch $1/running; while [ ! -e $1/go ]; do sleep 0.01; done; touch $1/done");
  f.submit(R"({"peer":"node2"})");
  f.until([&] { return f.exists("running"); });
  std::thread finisher([&] {
    std::this_thread::sleep_for(milliseconds(50));
    std::ofstream(f.directory + "/go").put('1');
  });
  f.runner->stop();
  finisher.join();
  CHECK(f.exists("done"));
  CHECK(f.stats.succeeded.get() == 1);
}

TEST_CASE("hook_runner: many threads may submit, also while it stops") {
  Fixture f("cat > /dev/null");
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint32_t i = 0; i < 200; ++i)
        f.submit(R"({"peer":"node"})", (thread * 200 + i) % 64);
    });
  }
  f.until([&] { return f.stats.succeeded.get() > 0; });
  f.runner->stop();
  for (auto& thread : threads)
    thread.join();
}

}  // namespace
}  // namespace peerpulse::hooks
