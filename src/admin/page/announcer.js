// Says to who cannot see what changed: politely, and not more often than can be listened to.

import { setText } from "./dom.js";

const PAUSE_MS = 5000;
const MOST = 3;

export class Announcer {
  constructor(place) {
    this.place = place;
    this.waiting = new Map();
    this.timer = 0;
    this.last = -Infinity;
  }

  /** Only the latest about each subject is said. */
  say(subject, text) {
    this.waiting.delete(subject);
    this.waiting.set(subject, text);
    if (this.timer) return;
    this.timer = setTimeout(() => this.speak(), Math.max(300, this.last + PAUSE_MS - performance.now()));
  }

  speak() {
    this.timer = 0;
    this.last = performance.now();
    const texts = [...this.waiting.values()];
    this.waiting.clear();
    const more = texts.length - MOST;
    setText(this.place, texts.slice(0, MOST).join(". ") + (more > 0 ? ", and " + more + " more." : "."));
  }
}
