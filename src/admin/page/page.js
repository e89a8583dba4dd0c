// The page: chooses what is shown by the address, and draws when something changed.

import { Announcer } from "./announcer.js";
import { byId, setAttribute, setIcon, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { age, clock } from "./format.js";
import { Model } from "./model.js";
import { Overview } from "./overview.js";
import { PeerPage } from "./peer.js";
import { HOST, hostState, tone } from "./words.js";

const LINKS = {
  connecting: { icon: "unknown", tone: "warn", word: "connecting" },
  live: { icon: "alive", tone: "ok", word: "live" },
  polling: { icon: "alive", tone: "ok", word: "live, every second (no event stream)" },
  stale: { icon: "suspect", tone: "warn", word: "STALE" },
  gone: { icon: "dead", tone: "bad", word: "NO ANSWER" },
};

const model = new Model();
const feed = new Feed(model, (event) => {
  if (event) announce(event);
  draw();
});
const overview = new Overview(model);
const peerPage = new PeerPage(model, feed);
const announcer = new Announcer(byId("said"));

/** The name in "#/peers/<name>", or null. */
function chosenPeer() {
  const found = /^#\/peers\/(.+)$/.exec(location.hash);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

let asked = false;

function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    drawNow();
  });
}

function drawNow() {
  setText(byId("node"), model.node);
  if (byId("peer").hidden) overview.update();
  else peerPage.update();
  drawLink();
  drawTitle();
}

function drawLink() {
  const state = feed.state;
  const link = byId("link");
  setAttribute(link, "data-tone", LINKS[state].tone);
  setAttribute(link, "data-link", state);
  setIcon(link, LINKS[state].icon);
  const old = model.cluster && ["stale", "gone"].includes(state);
  setText(link.querySelector("span"), LINKS[state].word + (old ? " for " + age(feed.ageMs) : ""));
  setAttribute(document.documentElement, "data-link", state);
  const gone = byId("gone");
  gone.hidden = state !== "gone" && state !== "stale";
  if (gone.hidden) return;
  // Told once, not every second: it is an alert.
  setText(byId("gone-title"), "peerpulse does not answer.");
  const what = model.cluster ? " What is shown is old: of " + clock(new Date(Date.now() - feed.ageMs), new Date(), false) + "." : "";
  setText(byId("gone-text"), (feed.trouble || "No answer has come for some seconds.") + what + " This page goes on trying.");
}

function drawTitle() {
  const bad = model.inTrouble().filter((peer) => tone(peer.data) === "bad");
  const host = HOST[hostState(model.localHealth, model.list())];
  const parts = [];
  if (feed.state === "gone" || feed.state === "stale") parts.push("no answer");
  if (host && host.tone === "bad") parts.push("host " + host.word.toLowerCase());
  if (bad.length > 0) parts.push(bad.length === 1 ? bad[0].data.name + " " + bad[0].data.verdict : bad.length + " peers bad");
  const title = (parts.length ? parts.join(", ") + " · " : "") + (chosenPeer() || model.node || "peerpulse") + " · peerpulse";
  if (document.title !== title) document.title = title;
  setAttribute(byId("icon"), "href", parts.length ? "/page/icon-bad.svg" : "/page/icon.svg");
}

function announce(event) {
  if (event.event === "local_health") announcer.say("host", "This host is " + event.local_health.replace("_", " "));
  if (event.event !== "transition" || event.to === "suspect") return;
  const circuit = event.circuit === "closed" ? "" : ", circuit " + event.circuit.replace("_", " ");
  announcer.say(event.peer, event.peer + " is " + event.to + circuit);
}

function route(moveFocus) {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const name = chosenPeer();
  byId("overview").hidden = name !== null;
  byId("peer").hidden = name === null;
  if (name !== null) peerPage.show(name);
  drawNow();
  if (!moveFocus) return;
  window.scrollTo(0, 0);
  byId("main").focus({ preventScroll: true });
}

window.addEventListener("hashchange", () => route(true));
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
setInterval(() => {
  if (document.hidden) return;
  if (byId("peer").hidden) overview.tick();
  else peerPage.tick();
  drawLink();
  drawTitle();
}, 1000);
route(false);
feed.start();
