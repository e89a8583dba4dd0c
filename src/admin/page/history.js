// A list of events, newest first, each with its evidence in words. Grows at its top; bounded.

import { icon, make, order, peerPath, setText } from "./dom.js";
import { clock, plural } from "./format.js";
import { describe } from "./words.js";

const FEW = 30;
const MORE = 300;

function item(event, withPeer, now) {
  const words = describe(event);
  const time = make("time", "", clock(new Date(event.at), now, true));
  time.dateTime = event.at;
  time.title = event.at;
  const who = make("span", "who");
  if (event.event === "local_health") who.append("this host");
  else if (withPeer && event.peer) {
    const link = make("a", "", event.peer);
    link.href = peerPath(event.peer);
    who.append(link);
  }
  const change = make("span", "change", words.from ? words.from + " → " : "", make("b", "", words.to));
  const row = make("li", "", time, icon(words.icon), who, change, make("span", "text", words.text));
  row.dataset.tone = words.tone;
  row.dataset.sequence = event.sequence;
  return row;
}

export class History {
  /** `section` has a list, a button and a place for the count; `wanted(event)` chooses. */
  constructor(section, withPeer) {
    this.list = section.querySelector("ol");
    this.button = section.querySelector("button.more");
    this.count = section.querySelector(".bar .muted");
    this.withPeer = withPeer;
    this.items = new Map();  // by sequence and time: another process counts anew
    this.most = FEW;
    this.button.addEventListener("click", () => {
      this.most = MORE;
      this.update(this.events, this.now);
    });
  }

  reset() {
    this.items.clear();
    this.list.replaceChildren();
    this.most = FEW;
  }

  /** On another day the times of those that are shown already need their date. */
  date(now) {
    const day = now.toDateString();
    if (this.day === day) return;
    this.day = day;
    for (const row of this.items.values()) {
      const time = row.querySelector("time");
      time.textContent = clock(new Date(time.dateTime), now, true);
    }
  }

  update(events, now) {
    this.events = events;
    this.now = now;
    this.date(now);
    const shown = events.slice(0, this.most);
    const rows = [];
    const items = new Map();
    for (const event of shown) {
      const key = event.sequence + " " + event.at;
      const row = this.items.get(key) || item(event, this.withPeer, now);
      items.set(key, row);
      rows.push(row);
    }
    this.items = items;
    order(this.list, rows);
    setText(this.count, events.length === 0 ? "Nothing has happened since the start." : plural(events.length, "event")
      + (shown.length < events.length ? ", the last " + shown.length + " shown" : ""));
    this.button.hidden = this.most >= MORE || events.length <= this.most;
    setText(this.button, "Show up to " + Math.min(MORE, events.length));
  }
}
