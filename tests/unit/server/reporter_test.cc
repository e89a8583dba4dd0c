// Goal: what the prober's thread reports is told elsewhere, in order, with the time at which it happened; what finds no
// room is counted; nothing waits for another report to be told.
#include "reporter.h"

#include <cstdio>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/log/log.h"

using namespace peerpulse;
using namespace peerpulse::server;
using health::CircuitState;
using health::LocalState;
using health::Reason;
using health::Verdict;

namespace {

const WallTime kWall(seconds(1'800'000'000));

health::Transition transition(uint32_t peer, Verdict to, Reason reason = Reason::kProbeAck, uint16_t generation = 0) {
  health::Transition t;
  t.peer = PeerId{peer};
  t.from.verdict = Verdict::kUnknown;
  t.to.verdict = to;
  t.to.reason = reason;
  t.to.generation = generation;
  return t;
}

/// Of the circuit too: those are told at once.
health::Transition circuitChange(uint32_t peer, uint16_t generation = 0) {
  health::Transition t = transition(peer, Verdict::kAlive, Reason::kProbeAck, generation);
  t.from.circuit = CircuitState::kOpen;
  return t;
}

/// Log lines go to a file, which is read after stop().
class LogFile {
 public:
  LogFile() {
    log::Options options;
    options.file = path_;
    REQUIRE(log::start(options));
  }
  ~LogFile() {
    log::stop();
    std::remove(path_.c_str());
  }
  std::string stop() {
    log::stop();
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string path_ = "/tmp/peerpulse-reporter-test-" + std::to_string(::getpid());
};

proxy::SnapshotRef twoPeers() {
  proxy::ProxyOptions options;
  options.peers.resize(2);
  for (uint32_t i = 0; i < 2; ++i) {
    options.peers[i].id = PeerId{i};
    options.peers[i].name = "node" + std::to_string(i + 2);
  }
  return std::make_shared<const proxy::Snapshot>(1, options);
}

struct Fixture {
  explicit Fixture(size_t capacity = Reporter::kCapacity)
      : snapshot(twoPeers()),
        stats({"node2", "node3"}, {"rpc"}, {"main"}),
        events(2, kWall),
        reporter(dispatcher,
                 Reporter::Sinks{.snapshot = [this] { return snapshot; },
                                 .table = table,
                                 .stats = stats,
                                 .events = events,
                                 .onChange = [this](const health::Transition& t, WallTime) { changes.push_back(t); }},
                 capacity) {
    REQUIRE(reporter.status());
  }
  /// Runs the loop until `done`; fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const TimePoint stop = dispatcher.now() + seconds(10);
    bool is = false;
    std::unique_ptr<event::Timer> look;
    look = dispatcher.createTimer([&] {
      is = done();
      if (is || dispatcher.now() > stop) return dispatcher.exit();
      look->enable(milliseconds(1));
    });
    look->enable(Duration::zero());
    dispatcher.run();
    CHECK(is);
  }

  LogFile log;
  event::Dispatcher dispatcher;
  proxy::SnapshotRef snapshot;
  health::CircuitTable table{2};
  stats::Stats stats;
  admin::EventLog events;
  std::vector<health::Transition> changes;
  Reporter reporter;
};

uint64_t sum(const stats::Stats& stats, PeerId peer) {
  uint64_t total = stats.peer(peer).probe.transitionsUnreported.get();
  for (const auto& [key, count] : stats.transitions(peer))
    total += count;
  return total;
}

}  // namespace

TEST_CASE("reporter: told by the loop, counted, with the time of the event and not of the telling") {
  Fixture f;
  f.reporter.report(transition(1, Verdict::kDead, Reason::kProbeSilence), kWall + milliseconds(66));
  CHECK(f.events.lastSequence() == 0);  // nothing is done by who reports
  CHECK(f.stats.transitions(PeerId{1}).empty());
  f.until([&] { return f.events.lastSequence() == 1; });
  REQUIRE(f.events.after(0).size() == 1);
  CHECK(f.events.after(0)[0].at == kWall + milliseconds(66));
  CHECK(f.events.since(PeerId{1}) == kWall + milliseconds(66));
  CHECK(f.stats.transitions(PeerId{1}).at({"dead", "probe_silence"}) == 1);
  const std::string lines = f.log.stop();
  CHECK(lines.find(R"("event":"transition","at":"2027-01-15T08:00:00.066000Z","peer":"node3")") != std::string::npos);
}

TEST_CASE("reporter: a transition that keeps the verdict counts by its circuit") {
  Fixture f;
  health::Transition t = transition(0, Verdict::kAlive, Reason::kRequestFailures);
  t.from.verdict = Verdict::kAlive;
  t.to.circuit = CircuitState::kOpen;
  f.reporter.report(t, kWall);
  f.reporter.drain();
  CHECK(f.stats.transitions(PeerId{0}).at({"open", "request_failures"}) == 1);
}

TEST_CASE("reporter: of this host's own state the grave changes are told, with what they rest on") {
  Fixture f;
  f.reporter.report(admin::LocalChange{LocalState::kOk, LocalState::kLagging, {}}, kWall);
  f.reporter.report(
      admin::LocalChange{LocalState::kLagging, LocalState::kSuspect, {}, {5, 4, 1, false, milliseconds(3)}}, kWall);
  f.reporter.report(admin::LocalChange{LocalState::kSuspect, LocalState::kOk, {}}, kWall);
  f.reporter.report(GateFailure{PeerId{1}, Gate::kOpen, EADDRINUSE}, kWall);
  f.reporter.report(health::Degrading{PeerId{0}, {}, {}}, kWall);
  f.reporter.report(health::RungChange{PeerId{0}, {}, {health::ProbeMode::kL4, health::HostMeans::kEcho, {}}, {}},
                    kWall);
  f.reporter.drain();
  const auto events = f.events.after(0);
  REQUIRE(events.size() == 4);
  CHECK((std::get<admin::LocalChange>(events[0].what).to == LocalState::kSuspect));
  CHECK((std::get<admin::LocalChange>(events[1].what).to == LocalState::kOk));
  CHECK(std::holds_alternative<health::Degrading>(events[2].what));
  CHECK(std::holds_alternative<health::RungChange>(events[3].what));
  const std::string lines = f.log.stop();
  CHECK(lines.find(R"("local_health":"lagging")") == std::string::npos);
  for (const char* part : {R"("local_health_from":"lagging","local_health":"suspect")",
                           R"("evidence":{"peers":5,"silent":4,"dead":1,"link_down":false,"lag_ms":3.0}})",
                           R"("event":"listener_gate_failed")", R"("wanted":"open")", R"("event":"degrading")",
                           R"("event":"probe")", R"("probe":{"mode":"l4","host":"icmp","process":"ping"})"}) {
    CHECK_MESSAGE(lines.find(part) != std::string::npos, part);
  }
}

TEST_CASE("reporter: what becomes of a link is told, counted and shown") {
  using health::LinkState;
  Fixture f;
  const PeerId peer{1};
  f.reporter.report(health::LinkChange{peer, LinkState::kDown, LinkState::kDown, ECONNREFUSED, {}}, kWall);
  f.reporter.report(health::LinkChange{peer, LinkState::kDown, LinkState::kFallback, ECONNREFUSED, {}},
                    kWall + seconds(1));
  f.reporter.drain();
  const stats::LinkStats& link = f.stats.peer(peer).link;
  CHECK(link.state.get() == static_cast<uint64_t>(LinkState::kFallback));
  CHECK(link.why.get() == ECONNREFUSED);
  CHECK(link.fallbacks.get() == 1);
  CHECK(link.sinceMillis.get() == 1'800'000'001'000);
  f.reporter.report(health::LinkChange{peer, LinkState::kFallback, LinkState::kUp, 0, {}}, kWall + seconds(2));
  f.reporter.drain();
  CHECK(link.state.get() == static_cast<uint64_t>(LinkState::kUp));
  CHECK(f.events.after(0).size() == 3);
  const std::string lines = f.log.stop();
  for (const char* part : {R"("level":"warn","event":"link_lost","at":"2027-01-15T08:00:00.000000Z","peer":"node3")",
                           R"("from":"down","to":"fallback")",
                           R"("why":"refused","details":"traffic goes to the peer's)", R"("event":"link_up")"}) {
    CHECK_MESSAGE(lines.find(part) != std::string::npos, part);
  }
}

TEST_CASE("reporter: an outage ends at the level at which it began, and a line has the names of the event") {
  Fixture f;
  health::Transition died = transition(0, Verdict::kDead, Reason::kProbeSilence);
  died.from.verdict = Verdict::kSuspect;
  died.to.circuit = CircuitState::kOpen;
  died.at = died.lastEvidence = TimePoint(seconds(1));
  health::Transition back = circuitChange(0);
  back.from.verdict = Verdict::kDead;
  f.reporter.report(died, kWall);
  f.reporter.report(back, kWall);
  f.reporter.report(transition(1, Verdict::kAlive), kWall);
  f.reporter.drain();
  std::istringstream lines(f.log.stop());
  std::vector<std::string> seen;
  for (std::string line; std::getline(lines, line);)
    seen.push_back(line);
  REQUIRE(seen.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CAPTURE(seen[i]);
    CHECK(seen[i].find(i < 2 ? R"("level":"warn","event":"transition")" : R"("level":"info","event":"transition")") !=
          std::string::npos);
  }
  for (const char* name : {"at", "peer", "from", "to", "circuit_from", "circuit", "reason", "evidence", "rtt_us",
                           "silence_ms", "detection_ms"}) {
    CAPTURE(name);
    CHECK(seen[0].find("\"" + std::string(name) + "\":") != std::string::npos);
  }
}

TEST_CASE("reporter: a full queue drops the newest, counts it, and no peer's sum is wrong") {
  Fixture f(4);
  for (uint32_t i = 0; i < 10; ++i)
    f.reporter.report(transition(i % 2, Verdict::kAlive), kWall);
  f.reporter.report(admin::LocalChange{LocalState::kOk, LocalState::kSuspect, {}}, kWall);
  CHECK(f.stats.reportsDropped.get() == 7);
  f.reporter.drain();
  CHECK(f.events.lastSequence() == 4);
  CHECK(f.stats.transitions(PeerId{0}).at({"alive", "probe_ack"}) == 2);
  CHECK(sum(f.stats, PeerId{0}) == 5);
  CHECK(sum(f.stats, PeerId{1}) == 5);
  f.reporter.report(transition(0, Verdict::kDead), kWall);  // there is room again
  f.reporter.drain();
  CHECK(f.events.lastSequence() == 5);
  const std::string lines = f.log.stop();
  CHECK(lines.find(R"("event":"reports_dropped","count":7})") != std::string::npos);
  CHECK(lines.find("reports_dropped") == lines.rfind("reports_dropped"));  // each drop is told once
}

TEST_CASE("reporter: a burst longer than a turn's batch is told without a further report") {
  Fixture f;
  constexpr size_t kReports = 2 * Reporter::kBatch + 3;
  for (size_t i = 0; i < kReports; ++i)
    f.reporter.report(circuitChange(0), kWall);
  f.until([&] { return f.events.lastSequence() == kReports; });
  CHECK(f.stats.reportsDropped.get() == 0);
}

TEST_CASE("reporter: between two threads every report is told or counted, in order") {
  Fixture f(64);
  constexpr uint32_t kReports = 20'000;
  std::thread prober([&] {
    for (uint32_t i = 0; i < kReports; ++i) {
      f.reporter.report(circuitChange(0, static_cast<uint16_t>(i)), kWall);
      if (i % 48 == 47) std::this_thread::sleep_for(microseconds(200));  // in bursts, most of which find room
    }
  });
  uint64_t seen = 0;
  uint16_t last = 0;
  bool ordered = true;
  f.until([&] {
    for (const admin::Event& event : f.events.after(seen)) {
      const uint16_t generation = std::get<health::Transition>(event.what).to.generation;
      if (seen > 0 && static_cast<int16_t>(generation - last) <= 0) ordered = false;
      last = generation;
      seen = event.sequence;
    }
    return seen + f.stats.reportsDropped.get() == kReports;
  });
  prober.join();
  CHECK(ordered);
  CHECK(sum(f.stats, PeerId{0}) == kReports);
}

TEST_CASE("reporter: a report that comes while the loop goes to sleep does not wait for the next one") {
  Fixture f;
  bool stuck = false;
  std::thread prober([&] {
    std::minstd_rand random(3);
    uint64_t reported = 0;
    for (int round = 0; round < 5'000 && !stuck; ++round) {
      // Some find the loop asleep, some telling, some between the two.
      for (uint64_t n = random() % 3 + 1; n > 0; --n, ++reported) {
        f.reporter.report(circuitChange(0), kWall);
        for (uint64_t pause = random() % 3; pause > 0; --pause)
          std::this_thread::yield();
      }
      const TimePoint stop = Clock::now() + seconds(5);
      while (f.events.lastSequence() != reported && !stuck) {
        std::this_thread::yield();
        stuck = Clock::now() > stop;
      }
    }
    f.dispatcher.exit();
  });
  f.dispatcher.run();
  prober.join();
  CHECK_FALSE(stuck);
}

TEST_CASE("reporter: a flurry is counted and told to others change by change, and is one line") {
  Fixture f;
  constexpr uint32_t kFlips = 101;
  for (uint32_t i = 0; i < kFlips; ++i) {
    health::Transition t = transition(0, i % 2 == 0 ? Verdict::kSuspect : Verdict::kAlive);
    t.from.verdict = i % 2 == 0 ? Verdict::kAlive : Verdict::kSuspect;
    t.at = f.dispatcher.now();
    f.reporter.report(t, kWall + milliseconds(i));
  }
  f.until([&] { return f.events.lastSequence() == TransitionFolder::kBurst + 1; });  // the last one by a timer
  CHECK(f.changes.size() == kFlips);
  CHECK(sum(f.stats, PeerId{0}) == kFlips);
  CHECK(f.events.since(PeerId{0}) == kWall + milliseconds(kFlips - 1));
  const admin::Event last = f.events.after(0).back();
  CHECK(last.folded == kFlips - TransitionFolder::kBurst - 1);
  CHECK(last.at == kWall + milliseconds(kFlips - 1));
  CHECK((std::get<health::Transition>(last.what).to.verdict == Verdict::kSuspect));
  CHECK(f.log.stop().find(R"("folded":95)") != std::string::npos);
}

TEST_CASE("reporter: what was folded is told at the end") {
  Fixture f;
  for (int i = 0; i < 10; ++i)
    f.reporter.report(transition(0, Verdict::kAlive), kWall);
  f.reporter.drain();
  CHECK(f.events.after(0).back().folded == 4);
}

TEST_CASE("reporter: the state that a dropped report would have told is told all the same, once") {
  Fixture f(2);
  health::CircuitWord word;
  const auto publish = [&](Verdict verdict, CircuitState circuit) {
    word.verdict = verdict;
    word.circuit = circuit;
    ++word.generation;
    f.table.publish(PeerId{0}, word);
    health::Transition t = circuitChange(0, word.generation);
    t.to = word;
    return t;
  };
  f.reporter.report(publish(Verdict::kAlive, CircuitState::kClosed), kWall);
  f.reporter.report(publish(Verdict::kDead, CircuitState::kOpen), kWall);
  f.reporter.report(publish(Verdict::kAlive, CircuitState::kClosed), kWall);  // no room
  f.reporter.report(publish(Verdict::kStalled, CircuitState::kOpen), kWall);  // nor here
  const auto late = publish(Verdict::kRefusing, CircuitState::kOpen);         // published, and not reported yet
  f.reporter.drain();
  REQUIRE(f.changes.size() == 3);
  CHECK((f.changes.back().from.verdict == Verdict::kDead));
  CHECK((f.changes.back().to.verdict == Verdict::kRefusing));
  f.reporter.report(late, kWall);
  f.reporter.drain();
  CHECK(f.changes.size() == 3);
  f.reporter.report(publish(Verdict::kAlive, CircuitState::kClosed), kWall);
  f.reporter.drain();
  CHECK(f.changes.size() == 4);
  CHECK(sum(f.stats, PeerId{0}) == 6);
}
