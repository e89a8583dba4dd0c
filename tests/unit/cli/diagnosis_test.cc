// Goal: each cause is told from its neighbours by the evidence that differs, and nobody is accused without any.
#include "diagnosis.h"

#include <cerrno>
#include <string>

#include <doctest/doctest.h>

#include "silent_peer.h"

namespace peerpulse::cli {
namespace {

using Connect = ConnectAnswer::Kind;
using Speech = SpeechAnswer::Kind;

const std::string kOwnCard = "02:00:00:00:00:02";

/// One that accepts and answers PINGs.
Observations livePeer() {
  Observations o = silentPeer();
  o.admin.verdict = "alive";
  o.admin.circuit = "closed";
  o.admin.reason = "probe_ack";
  o.admin.guardState = "idle";
  o.arp = {};
  o.echo = {};
  o.closedPort = {};
  o.connect.kind = Connect::kAccepted;
  o.speech.kind = Speech::kHttp2;
  return o;
}

std::string nameOf(Cause cause) { return toString(cause); }

std::string causeOf(const Observations& o) {
  const Diagnosis diagnosis = diagnose(o);
  CHECK_FALSE(diagnosis.what.empty());
  CHECK(diagnosis.what.find('\n') == std::string::npos);
  if (diagnosis.cause != Cause::kWell && diagnosis.cause != Cause::kUndecided) CHECK_FALSE(diagnosis.todo.empty());
  return nameOf(diagnosis.cause);
}

TEST_CASE("diagnosis: nothing answers") {
  Observations o = silentPeer();
  CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
  SUBCASE("ever since the start: it may never have been there") {
    o.admin.heard = false;
    CHECK(causeOf(o) == nameOf(Cause::kWrongAddress));
  }
  SUBCASE("nobody knows what it was before") {
    o.admin = {};
    CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
  }
  SUBCASE("the kernel gave up asking for its link address") {
    o.connect = {.kind = Connect::kUnreachable, .error = EHOSTUNREACH};
    CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
  }
  SUBCASE("its card answers as another than the one that we send to") {
    o.arp = {.heard = Heard::kAnswered, .linkAddress = "02:00:00:00:00:99"};
    CHECK(causeOf(o) == nameOf(Cause::kNeighbourStale));
    CHECK(diagnose(o).what.find(kOwnCard) != std::string::npos);
  }
  SUBCASE("its card answers, as the one that we send to") {
    o.arp = {.heard = Heard::kAnswered, .linkAddress = kOwnCard};
    CHECK(causeOf(o) == nameOf(Cause::kHostSilent));
  }
  SUBCASE("most others fell silent with it") {
    o.admin.localHealth = "suspect";
    CHECK(causeOf(o) == nameOf(Cause::kThisHostCutOff));
    o.arp = {.heard = Heard::kAnswered, .linkAddress = kOwnCard};
    CHECK(causeOf(o) == nameOf(Cause::kHostSilent));
  }
  SUBCASE("ARP may not be asked") {
    o.arp = {.heard = Heard::kNotPermitted, .linkAddress = {}};
    CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
    CHECK(diagnose(o).what.find("run it as root") != std::string::npos);
    o.neighbour->state = Neighbour::State::kFailed;
    CHECK(diagnose(o).what.find("run it as root") == std::string::npos);
  }
}

TEST_CASE("diagnosis: nothing answers, and a router is between") {
  Observations o = silentPeer();
  o.route->gateway = "10.0.0.254";
  o.arp = {};
  CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
  CHECK(diagnose(o).what.find("10.0.0.254") != std::string::npos);
  o.neighbour->state = Neighbour::State::kFailed;
  CHECK(causeOf(o) == nameOf(Cause::kGatewaySilent));
}

TEST_CASE("diagnosis: this host has no way there") {
  Observations o = silentPeer();
  o.connect = {.kind = Connect::kUnreachable, .error = ENETUNREACH};
  for (const auto kind : {Route::Kind::kNone, Route::Kind::kForbidden}) {
    o.route->kind = kind;
    CHECK(causeOf(o) == nameOf(Cause::kNoRoute));
  }
  o.route->kind = Route::Kind::kUnicast;
  o.route->carrier = false;
  CHECK(causeOf(o) == nameOf(Cause::kOwnLink));
  o.route->carrier = true;
  o.route->kind = Route::Kind::kLocal;
  CHECK(causeOf(o) == nameOf(Cause::kWrongAddress));
  o.loopback = true;  // tests and single hosts
  CHECK(causeOf(o) != nameOf(Cause::kWrongAddress));
}

TEST_CASE("diagnosis: the host lives, the port is silent") {
  Observations o = silentPeer();
  SUBCASE("by ICMP") { o.echo.heard = Heard::kAnswered; }
  SUBCASE("by the refusal of another port") { o.closedPort.kind = Connect::kRefused; }
  CHECK(causeOf(o) == nameOf(Cause::kPortFiltered));
  o.connect = {.kind = Connect::kUnreachable, .error = EHOSTUNREACH};
  CHECK(causeOf(o) == nameOf(Cause::kPortFiltered));
  // Its kernel acknowledged while its process was silent: no firewall does that.
  o.connect = {.kind = Connect::kSilent};
  o.admin.verdict = "stalled";
  CHECK(causeOf(o) == nameOf(Cause::kProcessStopped));
  // The guard is in our own way.
  o.connect.kind = Connect::kGuarded;
  CHECK(causeOf(o) == nameOf(Cause::kUndecided));
}

TEST_CASE("diagnosis: transparent mode is in our way, which says nothing of the peer") {
  Observations o = silentPeer();
  o.admin.guardState = "idle";
  o.admin.transparentWay = "redirected";
  o.connect.kind = Connect::kGuarded;
  CHECK(causeOf(o) == nameOf(Cause::kUndecided));
}

TEST_CASE("diagnosis: the guard is in our way, and nothing else answers") {
  Observations o = silentPeer();
  o.connect.kind = Connect::kGuarded;
  o.closedPort.kind = Connect::kGuarded;
  o.arp = {.heard = Heard::kNotPermitted, .linkAddress = {}};
  CHECK(causeOf(o) == nameOf(Cause::kPowerOff));
}

TEST_CASE("diagnosis: refused") {
  Observations o = silentPeer();
  o.connect.kind = Connect::kRefused;
  CHECK(causeOf(o) == nameOf(Cause::kProcessGone));
  CHECK(diagnose(o).what.find("wrong") == std::string::npos);
  o.admin.processHeard = false;
  CHECK(causeOf(o) == nameOf(Cause::kProcessGone));
  CHECK(diagnose(o).what.find("the address or port is wrong") != std::string::npos);
}

TEST_CASE("diagnosis: accepted, but no HTTP") {
  Observations o = livePeer();
  o.tls = false;
  o.speech.kind = Speech::kSilent;
  CHECK(causeOf(o) == nameOf(Cause::kProcessStopped));
  o.speech.kind = Speech::kOther;
  CHECK(causeOf(o) == nameOf(Cause::kNotHttp));
  o.speech.kind = Speech::kClosed;
  CHECK(causeOf(o) == nameOf(Cause::kNotHttp));
  o.tls = true;
  for (const auto kind : {Speech::kSilent, Speech::kOther, Speech::kClosed, Speech::kTls}) {
    o.speech.kind = kind;
    CHECK(causeOf(o) == nameOf(Cause::kTlsOnPlainPort));
  }
}

TEST_CASE("diagnosis: it speaks") {
  Observations o = livePeer();
  CHECK(causeOf(o) == nameOf(Cause::kWell));
  CHECK(diagnose(o).todo.empty());
  o.speech.kind = Speech::kHttp1;
  CHECK(causeOf(o) == nameOf(Cause::kWell));
  SUBCASE("peerpulse has not noticed yet") {
    o.admin.verdict = "dead";
    CHECK(causeOf(o) == nameOf(Cause::kWell));
    CHECK(diagnose(o).what.find("still says dead") != std::string::npos);
  }
  SUBCASE("it says itself that it is not well") {
    o.health = {.asked = true, .status = 503, .error = {}};
    CHECK(causeOf(o) == nameOf(Cause::kUnhealthy));
    o.health = {.asked = true, .status = 0, .error = "no answer in time"};
    CHECK(causeOf(o) == nameOf(Cause::kUnhealthy));
    o.health.status = 204;
    CHECK(causeOf(o) == nameOf(Cause::kWell));
  }
  SUBCASE("an operator holds it") {
    o.admin.overridden = true;
    CHECK(causeOf(o) == nameOf(Cause::kHeldByOperator));
  }
  SUBCASE("requests opened its circuit") {
    o.admin.reason = "request_failures";
    CHECK(causeOf(o) == nameOf(Cause::kWell));  // it is closed again
    o.admin.circuit = "half_open";
    CHECK(causeOf(o) == nameOf(Cause::kRequestsFail));
  }
  SUBCASE("it is us") {
    o.admin.descriptorsGone = true;
    CHECK(causeOf(o) == nameOf(Cause::kOwnDescriptors));
    o.admin.descriptorsGone = false;
    o.admin.localHealth = "exhausted";
    CHECK(causeOf(o) == nameOf(Cause::kOwnDescriptors));
  }
}

TEST_CASE("diagnosis: what this command lacks is no fault of the peer") {
  Observations o = silentPeer();
  o.connect = {.kind = Connect::kOwnTrouble, .error = EMFILE};
  CHECK(causeOf(o) == nameOf(Cause::kOwnTrouble));
  CHECK(causeOf(Observations()) == nameOf(Cause::kUndecided));
}

}  // namespace
}  // namespace peerpulse::cli
