// What the admin's words mean, in plain ones. Pure: strings in, strings out.

import { micros, millis, plural } from "./format.js";

/** Beside the word itself: its icon, how grave it is, and what it does. */
export const VERDICTS = {
  dead: { icon: "dead", tone: "bad", says: "no sign of life from its host",
    does: "New requests to it fail at once, those in flight were failed, its connections are closed. It is asked on and on, and "
      + "let back by itself." },
  refusing: { icon: "refusing", tone: "bad", says: "host up, process gone: it refuses connections",
    does: "New requests to it fail at once. It is let back by itself as soon as its process answers." },
  stalled: { icon: "stalled", tone: "bad", says: "its kernel answers, its process does not",
    does: "Requests in flight are left alone; no new connections. New requests flow until its circuit opens." },
  suspect: { icon: "suspect", tone: "warn", says: "silent; being asked once more",
    does: "New requests to it wait for the verdict, some milliseconds." },
  unknown: { icon: "unknown", tone: "warn", says: "not heard of yet", does: "New requests to it wait up to 100 ms for the first verdict." },
  alive: { icon: "alive", tone: "ok", says: "answers", does: "Requests to it flow." },
};

export const REASONS = {
  none: "", startup: "no verdict since the start", probe_ack: "answers",
  probe_silence: "no sign of life from its host",
  connect_refused: "host up, process gone: it refuses connections",
  process_stalled: "its kernel answers, its process does not",
  flapping: "answers again, but was out too often: not trusted yet",
  request_failures: "probes are answered, but requests fail one after the other",
  operator: "ordered by an operator", removed: "no longer in the configuration",
};

export const CIRCUITS = { closed: "closed", open: "open", half_open: "half-open" };

export const HOST = {
  ok: { word: "OK", icon: "alive", tone: "ok", says: "It has nothing to complain of." },
  lagging: { word: "LAGGING", icon: "suspect", tone: "warn",
    says: "Its own loop is late: what it does not hear meanwhile is held against nobody. Is its processor overloaded?" },
  suspect: { word: "SUSPECT", icon: "suspect", tone: "bad",
    says: "Most peers fell silent at once: look at this host and its network first, and doubt the verdicts below." },
  isolated: { word: "ISOLATED", icon: "dead", tone: "bad",
    says: "No peer can be heard. This host is more likely cut off than all others dead: look at its network first." },
  link_down: { word: "LINK DOWN", icon: "dead", tone: "bad",
    says: "Its own link has no carrier: it is this host that is cut off. Cable, switch port, driver?" },
  exhausted: { word: "EXHAUSTED", icon: "suspect", tone: "bad",
    says: "It has no descriptor, port or memory left to ask its peers; that is held against none of them." },
  prober_stalled: { word: "PROBER STALLED", icon: "stalled", tone: "bad",
    says: "Its prober does not run: the verdicts below are old, and open circuits are ignored." },
};

/** What this host is, in one of HOST's words: "isolated" is a suspect that hears nobody. */
export function hostState(localHealth, peers) {
  const nobody = peers.length > 1 && peers.every((peer) => peer.verdict === "dead");
  return localHealth === "suspect" && nobody ? "isolated" : localHealth;
}

/** Why a peer is as it is, in one sentence without its end. */
export function why(peer) {
  if (peer.overridden) {
    const order = "an operator keeps it " + (peer.circuit === "open" ? "cut off" : "open to requests");
    return peer.verdict === "alive" ? order : order + "; " + VERDICTS[peer.verdict].says;
  }
  if (peer.circuit !== "closed" && peer.verdict === "alive") return REASONS[peer.reason] || peer.reason;
  return VERDICTS[peer.verdict] ? VERDICTS[peer.verdict].says : peer.verdict;
}

/** The tone of a peer as a whole: "bad", "warn" or "ok". */
export function tone(peer) {
  if (peer.circuit === "open") return "bad";
  const own = VERDICTS[peer.verdict] ? VERDICTS[peer.verdict].tone : "warn";
  if (own === "ok" && (peer.overridden || peer.circuit === "half_open" || peer.score < 0.6)) return "warn";
  return own;
}

