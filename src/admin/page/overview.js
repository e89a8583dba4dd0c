// The cluster at a glance: this host, the quorum, the peers, and a row for each.

import { byId, icon, make, order, peerPath, setAttribute, setIcon, setText } from "./dom.js";
import { line } from "./chart.js";
import { age, clock, count, micros, plural, rate } from "./format.js";
import { History } from "./history.js";
import { Slices } from "./slices.js";
import { CIRCUITS, HOST, TRANSPARENT, guardReason, hostState, linkRemark, state, tone, why } from "./words.js";

/** What is wrong beside the verdict, as short words. */
export function remarks(peer) {
  const words = [];
  if (peer.guard.state === "refused") words.push("guard: connects from this host are refused");
  if (peer.transparent.way === "direct") words.push("its own address: " + TRANSPARENT.direct);
  if (peer.guard.state === "withheld") words.push("guard does nothing: " + guardReason(peer.guard.reason));
  if (peer.role === "store") words.push("this node's own store");
  if (linkRemark(peer.link)) words.push(linkRemark(peer.link));
  for (const name of ["control", "bulk"]) {
    if (peer.governor[name] && peer.governor[name].limiting > 0) words.push("slow: " + name + " requests are limited");
  }
  if (peer.held > 0) words.push(plural(peer.held, "request") + " held");
  if (peer.score < 0.6 && peer.verdict === "alive") words.push("score is low");
  return words;
}

/** A total, and how fast it grows while it does. */
function grown(total, perSecond) {
  return perSecond > 0 ? count(total) + " +" + rate(perSecond) : count(total);
}

class Row {
  constructor(name) {
    this.link = make("a", "", name);
    this.link.href = peerPath(name);
    this.address = make("span", "muted address");
    this.icon = icon("unknown");
    this.verdict = make("b", "verdict");
    this.flag = icon("operator");
    this.override = make("span", "flag", this.flag, " override");
    this.why = make("span", "why");
    this.remark = make("span", "muted remark");
    this.since = make("time");
    this.spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    this.spark.append(this.path);
    for (const [key, value] of [["class", "spark"], ["viewBox", "0 0 120 22"], ["preserveAspectRatio", "none"],
      ["aria-hidden", "true"]]) this.spark.setAttribute(key, value);
    const cell = (className, label, ...children) => {
      const td = make("td", className, ...children);
      if (label) td.dataset.label = label;
      return td;
    };
    this.circuit = cell("circuit", "circuit");
    this.score = cell("n score", "score");
    this.rtt = cell("n rtt", "RTT");
    this.requests = cell("n requests", "requests");
    this.failed = cell("n failed", "failed");
    this.fast = cell("n fast", "fast");
    this.timeouts = cell("n timeouts", "timeouts");
    const head = make("th", "name", this.link, this.address);
    head.scope = "row";
    this.element = make("tr", "", cell("state", "", this.icon, this.verdict), head,
      cell("reason", "", this.override, this.why, this.remark), cell("since", "", this.since), this.circuit, this.score, this.rtt,
      cell("history", "", this.spark), this.requests, this.failed, this.fast, this.timeouts);
    this.element.dataset.peer = name;
  }

  /** Whether an operator must see at once what is new of it; numbers may come a moment later. */
  isNews(data) {
    const key = [data.verdict, data.circuit, data.reason, data.overridden, data.since].join(" ");
    const news = key !== this.key;
    this.key = key;
    return news;
  }

  update(peer, model) {
    const data = peer.data;
    setAttribute(this.element, "data-tone", tone(data));
    setAttribute(this.element, "data-verdict", data.verdict);
    const shown = state(data);
    setIcon(this.icon, shown.icon);
    setText(this.verdict, shown.word);
    setText(this.address, data.address + (data.zone ? " · " + data.zone : ""));
    this.override.hidden = !data.overridden;
    setText(this.why, why(data));
    const remark = remarks(data).join("; ");
    this.remark.hidden = remark === "";
    setText(this.remark, remark);
    setText(this.circuit, CIRCUITS[data.circuit] || data.circuit);
    setText(this.score, data.score.toFixed(2));
    const current = data.verdict === "alive" || data.verdict === "suspect";
    setText(this.rtt, current && data.rtt_us.p50 > 0 ? micros(data.rtt_us.p50) : "–");
    setText(this.requests, rate(peer.rates.requests_total));
    setText(this.failed, grown(data.failures_total, peer.rates.failures_total));
    setText(this.fast, grown(data.fast_failures_total, peer.rates.fast_failures_total));
    setText(this.timeouts, grown(data.timeouts_total, peer.rates.timeouts_total));
    this.updateAge(data, model);
  }

  updateAge(data, model) {
    const at = new Date(data.since);
    setAttribute(this.since, "datetime", data.since);
    setAttribute(this.since, "title", data.since);
    const ago = age(model.now() - at.getTime());
    // Of those in trouble people ask "since when" first, of the others "for how long".
    setText(this.since, tone(data) === "ok" ? ago : ago + ", " + clock(at, new Date(model.now()), false));
  }

  draw(peer) {
    setAttribute(this.path, "d", line(peer.rtt, 120, 22));
  }

  matches(data, words) {
    if (words.length === 0) return true;
    const text = [data.name, data.address, data.zone, data.verdict, state(data).word, data.circuit, data.overridden ? "override" : ""].join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  }
}

function setFact(fact, state, word, small) {
  setAttribute(fact, "data-tone", state.tone);
  setIcon(fact, state.icon);
  setText(fact.querySelector(".big span"), word);
  const place = fact.querySelector(".small");
  if (typeof small === "string") setText(place, small);
  else small(place);
}

