// One peer's page: what it is, why, since when, what that does, and all its numbers.

import { byId, Definitions, setAttribute, setIcon, setText } from "./dom.js";
import { line, range } from "./chart.js";
import { age, clock, count, micros, millis, rate } from "./format.js";
import { History } from "./history.js";
import { OverrideForm } from "./override.js";
import { remarks } from "./overview.js";
import { CIRCUITS, TRANSPARENT, effect, guardReason, linkRemark, state, tone, verdictEvidence, why } from "./words.js";

/** Every value of a nested answer by its path: ["probe.kinds.ping.sent", 12]. */
function flatten(value, path, rows) {
  if (value !== null && typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) flatten(inner, path ? path + "." + key : key, rows);
  } else {
    rows.push([path, value === null ? "–" : value === "" ? "(empty)" : String(value)]);
  }
  return rows;
}

/** Where clients of this host reach the peer. */
function clientsUse(data) {
  const ways = data.listen ? [data.listen] : [];
  if (data.transparent.way !== "off") ways.push("its own address: " + TRANSPARENT[data.transparent.way]);
  return ways.join(", ") || "–";
}

function pathRows(data) {
  const alive = data.verdict === "alive";
  const lost = data.probe.lost + (data.probe.sent ? " of " + count(data.probe.sent) : "");
  return [
    ["Address", data.address], ...dnsRows(data), ["Zone", data.zone || "–"], ["Local clients use", clientsUse(data)],
    ["Score", data.score.toFixed(2)], ["Circuit", CIRCUITS[data.circuit] || data.circuit],
    ["RTT last / p50 / p99", alive ? [data.rtt_us.last, data.rtt_us.p50, data.rtt_us.p99].map(micros).join(" / ") : "–"],
    ["Host last heard", data.last_heard_ms === null ? "never" : millis(data.last_heard_ms) + " ago"],
    ["Process last heard", data.process_silent_ms === null ? "never" : millis(data.process_silent_ms) + " ago"],
    ["Probed by", data.probe.mode.replace("_", " ") + ": host by " + data.probe.host + ", process by " + data.probe.process],
    ["Probes lost", lost],
    ...(data.link ? [["Link", data.link.address + " (" + data.link.mode + "): " + (linkRemark(data.link) || "up")]] : []),
    ["Guard", data.guard.state + (data.guard.reason ? ": " + guardReason(data.guard.reason) : "")],
  ];
}

/** Of a name where it leads, and what DNS had against it last. */
function dnsRows(data) {
  if (!data.dns) return [];
  const rows = [["Leads to", data.addresses.join(", ") || "nowhere yet"]];
  if (data.dns.error) rows.push(["DNS", data.dns.error.details + (data.dns.state === "stale" ? "; the last addresses stay in use" : "")]);
  return rows;
}

function timingRows(data) {
  return Object.entries(data.timing).map(([name, timing]) => ["Latency p50 / p99, " + name,
    millis(timing.p50_ms) + " / " + millis(timing.p99_ms)]);
}

function lastErrorRows(last) {
  if (!last) return [];
  const at = clock(new Date(last.at), new Date(), true);
  return [["Last error", at + " " + [last.error, last.party && "(" + last.party + ")", last.details].filter(Boolean).join(" ")]];
}

function trafficRows(peer) {
  const data = peer.data;
  const grown = (name) => count(data[name]) + (peer.rates[name] > 0 ? ", +" + rate(peer.rates[name]) : "");
  return [
    ["Requests", grown("requests_total")], ["In flight", count(data.in_flight)], ["Held", count(data.held)],
    ["Failed by the peer", grown("failures_total")], ["Failed fast by its circuit", grown("fast_failures_total")],
    ["Timed out", grown("timeouts_total")],
    ...lastErrorRows(data.last_error),
    ["Connections active / idle / opening",
      [data.connections.active, data.connections.idle, data.connections.connecting].map(count).join(" / ")],
    ["Connections evicted", count(data.evictions_total)],
    ["When it is dead, clients are", data.on_dead === "refuse" ? "refused (connection)" : "answered (503)"],
    ...timingRows(data),
  ];
}

export class PeerPage {
  constructor(model, feed) {
    this.model = model;
    this.name = "";
    this.path = new Definitions(byId("peer-path"));
    this.traffic = new Definitions(byId("peer-traffic"));
    this.everything = new Definitions(byId("everything").querySelector("dl"));
    this.history = new History(byId("peer-history"), false);
    this.override = new OverrideForm(model, feed);
    byId("everything").addEventListener("toggle", () => this.update());
  }

  show(name) {
    if (name === this.name) return;
    this.name = name;
    this.history.reset();
    this.override.reset(name);
    for (const list of [this.path, this.traffic, this.everything]) list.clear();
  }

  update() {
    const peer = this.model.peers.get(this.name);
    byId("peer-body").hidden = !peer;
    byId("peer-missing").hidden = Boolean(peer) || !this.model.cluster;
    if (!peer) return setText(byId("peer-missing"), "There is no peer called " + this.name + ".");
    this.updateState(peer.data);
    this.updateChart(peer);
    this.path.update(pathRows(peer.data));
    this.traffic.update(trafficRows(peer));
    this.override.update(peer.data);
    this.history.update(this.model.events.filter((event) => event.peer === this.name), new Date(this.model.now()));
    if (byId("everything").open) this.everything.update(flatten(peer.data, "", []));
  }

  updateState(data) {
    const fact = byId("peer-state");
    setAttribute(fact, "data-tone", tone(data));
    setText(byId("peer-name"), data.name);
    const shown = state(data);
    setIcon(fact, shown.icon);
    setText(fact.querySelector(".big span"), shown.word.toUpperCase()
      + (data.circuit !== "closed" ? ", CIRCUIT " + (CIRCUITS[data.circuit] || data.circuit).toUpperCase() : ""));
    const last = this.model.lastChange(this.name);
    const evidence = last && last.to === data.verdict && last.from !== last.to ? verdictEvidence(last) : "";
    // The evidence says the same as why, with numbers; of the dead, more.
    const plain = !data.overridden && (data.circuit === "closed" || ["stalled", "refusing"].includes(data.verdict));
    const said = [evidence && plain ? "" : why(data), evidence, ...remarks(data)].filter(Boolean);
    const at = new Date(data.since);
    setText(fact.querySelector(".small"), "For " + age(this.model.now() - at.getTime()) + ", since "
      + clock(at, new Date(this.model.now()), true) + ": " + said.join("; ") + ".");
    setText(fact.querySelector(".effect"), effect(data));
  }

  updateChart(peer) {
    const chart = byId("peer-body").querySelector(".chart");
    setAttribute(chart.querySelector("path"), "d", line(peer.rtt, 120, 40));
    const seen = range(peer.rtt);
    setText(chart.querySelector("figcaption"), seen
      ? "RTT of the last " + age(this.model.span) + ": " + micros(seen.least) + " to " + micros(seen.most) : "No RTT of late.");
  }

  tick() {
    const peer = this.model.peers.get(this.name);
    if (peer) this.updateState(peer.data);
  }
}
