#include "words.h"

#include <vector>

#include "text.h"

namespace peerpulse::cli {

namespace {

std::string reasonWords(const std::string& reason) {
  if (reason == "none") return "";
  if (reason == "startup") return "not heard of yet since the start";
  if (reason == "probe_ack") return "answers its probes";
  if (reason == "probe_silence")
    return "silent on every connection, its kernel too: no power, no network, or a filter";
  if (reason == "connect_refused") return "its host refuses connections: the process is gone";
  if (reason == "process_stalled") return "its host acknowledges, its process does not answer";
  if (reason == "flapping") return "back, but was out three times in 10 s: not trusted yet";
  if (reason == "request_failures") return "requests failed in a row";
  if (reason == "operator") return "set by an operator";
  if (reason == "removed") return "removed from the configuration";
  return reason;
}

std::string verdictWords(const std::string& verdict) {
  if (verdict == "suspect") return "silent; being asked again right now";
  if (verdict == "stalled") return "its host acknowledges, its process does not answer";
  if (verdict == "unknown") return "not heard of yet since the start";
  if (verdict == "dead") return reasonWords("probe_silence");
  if (verdict == "refusing") return reasonWords("connect_refused");
  return "";
}

void join(std::string& text, const std::string& more, const char* separator = ", ") {
  if (more.empty()) return;
  if (!text.empty()) text += separator;
  text += more;
}

/// The part of an RFC 3339 time that a person at a terminal needs: date, time, milliseconds.
std::string timeWords(const Json& event) {
  std::string at = textAt(event, "/at");
  if (at.size() < 23) return at;
  at = at.substr(0, 23) + "Z";
  at[10] = ' ';
  return at;
}

std::string millisWords(const Json& event, const std::string& pointer) {
  const auto value = millisAt(event, pointer);
  return value ? ageText(*value) : "";
}

std::string evidenceWords(const Json& event) {
  std::string text;
  const std::string silence = millisWords(event, "/evidence/silence_ms");
  const std::string to = textAt(event, "/to");
  if (to == "dead" || to == "suspect") {
    if (!silence.empty()) join(text, "silent for " + silence);
    const double connects = numberAt(event, "/evidence/confirm_connects").value_or(0);
    if (to == "dead" && connects > 0) join(text, shortNumber(connects) + " fresh connections unanswered");
    if (to == "dead") {
      const std::string took = millisWords(event, "/detection_ms");
      if (!took.empty()) join(text, "found " + took + " after its last sign of life");
    }
  }
  if (to == "stalled") {
    const std::string process = millisWords(event, "/evidence/process_silence_ms");
    if (!process.empty()) join(text, "process silent for " + process);
  }
  const double failures = numberAt(event, "/evidence/consecutive_failures").value_or(0);
  if (textAt(event, "/reason") == "request_failures" && failures > 0) join(text, shortNumber(failures) + " in a row");
  const std::string error = textAt(event, "/evidence/error");
  if (!error.empty()) join(text, error);
  return text;
}

std::string transitionWords(const Json& event) {
  std::string text = textAt(event, "/from") + " -> " + textAt(event, "/to");
  const std::string circuit = textAt(event, "/circuit");
  if (circuit != textAt(event, "/circuit_from")) text += ", circuit " + circuit;
  std::string why = reasonWords(textAt(event, "/reason"));
  if (textAt(event, "/to") == "suspect") why = "";
  std::string detail = evidenceWords(event);
  join(why, textAt(event, "/why").empty() ? "" : "\"" + textAt(event, "/why") + "\"");
  if (!why.empty()) text += ": " + why;
  if (!detail.empty()) text += " (" + detail + ")";
  const double folded = numberAt(event, "/folded").value_or(0);
  if (folded > 0) text += "; and " + shortNumber(folded) + " changes before it";
  return text;
}

std::string degradingWords(const Json& event) {
  std::string factor = textAt(event, "/factor");
  if (factor == "rtt") factor = "its round trips grow longer";
  if (factor == "loss") factor = "probes are lost";
  if (factor == "unanswered") factor = "it leaves requests unanswered";
  if (factor == "failures") factor = "its requests fail";
  return "degrading: score " + shortNumber(numberAt(event, "/score_from").value_or(0)) + " -> " +
         shortNumber(numberAt(event, "/score").value_or(0)) + " within " + millisWords(event, "/over_ms") + ": " +
         factor;
}

std::string linkEventWords(const Json& event) {
  if (textAt(event, "/event") == "link_up") return "link: up, traffic goes by it";
  const bool direct = textAt(event, "/to") == "fallback";
  return "link: " + textAt(event, "/why") +
         (direct ? "; traffic goes to its own address, NOT by the link" : "; down");
}

std::string guardWords(const Json& event) {
  const std::string to = textAt(event, "/to");
  if (to == "idle") return "guard: let go, connections pass again";
  if (to == "withheld") return "guard: withheld (" + textAt(event, "/reason") + ")";
  return "guard: " + shortNumber(numberAt(event, "/sockets/destroyed").value_or(0)) +
         " sockets ended, new connections are refused";
}

std::string probeWords(const Json& event) {
  return "probed in another way: " + textAt(event, "/probe/mode") + ", host by " + textAt(event, "/probe/host") +
         ", process by " + textAt(event, "/probe/process");
}

}  // namespace

bool isWell(const Json& peer) {
  return textAt(peer, "/verdict") == "alive" && textAt(peer, "/circuit") == "closed" && !flagAt(peer, "/overridden");
}

std::string whyWords(const Json& peer) {
  const std::string verdict = textAt(peer, "/verdict");
  const std::string reason = textAt(peer, "/reason");
  std::string text;
  if (flagAt(peer, "/overridden") || reason == "operator") {
    text = "an operator holds its circuit " + textAt(peer, "/circuit");
    const std::string why = textAt(peer, "/override/why");
    if (!why.empty()) text += " (" + why + ")";
    join(text, verdictWords(verdict), "; ");
    return text;
  }
  if (verdict == "alive" && textAt(peer, "/circuit") == "closed") return reasonWords("probe_ack");
  if (verdict == "suspect" || verdict == "stalled" || verdict == "unknown") return verdictWords(verdict);
  text = reasonWords(reason);
  return text.empty() ? verdictWords(verdict) : text;
}

std::string localHealthWords(const std::string& state) {
  if (state == "ok") return "ok";
  if (state == "lagging") return "lagging: its processors are busy, probing is late";
  if (state == "suspect") return "suspect: most peers fell silent at once, so this host or its network is cut off";
  if (state == "link_down") return "link_down: its own link has no carrier";
  if (state == "exhausted") return "exhausted: no descriptor, port or memory was left to ask a peer";
  if (state == "prober_stalled") return "prober_stalled: the prober does not run; what is said of peers is old";
  return state;
}

bool isGraveLocalHealth(const std::string& state) { return state != "ok" && state != "lagging"; }

std::string eventWords(const Json& event) {
  const std::string kind = textAt(event, "/event");
  const std::string peer = textAt(event, "/peer");
  std::string text;
  if (kind == "transition") {
    text = transitionWords(event);
  } else if (kind == "degrading") {
    text = degradingWords(event);
  } else if (kind == "link_up" || kind == "link_lost") {
    text = linkEventWords(event);
  } else if (kind == "guard") {
    text = guardWords(event);
  } else if (kind == "probe") {
    text = probeWords(event);
  } else if (kind == "local_health") {
    text = "this host: " + localHealthWords(textAt(event, "/local_health"));
  } else {
    text = kind;
  }
  return timeWords(event) + "  " + (peer.empty() ? "" : peer + "  ") + text;
}

}  // namespace peerpulse::cli
