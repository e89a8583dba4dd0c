#include "peerpulse/stats/stats.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::Stats;

TEST_CASE("each peer and route has counters of its own") {
  Stats s({"node2", "node3"}, {"rpc", "put"}, {"main"});
  s.peer(PeerId{1}).inFlight.add();
  s.operation(PeerId{0}, 1).timeouts.add(2);
  s.operation(PeerId{1}, 0).timeouts.add(5);
  CHECK(s.peer(PeerId{0}).inFlight.get() == 0);
  CHECK(s.peer(PeerId{1}).inFlight.get() == 1);
  CHECK(s.operation(PeerId{0}, 0).timeouts.get() == 0);
  CHECK(s.operation(PeerId{0}, 1).timeouts.get() == 2);
  CHECK(s.operation(PeerId{1}, 0).timeouts.get() == 5);
  CHECK(s.operation(PeerId{1}, 1).timeouts.get() == 0);
}

TEST_CASE("a peer that is adopted later has a table of its own, a retired one is not listed and works on") {
  Stats s({"node2"}, {"rpc"}, {});
  const PeerId third = makePeerId(3, 1);
  s.adopt(third, "node9");
  s.peer(third).inFlight.add(7);
  std::string names;
  const auto list = [&] {
    names.clear();
    s.forEachPeer([&](PeerId, const std::string& name) { names += name + " "; });
    return names;
  };
  CHECK(list() == "node2 node9 ");
  s.retire(PeerId{0});
  CHECK(list() == "node9 ");
  s.peer(PeerId{0}).inFlight.add();  // a worker that has not heard of it yet
  s.adopt(makePeerId(0, 1), "node4");
  CHECK(list() == "node4 node9 ");
  CHECK(s.peer(makePeerId(0, 1)).inFlight.get() == 0);
  CHECK(s.peer(third).inFlight.get() == 7);
}

TEST_CASE("transitions are counted by target and reason, in bounded number") {
  Stats s({"node2"}, {"rpc"}, {});
  s.countTransition(PeerId{0}, "dead", "probe_silence");
  s.countTransition(PeerId{0}, "dead", "probe_silence");
  s.countTransition(PeerId{0}, "alive", "probe_ack");
  CHECK(s.transitions(PeerId{0}).at({"dead", "probe_silence"}) == 2);
  CHECK(s.transitions(PeerId{0}).at({"alive", "probe_ack"}) == 1);

  for (int i = 0; i < 1000; ++i)
    s.countTransition(PeerId{0}, "to" + std::to_string(i), "r");
  const auto counts = s.transitions(PeerId{0});
  CHECK(counts.size() == Stats::kMaxTransitionKinds + 1);
  CHECK(counts.at({"other", "other"}) == 1000 - (Stats::kMaxTransitionKinds - 2));
}
