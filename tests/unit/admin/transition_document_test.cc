// Goal: a program outside finds what happened, to whom, and whether this host can be trusted, in one object.
#include "peerpulse/admin/transition_document.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;
using health::CircuitState;
using health::Reason;
using health::Verdict;
using Json = nlohmann::json;

TEST_CASE("transition_document: the transition, its peer, this host and the cluster") {
  Fixture f;
  f.setAllAlive();
  f.setLocalHealth("suspect");
  f.publish(1, Verdict::kDead, CircuitState::kOpen, Reason::kProbeSilence);
  health::Transition t;
  t.peer = PeerId{1};
  t.from.verdict = Verdict::kAlive;
  t.to.verdict = Verdict::kDead;
  t.to.circuit = CircuitState::kOpen;
  t.to.reason = Reason::kProbeSilence;
  t.at = TimePoint(seconds(100));
  t.lastEvidence = t.at - milliseconds(66);
  t.evidence.processSilence = milliseconds(67);
  const std::string text = admin::transitionDocument(f.sources(), t, WallTime(seconds(1'800'000'000)));
  CHECK(text.find('\n') == std::string::npos);
  const Json document = Json::parse(text);
  CHECK(document["node"] == "node1");
  CHECK(document["event"] == "transition");
  CHECK(document["at"] == "2027-01-15T08:00:00.000000Z");
  CHECK(document["peer"] == "node3");
  CHECK(document["address"] == "10.0.0.3:9000");
  CHECK(document["zone"] == "dc1");
  CHECK(document["from"] == "alive");
  CHECK(document["to"] == "dead");
  CHECK(document["circuit"] == "open");
  CHECK(document["reason"] == "probe_silence");
  CHECK(document["detection_ms"] == 66.0);
  CHECK(document["evidence"]["process_silence_ms"] == 67.0);
  const Json context = Json::parse(admin::contextDocument(f.sources(), Clock::now()));
  CHECK(context["local_health"] == "suspect");
  CHECK(context["cluster"]["offline"] == Json::array({"node3"}));
  CHECK(context["cluster"]["status"] == "degraded");
  CHECK(
      text.starts_with(R"({"node":"node1","event":"transition","at":"2027-01-15T08:00:00.000000Z","peer":"node3",)"));
}
