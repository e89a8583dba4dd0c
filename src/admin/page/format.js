// Numbers and times as people read them. Pure.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function count(n) {
  return n < 100000 ? plain.format(n) : short.format(n);
}

/** Per second. */
export function rate(n) {
  if (!(n > 0)) return "0/s";
  return (n < 10 ? n.toFixed(1) : count(Math.round(n))) + "/s";
}

export function micros(us) {
  if (us === null || us === undefined) return "–";
  if (us < 1000) return Math.round(us) + " µs";
  if (us < 1e6) return (us / 1000).toFixed(us < 10000 ? 1 : 0) + " ms";
  return (us / 1e6).toFixed(1) + " s";
}

export function millis(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return (ms < 10 && ms % 1 !== 0 ? ms.toFixed(1) : Math.round(ms)) + " ms";
  return age(ms);
}

/** How long, with as much as matters: "12 s", "4 min 10 s", "3 h 12 min", "2 d 4 h". */
export function age(ms) {
  const s = Math.floor(Math.max(ms, 0) / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min" + (s % 60 ? " " + (s % 60) + " s" : "");
  const m = Math.floor(s / 60);
  if (m < 1440) return Math.floor(m / 60) + " h" + (m % 60 ? " " + (m % 60) + " min" : "");
  const h = Math.floor(m / 60);
  return Math.floor(h / 24) + " d" + (h % 24 ? " " + (h % 24) + " h" : "");
}

const two = (n) => String(n).padStart(2, "0");

/** Of the reader's own zone; the date only of another day than `now`'s. */
export function clock(at, now, withMillis) {
  const day = at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
  const time = two(at.getHours()) + ":" + two(at.getMinutes()) + ":" + two(at.getSeconds());
  const text = withMillis ? time + "." + String(at.getMilliseconds()).padStart(3, "0") : time;
  return at.toDateString() === now.toDateString() ? text : day + " " + text;
}

export function plural(n, one, many) {
  return n + " " + (n === 1 ? one : many || one + "s");
}