/** A peer's state as { word, icon }: its verdict, or what its circuit does to a peer that is alive. */
export function state(peer) {
  if (peer.verdict === "alive" && peer.circuit === "open") return { word: peer.overridden ? "cut off" : "shut out", icon: "refusing" };
  if (peer.verdict === "alive" && peer.circuit === "half_open") return { word: "on trial", icon: "suspect" };
  return { word: peer.verdict, icon: VERDICTS[peer.verdict] ? VERDICTS[peer.verdict].icon : "unknown" };
}

/** What the state does to requests. */
export function effect(peer) {
  if (peer.overridden) {
    return peer.circuit === "open" ? "By an operator's order new requests to it fail at once, whatever its probes say."
      : "By an operator's order requests to it flow, whatever its probes say.";
  }
  if (peer.circuit === "half_open") return "One request at a time is let through as a trial.";
  if (peer.circuit === "open" && !["dead", "refusing"].includes(peer.verdict)) return "New requests to it fail at once.";
  return VERDICTS[peer.verdict] ? VERDICTS[peer.verdict].does : "";
}

function deathEvidence(event) {
  const e = event.evidence;
  if (!e) return "the evidence is no longer known";
  const parts = ["nothing heard from its host for " + millis(e.silence_ms)];
  if (e.confirm_connects) parts.push(plural(e.confirm_connects, "fresh connect") + " without an answer");
  if (e.pings_outstanding) parts.push(plural(e.pings_outstanding, "PING") + " unanswered");
  if (e.unacked) parts.push(plural(e.unacked, "segment") + " unacknowledged");
  if (e.error) parts.push(String(e.error));
  return parts.join(", ");
}

/** Of a transition: what the verdict rests on. */
export function verdictEvidence(event) {
  const e = event.evidence;
  if (event.to === "dead") return deathEvidence(event);
  if (!e) return "";
  if (event.to === "stalled") {
    return "its kernel answers, its process has said nothing for " + millis(e.process_silence_ms ?? e.silence_ms);
  }
  if (event.to === "suspect") return "nothing heard for " + millis(e.silence_ms);
  if (event.to === "refusing") return "its host answers connects with a refusal" + (e.error ? " (" + e.error + ")" : "");
  if (event.to === "alive") return "it answers" + (e.rtt_us ? ", RTT " + micros(e.rtt_us) : "");
  return "";
}

function transitionWords(event) {
  const parts = [];
  const evidence = event.from === event.to ? "" : verdictEvidence(event);
  if (evidence) parts.push(evidence);
  if (event.circuit !== event.circuit_from) {
    let circuit = "circuit " + (CIRCUITS[event.circuit] || event.circuit);
    if (event.reason === "request_failures" && event.evidence && event.evidence.consecutive_failures) {
      circuit += ": " + plural(event.evidence.consecutive_failures, "request") + " failed in a row";
    } else if (["operator", "flapping", "request_failures"].includes(event.reason)) {
      circuit += ": " + REASONS[event.reason];
    }
    parts.push(circuit);
  } else if (event.reason === "operator") {
    parts.push(REASONS.operator);
  }
  if (event.folded) parts.push("stands for " + plural(event.folded, "earlier change"));
  return parts.join("; ");
}

const FACTORS = { rtt: "its round trips became slow", loss: "its answers are late or lost",
  unanswered: "it owes answers for longer and longer", failures: "more and more of its requests fail" };

function probeMeans(rungs) {
  const how = { ping: "HTTP/2 PINGs", icmp: "ICMP echoes", connect: "TCP connects", request: "requests" };
  const pace = rungs.mode === "slow_ping" ? " (slow PINGs)" : "";
  return "host by " + (how[rungs.host] || rungs.host) + ", process by " + (how[rungs.process] || rungs.process) + pace;
}

const WITHHELD = {
  first_second: "it is known for less than a second", prober_stalled: "the prober of this host does not run",
  operator: "an operator keeps its circuit closed", local_health: "this host itself may be the one in trouble",
  nobody_else: "nobody else vouches for this host", max_peers: "as many peers as may be are refused already",
  heard_since: "it was heard since", host_lives: "its host lives",
};

