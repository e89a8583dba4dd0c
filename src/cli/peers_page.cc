#include "peers_page.h"

#include <cmath>

#include "text.h"
#include "words.h"

namespace peerpulse::cli {

namespace {

std::string number(const Json& json, const std::string& pointer, const std::string& unit = "") {
  const auto value = numberAt(json, pointer);
  return value ? shortNumber(*value) + unit : "-";
}

std::string age(const Json& peer, const std::string& pointer) {
  const auto silence = millisAt(peer, pointer);
  return silence ? ageText(*silence) + " ago" : "never";
}

/// What last went wrong with an exchange: "connection_refused, by the peer, 3m12s ago: details".
std::string lastErrorWords(const Json& peer, WallTime now) {
  std::string text = textAt(peer, "/last_error/error");
  if (text.empty()) return "";
  const std::string party = textAt(peer, "/last_error/party");
  const std::string since = sinceText(textAt(peer, "/last_error/at"), now);
  const std::string details = textAt(peer, "/last_error/details");
  if (!party.empty()) text += " (" + party + ")";
  if (!since.empty()) text += ", " + since;
  if (!details.empty()) text += ": " + details;
  return text;
}

/// Who holds its circuit, why, and for how long: "closed by local, 3m12s ago, 6m48s left: disk swap".
std::string overrideWords(const Json& peer, WallTime now) {
  std::string text = textAt(peer, "/override/state");
  if (text.empty()) return "";
  const std::string by = textAt(peer, "/override/by");
  const std::string since = sinceText(textAt(peer, "/override/since"), now);
  const std::string why = textAt(peer, "/override/why");
  const auto left = millisAt(peer, "/override/ttl_left_ms");
  if (!by.empty()) text += " by " + by;
  if (!since.empty()) text += ", " + since;
  text += left ? ", " + ageText(*left) + " left" : ", until it is released";
  if (!why.empty()) text += ": " + why;
  return text;
}

/// Nothing where there is no value.
void line(std::string& text, const std::string& what, const std::string& value) {
  if (value.empty()) return;
  std::string head = "  " + what;
  head.resize(std::max<size_t>(head.size() + 1, 16), ' ');
  text += head + value + "\n";
}

}  // namespace

std::string roundTripText(const Json& peer, const std::string& which) {
  const auto micros = numberAt(peer, "/rtt_us/" + which);
  if (!micros || *micros <= 0) return "-";
  return *micros < 1000 ? shortNumber(*micros) + " us" : shortNumber(*micros / 1000) + " ms";
}

std::string scoreText(const Json& peer) {
  const auto value = numberAt(peer, "/score");
  if (!value) return "-";
  return shortNumber(std::round(*value * 100)) + "%";
}

std::string peersText(const Json& peers, WallTime now) {
  Table table({"PEER", "ADDRESS", "VERDICT", "CIRCUIT", "SINCE", "SCORE", "RTT", "REQUESTS", "FAILED", "IN FLIGHT"});
  const Json* list = at(peers, "/peers");
  if (list != nullptr && list->is_array()) {
    for (const Json& peer : *list) {
      table.add({textAt(peer, "/name"), textAt(peer, "/address"), textAt(peer, "/verdict"), textAt(peer, "/circuit"),
                 sinceText(textAt(peer, "/since"), now), scoreText(peer), roundTripText(peer, "p50"),
                 number(peer, "/requests_total"), number(peer, "/failures_total"), number(peer, "/in_flight")});
    }
  }
  return table.text();
}

std::string peerText(const Json& peer, WallTime now) {
  std::string text = textAt(peer, "/name") + " (" + textAt(peer, "/address") + ")\n";
  line(text, "verdict",
       textAt(peer, "/verdict") + ", circuit " + textAt(peer, "/circuit") + ", since " +
           sinceText(textAt(peer, "/since"), now));
  line(text, "why", whyWords(peer));
  line(text, "last heard", age(peer, "/last_heard_ms") + "; its process " + age(peer, "/process_silent_ms"));
  line(text, "round trip",
       "last " + roundTripText(peer, "last") + ", median " + roundTripText(peer, "p50") + ", 99th percentile " +
           roundTripText(peer, "p99"));
  line(text, "score", scoreText(peer));
  line(text, "probes",
       number(peer, "/probe/sent") + " sent, " + number(peer, "/probe/acked") + " answered, " +
           number(peer, "/probe/lost") + " lost; " + textAt(peer, "/probe/mode") + ", host by " +
           textAt(peer, "/probe/host") + ", process by " + textAt(peer, "/probe/process"));
  line(text, "requests",
       number(peer, "/requests_total") + ", " + number(peer, "/failures_total") + " failed, " +
           number(peer, "/fast_failures_total") + " refused at once, " + number(peer, "/timeouts_total") +
           " timed out; " + number(peer, "/in_flight") + " in flight, " + number(peer, "/held") + " held");
  line(text, "connections",
       number(peer, "/connections/active") + " active, " + number(peer, "/connections/idle") + " idle, " +
           number(peer, "/connections/connecting") + " connecting");
  const std::string withheld = textAt(peer, "/guard/reason");
  line(text, "guard",
       textAt(peer, "/guard/mode") + ", " + textAt(peer, "/guard/state") +
           (withheld.empty() ? "" : " (" + withheld + ")"));
  if (!textAt(peer, "/link/mode").empty()) {
    const std::string why = textAt(peer, "/link/why");
    line(text, "link",
         textAt(peer, "/link/address") + " (" + textAt(peer, "/link/mode") + "), " + textAt(peer, "/link/state") +
             ", since " + sinceText(textAt(peer, "/link/since"), now) + (why.empty() ? "" : ": " + why));
  }
  if (!textAt(peer, "/listen").empty()) line(text, "reached at", textAt(peer, "/listen"));
  const std::string way = textAt(peer, "/transparent/way", "off");
  if (way != "off") {
    line(text, "transparent",
         "connects to its address are " + way + "; " + number(peer, "/transparent/connections_total") + " came here");
  }
  if (!textAt(peer, "/zone").empty()) line(text, "zone", textAt(peer, "/zone"));
  line(text, "last error", lastErrorWords(peer, now));
  line(text, "override", overrideWords(peer, now));
  return text;
}

}  // namespace peerpulse::cli
