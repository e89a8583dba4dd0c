// Keeps a model up to date: asks /peers and /cluster about every second, follows /events, and knows how old it all is.
//
// A hidden page follows nothing and asks rarely, so that many open ones cost little (a browser has six connections to one
// server, peerpulse sixteen subscribers).

import { EVENT_KINDS } from "./words.js";

const EVERY_MS = 1000;
const HIDDEN_MS = 10000;
const PATIENCE_MS = 4000;
const STALE_MS = 3000;
const SOON_MS = 250;  // after an event, which said the most already
const RETRY_MS = [1000, 10000];  // of the event stream: at first, and in the end
const SHARE = 20;  // answers that take long are asked for less often: at most this part of the time

export class Feed {
  /** `changed` is called after each change, with the event if it was one. */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.lastGood = -Infinity;
    this.trouble = "";
    this.following = false;
    this.stream = null;
    this.retryMs = RETRY_MS[0];
    this.triedAt = -Infinity;
    this.version = null;
    this.timer = 0;
    this.asking = false;
    this.again = false;
    this.dueAt = -Infinity; // when the next answer is to be asked for, at the latest
  }

  start() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.unfollow();
      else this.ask();
    });
    this.follow();
    this.ask();
  }

  /** "connecting", "live", "polling" (no event stream), "stale" or "gone" (no answer any more). */
  get state() {
    if (this.lastGood === -Infinity) return this.trouble ? "gone" : "connecting";
    const old = performance.now() > this.dueAt + STALE_MS;  // slow answers are asked for less often
    if (old) return this.trouble ? "gone" : "stale";
    return this.following ? "live" : "polling";
  }

  get ageMs() {
    return performance.now() - this.lastGood;
  }

  async ask() {
    if (this.asking) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.asking = true;
    const began = performance.now();
    try {
      const [peers, cluster] = await Promise.all([read("/peers"), read("/cluster")]);
      const news = peers.version !== this.version;
      this.version = peers.version;
      this.lastGood = performance.now();
      this.trouble = "";
      this.model.read(peers, cluster, this.lastGood);
      if (news && !this.following) await this.readHistory();
      if (!this.following && !document.hidden && this.lastGood - this.triedAt > this.retryMs) this.follow();
    } catch (failure) {
      this.trouble = explain(failure);
    }
    this.asking = false;
    this.changed();
    const took = performance.now() - began;
    const busy = this.trouble ? 0 : took * SHARE;
    const pause = document.hidden ? HIDDEN_MS : Math.min(Math.max(EVERY_MS - took, busy, 0), HIDDEN_MS);
    if (!this.trouble) this.dueAt = performance.now() + pause;
    this.timer = setTimeout(() => this.ask(), this.again ? SOON_MS : pause);
    this.again = false;
  }

  async readHistory() {
    const askedAt = performance.now();
    this.model.readHistory((await read("/events?history=1")).events, askedAt);
  }

  unfollow() {
    if (this.stream) this.stream.close();
    this.stream = null;
    this.following = false;
  }

  /** Anew. A browser would try again by itself, but not after a refusal (there may be too many), and not when it is known that
   *  peerpulse is back. */
  follow() {
    this.unfollow();
    this.triedAt = performance.now();
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS[1]);
    const stream = this.stream = new EventSource("/events");
    for (const kind of EVENT_KINDS) {
      stream.addEventListener(kind, (message) => {
        const event = JSON.parse(message.data);
        this.changed(this.model.happened(event) ? event : null);
        this.ask();
      });
    }
    stream.addEventListener("open", () => {
      this.following = true;
      this.retryMs = RETRY_MS[0];
      // What happened before, or while nobody followed.
      this.readHistory().then(() => this.changed(), () => {});
    });
    stream.addEventListener("error", () => {
      this.following = false;
      this.changed();
    });
  }
}

export async function read(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error("it answers " + path + " with status " + answer.status);
  return answer.json();
}

/** Why read() has failed, in words. */
export function explain(failure) {
  if (failure.name === "TimeoutError") return "It does not answer within " + PATIENCE_MS / 1000 + " s.";
  if (failure instanceof TypeError) return "It cannot be reached: the process has ended, or the way to it is broken.";
  return failure.message + ".";
}