/** What becomes of this host's connects to the peer's own address (transparent mode). */
export const TRANSPARENT = {
  direct: "connections go past peerpulse",
  redirected: "connections come here",
  refused: "connections are refused",
};

/** Why the guard does nothing. */
export const guardReason = (reason) => WITHHELD[reason] || reason;

function guardWords(event) {
  if (event.to === "refused") {
    const sockets = event.sockets ? plural(event.sockets.destroyed, "socket") + " to it destroyed"
      + (event.sockets.failed ? ", " + event.sockets.failed + " could not be" : "") : "its sockets destroyed";
    return sockets + ", new connects from this host refused";
  }
  if (event.to === "withheld") return "nothing is done to its sockets: " + (event.reason ? guardReason(event.reason) : "withheld");
  return "connects from this host are let through again";
}

const TROUBLES = {
  refused: "it refuses connections", silence: "it does not answer", closed: "it ends connections", unreachable: "there is no way to it",
  no_http2: "what answers there is no peerpulse", none: "it was not asked yet", tls_identity: "it does not accept this node's certificate",
  tls_certificate: "its certificate is not accepted here", tls_plain_text: "it speaks no TLS", tls_alert: "it ended TLS",
  tls_protocol: "TLS with it fails",
};

/** What is not as it should be about the link to the peerpulse beside a peer; empty: nothing. */
export function linkRemark(link) {
  if (!link || link.state === "up") return "";
  const why = TROUBLES[link.why] || link.why;
  return link.state === "fallback" ? "NOT by its link, in its place directly: " + why : "link down: " + why;
}

function linkEvent(event) {
  const up = event.event === "link_up";
  const text = up ? "traffic goes by the link to the peerpulse beside it"
    : (TROUBLES[event.why] || event.why) + "; " + event.details;
  return { from: "link " + event.from, to: event.to, icon: up ? "alive" : "suspect", tone: up ? "ok" : "warn", text };
}

/** An event as { from, to, tone, text }: `from` and `to` are short words, `text` the evidence. */
export function describe(event) {
  switch (event.event) {
    case "transition":
      return { from: event.from === event.to ? CIRCUITS[event.circuit_from] || event.circuit_from : event.from,
        to: event.from === event.to ? CIRCUITS[event.circuit] || event.circuit : event.to,
        icon: VERDICTS[event.to] ? VERDICTS[event.to].icon : "unknown",
        tone: event.circuit === "open" ? "bad" : VERDICTS[event.to] ? VERDICTS[event.to].tone : "warn",
        text: transitionWords(event) };
    case "degrading":
      return { from: "score " + event.score_from, to: String(event.score), icon: "suspect", tone: "warn",
        text: "getting worse over " + millis(event.over_ms) + ": " + (FACTORS[event.factor] || event.factor) };
    case "probe":
      return { from: event.probe_from.mode, to: event.probe.mode, icon: "unknown", tone: "plain",
        text: "probed in another way: " + probeMeans(event.probe) };
    case "guard":
      return { from: "guard " + event.from, to: event.to, icon: event.to === "withheld" ? "suspect" : "unknown",
        tone: event.to === "withheld" ? "warn" : "plain", text: guardWords(event) };
    case "link_up":
    case "link_lost":
      return linkEvent(event);
    case "local_health": {
      const state = HOST[event.local_health] || { tone: "warn", icon: "suspect", says: "" };
      return { from: event.local_health_from, to: event.local_health, icon: state.icon, tone: state.tone, text: state.says };
    }
    default:
      return { from: "", to: event.event, icon: "unknown", tone: "plain", text: "" };
  }
}

/** The event streams that /events names. */
export const EVENT_KINDS = ["transition", "degrading", "probe", "guard", "link_up", "link_lost", "local_health"];

/** What an override would do, for who is about to order it. */
export function orderEffect(state, name, ttl) {
  const until = ttl ? "for " + ttl : "until the next order";
  if (state === "open") {
    return "New requests from this node to " + name + " fail at once " + until + ", even while it is well. Requests in flight go on.";
  }
  if (state === "closed") {
    return "Requests from this node to " + name + " flow " + until + ", whatever probes say. If its host is dead, they wait for "
      + "their own timeouts.";
  }
  return "The override of " + name + " ends: probes and requests decide again, at once.";
}