export class Overview {
  constructor(model) {
    this.model = model;
    this.rows = new Map();
    this.body = byId("peers").tBodies[0];
    this.history = new History(byId("history"), true);
    this.filter = byId("filter");
    this.trouble = byId("trouble");
    this.filter.addEventListener("input", () => this.updateRows());
    this.trouble.addEventListener("change", () => this.updateRows());
    this.named = "";
    this.later = new Slices((row) => this.updateLater(row));
  }

  update() {
    if (!this.model.cluster) return;
    this.updateHost();
    this.updateQuorum();
    this.updatePeers();
    this.updateZones();
    this.updateRows();
    this.history.update(this.model.events, new Date(this.model.now()));
  }

  updateHost() {
    const name = hostState(this.model.localHealth, this.model.list());
    const state = HOST[name] || { word: name.toUpperCase(), icon: "suspect", tone: "warn", says: "" };
    setFact(byId("fact-host"), state, state.word, state.says);
    setText(byId("fact-host-name"), "This host, " + this.model.node);
  }

  updateQuorum() {
    const { size, quorum } = this.model.cluster;
    const online = this.onlineNow();
    const spare = online - quorum;
    const numbers = online + " of " + size + " nodes online, " + quorum + " needed";
    const fact = byId("fact-quorum");
    if (spare < 0) setFact(fact, { tone: "bad", icon: "dead" }, "LOST", numbers + ": " + -spare + " too few.");
    else if (online === size) setFact(fact, { tone: "ok", icon: "alive" }, "HOLDS", numbers + "; " + spare + " may fail.");
    else setFact(fact, { tone: "warn", icon: "suspect" }, spare === 0 ? "HOLDS, NO SPARE" : "HOLDS",
      numbers + "; " + (spare === 0 ? "the next loss breaks it." : spare + " more may fail."));
  }

  /** As /cluster counts, of what the page knows already. */
  onlineNow() {
    const offline = this.model.list().filter((peer) => ["dead", "refusing"].includes(peer.verdict) || peer.circuit === "open");
    return this.model.cluster.size - offline.length;
  }

  updatePeers() {
    const trouble = this.model.inTrouble();
    const counts = new Map();
    for (const { data } of trouble) {
      const word = data.verdict === "alive" && data.circuit === "closed" ? "doubtful" : state(data).word;
      counts.set(word, (counts.get(word) || 0) + 1);
    }
    const words = [...counts].map(([word, n]) => n + " " + word.toUpperCase());
    const total = this.model.peers.size;
    const word = words.length ? words.join(", ") : total === 0 ? "NONE" : total === 1 ? "ALIVE" : "ALL " + total + " ALIVE";
    const worst = trouble.length === 0 ? "ok" : trouble.some((peer) => tone(peer.data) === "bad") ? "bad" : "warn";
    const shape = trouble.length === 0 ? "alive" : worst === "warn" ? "suspect" : state(trouble[0].data).icon;
    setFact(byId("fact-peers"), { tone: worst, icon: shape }, word,
      (place) => this.nameTrouble(place, trouble, total - trouble.length));
  }

  /** Links to those in trouble, as many as fit. */
  nameTrouble(place, trouble, well) {
    const few = trouble.slice(0, 6).map((peer) => peer.data.name);
    const end = trouble.length === 0 ? "Probes are answered, circuits are closed."
      : (trouble.length > few.length ? " and " + (trouble.length - few.length) + " more" : "") + (well > 0 ? "; the other " + well + " well." : "; none is well.");
    const key = few.join("\n") + "\n\n" + end;
    if (this.named === key) return;
    this.named = key;
    place.replaceChildren();
    few.forEach((name, i) => {
      const link = make("a", "", name);
      link.href = peerPath(name);
      place.append(i > 0 ? ", " : "", link);
    });
    place.append(end);
  }

  updateZones() {
    const zones = this.model.cluster.zones || [];
    byId("zones").hidden = zones.length < 2;
    setText(byId("zones"), "Zones: " + zones.map((zone) => (zone.zone || "without a name") + " " + zone.online + "/" + zone.size
      + (zone.offline.length === 0 ? "" : " (without " + zone.offline.slice(0, 3).join(", ")
        + (zone.offline.length > 3 ? ", ..." : "") + ")")).join(" · "));
  }

  updateRows() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [];
    let shown = 0;
    const fresh = this.model.readAt[this.model.readAt.length - 1];
    for (const peer of this.model.sorted()) {
      const name = peer.data.name;
      let row = this.rows.get(name);
      if (!row) this.rows.set(name, row = new Row(name));
      rows.push(row.element);
      const visible = (!this.trouble.checked || tone(peer.data) !== "ok") && row.matches(peer.data, words);
      row.element.hidden = !visible;
      if (!visible) continue;
      ++shown;
      if (row.isNews(peer.data)) row.update(peer, this.model);
      if (fresh !== row.drawn) this.later.add(row);
      row.drawn = fresh;
    }
    order(this.body, rows);
    for (const name of this.rows.keys()) if (!this.model.peers.has(name)) this.rows.delete(name);
    const total = this.model.peers.size;
    setText(byId("shown"), shown === total ? String(total) : shown + " of " + total + " shown");
    const none = byId("none");
    none.hidden = shown > 0 || !this.model.cluster;
    setText(none, total === 0 ? "No peers are configured." : words.length ? "No peer matches." : "No peer is in trouble.");
  }

  updateLater(row) {
    const peer = this.model.peers.get(row.element.dataset.peer);
    if (!peer) return;
    row.update(peer, this.model);
    row.draw(peer);
  }

  /** A second has passed. */
  tick() {
    for (const [name, row] of this.rows) {
      const peer = this.model.peers.get(name);
      if (peer && !row.element.hidden) row.updateAge(peer.data, this.model);
    }
  }
}
