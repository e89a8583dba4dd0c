// Goal: each verdict and event is said in words that tell an operator what it means.
#include "words.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

Json peer(const char* verdict, const char* circuit, const char* reason) {
  return {{"name", "node2"}, {"verdict", verdict}, {"circuit", circuit}, {"reason", reason}, {"overridden", false}};
}

TEST_CASE("words: why a peer is as it is") {
  CHECK(whyWords(peer("alive", "closed", "probe_ack")) == "answers its probes");
  CHECK(whyWords(peer("dead", "open", "probe_silence")).find("no power") != std::string::npos);
  CHECK(whyWords(peer("refusing", "open", "connect_refused")).find("process is gone") != std::string::npos);
  CHECK(whyWords(peer("stalled", "closed", "probe_ack")).find("does not answer") != std::string::npos);
  CHECK(whyWords(peer("alive", "open", "request_failures")) == "requests failed in a row");
  CHECK(whyWords(peer("alive", "open", "a_new_reason")) == "a_new_reason");
}

TEST_CASE("words: an operator's order goes before, and the verdict is not hidden by it") {
  Json held = peer("dead", "closed", "operator");
  held["overridden"] = true;
  CHECK(whyWords(held).starts_with("an operator holds its circuit closed"));
  CHECK(whyWords(held).find("no power") != std::string::npos);
  CHECK_FALSE(isWell(held));
  CHECK(isWell(peer("alive", "closed", "none")));
  CHECK_FALSE(isWell(peer("suspect", "closed", "none")));
}

TEST_CASE("words: a death with its evidence") {
  const Json event = Json::parse(R"({"at":"2026-11-22T10:49:35.123456Z","event":"transition","peer":"node3",
    "from":"suspect","to":"dead","circuit_from":"closed","circuit":"open","reason":"probe_silence","detection_ms":63.2,
    "folded":0,"evidence":{"silence_ms":62.6,"confirm_connects":4,"consecutive_failures":0,"error":null}})");
  CHECK(
      eventWords(event) ==
      "2026-11-22 10:49:35.123Z  node3  suspect -> dead, circuit open: silent on every connection, its kernel too: "
      "no "
      "power, no network, or a filter (silent for 63 ms, 4 fresh connections unanswered, found 63 ms after its last "
      "sign of life)");
}

TEST_CASE("words: other events, and those of a later version") {
  const auto said = [](const char* json) { return eventWords(Json::parse(json)); };
  CHECK(said(R"({"event":"local_health","local_health":"link_down"})").find("no carrier") != std::string::npos);
  CHECK(said(R"({"event":"guard","peer":"n","to":"refused","sockets":{"destroyed":3}})").find("3 sockets ended") !=
        std::string::npos);
  CHECK(said(R"({"event":"guard","peer":"n","to":"withheld","reason":"nobody_else"})").find("nobody_else") !=
        std::string::npos);
  CHECK(said(R"({"event":"degrading","peer":"n","score_from":0.9,"score":0.5,"over_ms":4000,"factor":"loss"})")
            .find("score 0.9 -> 0.5 within 4 s: probes are lost") != std::string::npos);
  CHECK(said(R"({"event":"probe","peer":"n","probe":{"mode":"l4","host":"icmp","process":"request"}})")
            .find("l4, host by icmp") != std::string::npos);
  CHECK(said(R"({"event":"eclipse","peer":"n"})").find("eclipse") != std::string::npos);
  CHECK(said(R"({"event":7})").empty() == false);
}

TEST_CASE("words: this host") {
  CHECK(localHealthWords("ok") == "ok");
  CHECK_FALSE(isGraveLocalHealth("lagging"));
  CHECK(isGraveLocalHealth("exhausted"));
  CHECK(localHealthWords("exhausted").find("descriptor") != std::string::npos);
}

}  // namespace
}  // namespace peerpulse::cli
