#include "diagnosis_report.h"

#include <cmath>
#include <cstring>

#include "printable.h"
#include "text.h"

namespace peerpulse::cli {

namespace {

const char* nameOf(Heard heard) {
  switch (heard) {
    case Heard::kNotAsked: return "not_asked";
    case Heard::kNotPermitted: return "not_permitted";
    case Heard::kAnswered: return "answered";
    case Heard::kSilent: return "silent";
    case Heard::kUnreachable: return "unreachable";
  }
  return "?";
}

const char* nameOf(ConnectAnswer::Kind kind) {
  using Kind = ConnectAnswer::Kind;
  switch (kind) {
    case Kind::kNotAsked: return "not_asked";
    case Kind::kGuarded: return "guarded";
    case Kind::kAccepted: return "accepted";
    case Kind::kRefused: return "refused";
    case Kind::kSilent: return "silent";
    case Kind::kUnreachable: return "unreachable";
    case Kind::kOwnTrouble: return "own_trouble";
  }
  return "?";
}

const char* nameOf(SpeechAnswer::Kind kind) {
  using Kind = SpeechAnswer::Kind;
  switch (kind) {
    case Kind::kNotAsked: return "not_asked";
    case Kind::kHttp2: return "http2";
    case Kind::kHttp1: return "http1";
    case Kind::kTls: return "tls";
    case Kind::kOther: return "other";
    case Kind::kClosed: return "closed";
    case Kind::kSilent: return "silent";
  }
  return "?";
}

const char* nameOf(Route::Kind kind) {
  switch (kind) {
    case Route::Kind::kNone: return "none";
    case Route::Kind::kForbidden: return "forbidden";
    case Route::Kind::kLocal: return "local";
    case Route::Kind::kUnicast: return "unicast";
  }
  return "?";
}

const char* nameOf(Neighbour::State state) {
  switch (state) {
    case Neighbour::State::kIncomplete: return "incomplete";
    case Neighbour::State::kKnown: return "known";
    case Neighbour::State::kFailed: return "failed";
    case Neighbour::State::kPermanent: return "permanent";
  }
  return "?";
}

std::string adminWords(const AdminView& admin, WallTime now) {
  if (!admin.reached) return admin.error.empty() ? "not asked" : admin.error;
  std::string text = admin.verdict + ", circuit " + admin.circuit;
  const std::string since = sinceText(admin.since, now);
  if (!since.empty()) text += ", since " + since;
  if (!admin.heard) text += "; never heard";
  if (admin.overridden) text += "; held by an operator";
  if (admin.localHealth != "ok") text += "; this host: " + admin.localHealth;
  if (admin.guardState == "refused") text += "; guarded";
  return text;
}

std::string routeWords(const Route& route) {
  switch (route.kind) {
    case Route::Kind::kNone: return "none: network is unreachable";
    case Route::Kind::kForbidden: return "forbidden by the routing table";
    case Route::Kind::kLocal: return "this host itself (" + route.device + ")";
    case Route::Kind::kUnicast: break;
  }
  std::string text = route.device;
  if (!route.gateway.empty()) text += " via " + route.gateway;
  if (!route.source.empty()) text += ", from " + route.source;
  if (!route.carrier) text += ", NO CARRIER";
  return text;
}

std::string arpWords(const ArpAnswer& arp) {
  switch (arp.heard) {
    case Heard::kAnswered: return "answered as " + arp.linkAddress;
    case Heard::kSilent: return "silent (3 requests)";
    case Heard::kNotPermitted: return "may not be asked by this user (needs root, or CAP_NET_RAW)";
    case Heard::kUnreachable: return std::strerror(arp.error);
    case Heard::kNotAsked: break;
  }
  return "";
}

std::string echoWords(const EchoAnswer& echo) {
  switch (echo.heard) {
    case Heard::kAnswered: return "answered in " + ageText(echo.roundTrip);
    case Heard::kSilent: return "silent (3 echoes)";
    case Heard::kNotPermitted: return "may not be sent by this user (CAP_NET_RAW, or net.ipv4.ping_group_range)";
    case Heard::kUnreachable: return std::strerror(echo.error);
    case Heard::kNotAsked: break;
  }
  return "";
}

std::string connectWords(const ConnectAnswer& connect) {
  using Kind = ConnectAnswer::Kind;
  switch (connect.kind) {
    case Kind::kAccepted: return "accepted in " + ageText(connect.took);
    case Kind::kRefused: return "refused in " + ageText(connect.took);
    case Kind::kSilent: return "silent for " + ageText(connect.took);
    case Kind::kUnreachable:
    case Kind::kOwnTrouble: return std::strerror(connect.error);
    case Kind::kGuarded: return "peerpulse itself is in the way (this command needs root, or CAP_NET_ADMIN, to pass)";
    case Kind::kNotAsked: break;
  }
  return "";
}

std::string speechWords(const SpeechAnswer& speech) {
  using Kind = SpeechAnswer::Kind;
  switch (speech.kind) {
    case Kind::kHttp2: return "HTTP/2, PING answered in " + ageText(speech.took);
    case Kind::kHttp1: return "HTTP/1, status " + std::to_string(speech.status) + " in " + ageText(speech.took);
    case Kind::kTls: return "TLS";
    case Kind::kOther: return "bytes that are no HTTP";
    case Kind::kClosed: return "ended without a word";
    case Kind::kSilent: return "no answer to HTTP/2 nor to HTTP/1";
    case Kind::kNotAsked: break;
  }
  return "";
}

void line(std::string& text, const std::string& what, const std::string& value) {
  if (value.empty()) return;
  std::string head = "  " + what;
  head.resize(14, ' ');
  text += head + printable(value) + "\n";
}

/// Milliseconds to a tenth.
double millis(Duration d) { return std::round(toMillis(d) * 10) / 10; }

Json connectJson(const ConnectAnswer& connect) {
  return {{"answer", nameOf(connect.kind)},
          {"error", connect.error != 0 ? Json(::strerrorname_np(connect.error)) : Json()},
          {"took_ms", millis(connect.took)}};
}

}  // namespace

std::string diagnosisText(const Observations& seen, const Diagnosis& diagnosis, WallTime now) {
  std::string text = printable(seen.peer) + (seen.peer == seen.address ? "" : " (" + seen.address + ")") + ": " +
                     toString(diagnosis.cause) + "\n" + printable(diagnosis.what) + ".\n\n";
  line(text, "peerpulse", adminWords(seen.admin, now));
  if (seen.route) line(text, "route", routeWords(*seen.route));
  if (seen.neighbour) {
    line(text, "neighbour", std::string(nameOf(seen.neighbour->state)) + " " + seen.neighbour->linkAddress);
  }
  line(text, "arp", arpWords(seen.arp));
  line(text, "icmp", echoWords(seen.echo));
  line(text, "connect", connectWords(seen.connect));
  line(text, "other port", connectWords(seen.closedPort));
  line(text, "speaks", speechWords(seen.speech));
  if (seen.tls) line(text, "tls", *seen.tls ? "answers a ClientHello" : "does not answer a ClientHello");
  if (seen.health.asked) {
    line(text, "health path",
         seen.health.status != 0 ? "status " + std::to_string(seen.health.status) : seen.health.error);
  }
  if (seen.admin.descriptorsGone) line(text, "this host", "peerpulse lacked descriptors while we watched");
  for (size_t i = 0; i < diagnosis.todo.size(); ++i)
    text += (i == 0 ? "\nWhat to do:\n- " : "- ") + printable(diagnosis.todo[i]) + "\n";
  return text;
}

Json diagnosisJson(const Observations& seen, const Diagnosis& diagnosis) {
  Json evidence = {{"arp", {{"answer", nameOf(seen.arp.heard)}, {"link_address", seen.arp.linkAddress}}},
                   {"icmp", {{"answer", nameOf(seen.echo.heard)}, {"round_trip_ms", millis(seen.echo.roundTrip)}}},
                   {"connect", connectJson(seen.connect)},
                   {"other_port", connectJson(seen.closedPort)},
                   {"speaks", {{"answer", nameOf(seen.speech.kind)}, {"status", seen.speech.status}}},
                   {"tls", seen.tls ? Json(*seen.tls) : Json()},
                   {"descriptors_gone", seen.admin.descriptorsGone}};
  if (seen.route) {
    evidence["route"] = {{"kind", nameOf(seen.route->kind)},
                         {"device", seen.route->device},
                         {"gateway", seen.route->gateway},
                         {"source", seen.route->source},
                         {"carrier", seen.route->carrier}};
  }
  if (seen.neighbour) {
    evidence["neighbour"] = {{"state", nameOf(seen.neighbour->state)}, {"link_address", seen.neighbour->linkAddress}};
  }
  if (seen.health.asked) evidence["health"] = {{"status", seen.health.status}, {"error", seen.health.error}};
  Json admin = {{"reached", seen.admin.reached}};
  if (seen.admin.reached) {
    admin.update({{"verdict", seen.admin.verdict},
                  {"circuit", seen.admin.circuit},
                  {"reason", seen.admin.reason},
                  {"since", seen.admin.since},
                  {"local_health", seen.admin.localHealth},
                  {"heard", seen.admin.heard},
                  {"process_heard", seen.admin.processHeard}});
  }
  return {{"peer", seen.peer},
          {"address", seen.address},
          {"cause", toString(diagnosis.cause)},
          {"what", diagnosis.what},
          {"todo", diagnosis.todo},
          {"peerpulse", std::move(admin)},
          {"evidence", std::move(evidence)},
          {"took_ms", millis(seen.took)}};
}

}  // namespace peerpulse::cli
