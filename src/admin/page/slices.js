// What may come a moment later than the rest, done in slices between frames: with hundreds of peers no turn of the page is long
// enough to be felt.

const SLICE_MS = 6;

export class Slices {
  /** `work(item)` is called once for each item that is added, in their order. */
  constructor(work) {
    this.work = work;
    this.items = new Set();
    this.asked = false;
  }

  add(item) {
    this.items.add(item);
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => this.slice());
  }

  slice() {
    this.asked = false;
    const end = performance.now() + SLICE_MS;
    for (const item of this.items) {
      if (performance.now() >= end) break;
      this.items.delete(item);
      this.work(item);
    }
    if (this.items.size === 0) return;
    this.asked = true;
    requestAnimationFrame(() => this.slice());
  }
}
