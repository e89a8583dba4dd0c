// What the page knows: the last answers, a bounded history of readings for each peer, and the events. No document, no network.

import { tone } from "./words.js";

const READINGS = 120;
const RATE_SPAN_MS = 5000;
const EVENTS = 1024;
const EVENT_WINS_MS = 1000;
const TOLD = ["verdict", "circuit", "reason", "overridden", "since"];  // by an event, too
const COUNTERS = ["requests_total", "failures_total", "fast_failures_total", "timeouts_total"];

const RANKS = { dead: 0, refusing: 1, stalled: 2, suspect: 4, unknown: 5, alive: 9 };
const names = new Intl.Collator("en", { numeric: true });

/** Which of two words about the same thing is the later one. Events and answers come by different ways, and may overtake each
 *  other; both bear the time of peerpulse's clock. */
class Latest {
  constructor() {
    this.at = "";
    this.eventAt = -Infinity;
  }

  /** Whether an event still says something. */
  event(at, now) {
    if (at < this.at) return false;
    this.at = at;
    this.eventAt = now;
    return true;
  }

  /** Whether an answer does. One that is older than an event does not, but not for long: that clock may have been set back. */
  answer(at, now) {
    if (at < this.at && now - this.eventAt < EVENT_WINS_MS) return false;
    this.at = at;
    return true;
  }
}

/** The gravest first, then by name. */
function rank(peer) {
  const own = RANKS[peer.verdict] ?? 5;
  if (own < 3) return own;
  if (peer.circuit === "open") return 3;
  if (peer.circuit === "half_open") return Math.min(own, 6);
  if (peer.overridden) return Math.min(own, 7);
  return peer.score < 0.6 ? Math.min(own, 8) : own;
}

class Peer {
  constructor() {
    this.data = null;
    this.rtt = new Float32Array(READINGS).fill(NaN);
    this.samples = [];  // of the counters, within RATE_SPAN_MS
    this.rates = {};
    this.latest = new Latest();
  }

  tell(event, now) {
    if (!this.latest.event(event.at, now)) return;
    Object.assign(this.data, { verdict: event.to, circuit: event.circuit, reason: event.reason, overridden: event.overridden,
      since: event.at });
  }

  read(data, at, now) {
    if (!this.latest.answer(at, now)) for (const name of TOLD) data[name] = this.data[name];
    this.data = data;
    this.rtt.copyWithin(0, 1);
    this.rtt[READINGS - 1] = data.verdict === "alive" && data.rtt_us.last > 0 ? data.rtt_us.last : NaN;
    const sample = { now, values: COUNTERS.map((name) => data[name]) };
    const before = this.samples[this.samples.length - 1];
    // Less than before: another process.
    if (before && sample.values.some((value, i) => value < before.values[i])) this.samples = [];
    this.samples.push(sample);
    while (this.samples.length > 2 && this.samples[1].now <= now - RATE_SPAN_MS) this.samples.shift();
    const first = this.samples[0];
    const seconds = (now - first.now) / 1000;
    COUNTERS.forEach((name, i) => {
      this.rates[name] = seconds > 0 ? (sample.values[i] - first.values[i]) / seconds : 0;
    });
  }
}

export class Model {
  constructor() {
    this.node = "";
    this.localHealth = "";
    this.latestLocal = new Latest();
    this.cluster = null;
    this.peers = new Map();
    this.readAt = [];  // when the readings were made, by this page's clock
    this.events = [];  // newest first
    this.heardAt = new WeakMap();  // of those that came by themselves
    this.skewMs = 0;   // peerpulse's wall clock minus this browser's
  }

  /** The answers of /peers and /cluster, got at `now` (performance.now()). */
  read(peers, cluster, now) {
    this.node = peers.node;
    if (this.latestLocal.answer(peers.at, now)) this.localHealth = peers.local_health;
    this.cluster = cluster;
    this.skewMs = Date.parse(peers.at) - Date.now();
    const known = new Set();
    for (const data of peers.peers) {
      known.add(data.name);
      let peer = this.peers.get(data.name);
      if (!peer) this.peers.set(data.name, peer = new Peer());
      peer.read(data, peers.at, now);
    }
    for (const name of this.peers.keys()) if (!known.has(name)) this.peers.delete(name);
    this.readAt.push(now);
    if (this.readAt.length > READINGS) this.readAt.shift();
  }

  /** Milliseconds from the oldest reading to the newest. */
  get span() {
    return this.readAt.length < 2 ? 0 : this.readAt[this.readAt.length - 1] - this.readAt[0];
  }

  /** Now, by peerpulse's clock. */
  now() {
    return Date.now() + this.skewMs;
  }

  list() {
    return [...this.peers.values()].map((peer) => peer.data);
  }

  /** As shown: in trouble first. */
  sorted() {
    return [...this.peers.values()].sort((a, b) => rank(a.data) - rank(b.data) || names.compare(a.data.name, b.data.name));
  }

  inTrouble() {
    return this.sorted().filter((peer) => tone(peer.data) !== "ok");
  }

  /** An event as it happens; what it says of a peer is so before the next answer says it. False: the history had it already. */
  happened(event) {
    const fresh = this.remember(event, performance.now());
    const peer = this.peers.get(event.peer);
    if (event.event === "transition" && peer) {
      peer.tell(event, performance.now());
    } else if (event.event === "local_health" && this.latestLocal.event(event.at, performance.now())) {
      this.localHealth = event.local_health;
    }
    return fresh;
  }

  remember(event, heardAt = -Infinity) {
    // The same number at another time is another process' event: each counts from 1.
    if (this.events.some((other) => other.sequence === event.sequence && other.at === event.at)) return false;
    const at = this.events.findIndex((other) => other.sequence <= event.sequence);
    this.events.splice(at < 0 ? this.events.length : at, 0, event);
    this.heardAt.set(event, heardAt);
    if (this.events.length > EVENTS) this.events.length = EVENTS;
    return true;
  }

  /** All that peerpulse remembers, oldest first, asked for at `askedAt` (performance.now()): of a process that was started
   *  meanwhile it is all there is. What has come by itself since then may be later than all of it, and stays. */
  readHistory(events, askedAt) {
    const overtook = (event) => (this.heardAt.get(event) ?? -Infinity) >= askedAt;
    const newest = this.events.find((event) => !overtook(event));
    const last = events[events.length - 1];
    const same = newest && events.find((event) => event.sequence === newest.sequence);
    // Of another process the later ones have lower numbers, or the same.
    const restarted = newest && (same ? same.at !== newest.at : !last || (last.at > newest.at && last.sequence < newest.sequence));
    if (restarted) this.events = this.events.filter(overtook);
    if (this.events.length === 0) this.events = events.slice(-EVENTS).reverse();
    else for (const event of events) this.remember(event);
  }

  lastChange(name) {
    return this.events.find((event) => event.peer === name && event.event === "transition");
  }
}
