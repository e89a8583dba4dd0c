// Goal: a word survives packing whole, generations count, and concurrent readers never see a torn word.
#include "peerpulse/health/circuit_table.h"

#include <cstring>
#include <thread>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

TEST_CASE("circuit_table: the youngest stamp of a peer stays, whoever stores last") {
  CircuitTable table(2);
  const TimePoint now = TimePoint() + seconds(5);
  CHECK(table.lastHeard(PeerId{1}) == TimePoint());
  table.stampHeard(PeerId{1}, now);
  table.stampHeard(PeerId{1}, now - milliseconds(1));
  CHECK(table.lastHeard(PeerId{1}) == now);
  CHECK(table.lastKernelHeard(PeerId{1}) == TimePoint());
  table.stampKernelHeard(PeerId{1}, now);
  table.stampKernelHeard(PeerId{1}, now - milliseconds(1));
  CHECK(table.lastKernelHeard(PeerId{1}) == now);
  CHECK(table.lastHeard(PeerId{0}) == TimePoint());
}

TEST_CASE("circuit_word: every field survives pack and unpack") {
  for (int verdict = 0; verdict <= static_cast<int>(Verdict::kStalled); ++verdict) {
    for (int circuit = 0; circuit <= static_cast<int>(CircuitState::kHalfOpen); ++circuit) {
      for (int reason = 0; reason <= static_cast<int>(Reason::kRemoved); ++reason) {
        for (const bool overridden : {false, true}) {
          const CircuitWord word{static_cast<Verdict>(verdict),
                                 static_cast<CircuitState>(circuit),
                                 static_cast<Reason>(reason),
                                 overridden,
                                 0xfffe,
                                 0xfedcba98};
          const CircuitWord back = CircuitWord::unpack(word.pack());
          CHECK(back.verdict == word.verdict);
          CHECK(back.circuit == word.circuit);
          CHECK(back.reason == word.reason);
          CHECK(back.overridden == overridden);
          CHECK(back.generation == 0xfffe);
          CHECK(back.sinceMillis == 0xfedcba98);
        }
      }
    }
  }
}

TEST_CASE("circuit_table: an id of an earlier epoch reads as removed, whatever its slot says now") {
  CircuitTable table(2);
  const PeerId old = makePeerId(1, 7);
  const PeerId fresh = makePeerId(1, 8);
  table.adopt(old);
  CHECK(table.load(old).circuit == CircuitState::kClosed);
  table.publish(old, {Verdict::kAlive});
  table.publishProtocol(old, PeerProtocol::kHttp2);
  table.stampHeard(old, TimePoint() + seconds(1));
  const uint16_t generation = table.load(old).generation;
  table.retire(old);
  CHECK(table.load(old).circuit == CircuitState::kOpen);
  CHECK(table.load(old).reason == Reason::kRemoved);
  CHECK(table.load(old).generation != generation);
  CHECK(table.load(fresh).reason == Reason::kRemoved);  // not adopted yet
  table.adopt(fresh);
  table.publish(fresh, {Verdict::kAlive});
  CHECK(table.load(fresh).verdict == Verdict::kAlive);
  CHECK(table.protocol(fresh) == PeerProtocol::kUnknown);
  CHECK(table.lastHeard(fresh) == TimePoint());
  CHECK(table.load(old).reason == Reason::kRemoved);
  CHECK(table.load(makePeerId(0, 0)).reason == Reason::kStartup);
}

TEST_CASE("circuit_table: starts unknown and closed; publish counts generations and wraps") {
  CircuitTable table(2);
  CHECK(table.load(PeerId{1}).verdict == Verdict::kUnknown);
  CHECK(table.load(PeerId{1}).circuit == CircuitState::kClosed);
  CHECK(table.load(PeerId{1}).reason == Reason::kStartup);
  CHECK(table.load(PeerId{1}).generation == 0);
  for (uint32_t i = 0; i < 65'537; ++i)
    table.publish(PeerId{1}, {Verdict::kAlive});
  CHECK(table.load(PeerId{1}).generation == 1);
  CHECK(table.load(PeerId{0}).generation == 0);
}

TEST_CASE("circuit_table: heard stamps and beats") {
  CircuitTable table(1);
  CHECK(table.lastHeard(PeerId{0}) == TimePoint());
  const TimePoint t = TimePoint() + seconds(5);
  table.stampHeard(PeerId{0}, t);
  CHECK(table.lastHeard(PeerId{0}) == t);
  table.beat(t);
  CHECK_FALSE(table.proberStalled(t + seconds(1)));
  CHECK(table.proberStalled(t + milliseconds(1001)));
}

TEST_CASE("circuit_table: readers never see a torn word") {
  CircuitTable table(1);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> torn{0};
  auto read = [&] {
    while (!stop.load()) {
      const CircuitWord word = table.load(PeerId{0});
      // The writer below ties all fields to one number.
      if (word.generation == 0) continue;
      if (word.sinceMillis % 2 == 0 ? word.verdict != Verdict::kAlive : word.verdict != Verdict::kDead) ++torn;
      if (static_cast<uint16_t>(word.sinceMillis + 1) != word.generation) ++torn;
    }
  };
  std::thread a(read), b(read);
  for (uint32_t i = 0; i < 60'000; ++i) {
    CircuitWord word;
    word.verdict = i % 2 == 0 ? Verdict::kAlive : Verdict::kDead;
    word.sinceMillis = i;
    table.publish(PeerId{0}, word);
  }
  stop = true;
  a.join();
  b.join();
  CHECK(torn == 0);
}

TEST_CASE("circuit_table: what a peer owes is its own, and gone with it") {
  CircuitTable table(2);
  table.adopt(PeerId{0});
  table.adopt(PeerId{1});
  CHECK_FALSE(table.owing(PeerId{0}));
  table.publishOwing(PeerId{0}, true);
  CHECK(table.owing(PeerId{0}));
  CHECK_FALSE(table.owing(PeerId{1}));
  table.retire(PeerId{0});
  CHECK_FALSE(table.owing(PeerId{0}));
  table.publishOwing(PeerId{1}, true);
  table.adopt(PeerId{1});
  CHECK_FALSE(table.owing(PeerId{1}));
}

TEST_CASE("circuit_table: a peer is reached by its link until it is said otherwise, and so is its successor") {
  CircuitTable table(2);
  const PeerId old = makePeerId(1, 7);
  table.adopt(old);
  CHECK_FALSE(table.direct(old));
  table.publishDirect(old, true);
  CHECK(table.direct(old));
  CHECK_FALSE(table.direct(PeerId{0}));
  table.adopt(makePeerId(1, 8));
  CHECK_FALSE(table.direct(makePeerId(1, 8)));
}

TEST_CASE("verdict: every word has its name") {
  CHECK(std::strcmp(toString(Verdict::kStalled), "stalled") == 0);
  CHECK(std::strcmp(toString(CircuitState::kHalfOpen), "half_open") == 0);
  CHECK(std::strcmp(toString(Reason::kProbeSilence), "probe_silence") == 0);
  CHECK(std::strcmp(toString(Reason::kRequestFailures), "request_failures") == 0);
}

}  // namespace
}  // namespace peerpulse::health
