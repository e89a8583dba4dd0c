// The document, changed only where something changed. All that comes from outside is set as text.

const last = new WeakMap();

/** Sets the text of an element that has nothing else in it. */
export function setText(element, text) {
  if (last.get(element) === text) return;
  last.set(element, text);
  element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** An element with a class and children: elements, or strings that become text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** One of the symbols of index.html. What it means is said beside it. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: "#i-" + name }));
}

export function setIcon(element, name) {
  setAttribute(element.querySelector("use"), "href", "#i-" + name);
}

export const byId = (id) => document.getElementById(id);

/** Where a peer's page is. */
export const peerPath = (name) => "#/peers/" + encodeURIComponent(name);

/** Makes `parent` have these children in this order, and moves as few as it can. Who has the focus keeps it. */
export function order(parent, children) {
  const focused = document.activeElement;
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const gone = at;
    at = at.nextElementSibling;
    gone.remove();
  }
  if (focused !== document.activeElement && focused && focused.isConnected) focused.focus({ preventScroll: true });
}

/** A list of names and values, kept in place: `rows` are [name, value] pairs. */
export class Definitions {
  constructor(list) {
    this.list = list;
    this.values = new Map();
  }

  update(rows) {
    for (const [name, value] of rows) {
      let entry = this.values.get(name);
      if (!entry) {
        entry = { dd: make("dd"), fresh: true };
        entry.row = make("div", "", make("dt", "", name), entry.dd);
        this.values.set(name, entry);
        this.list.append(entry.row);
      }
      setText(entry.dd, String(value));
    }
    const wanted = new Set(rows.map((row) => row[0]));
    for (const [name, entry] of this.values) {
      if (wanted.has(name)) continue;
      entry.row.remove();
      this.values.delete(name);
    }
  }

  clear() {
    this.list.replaceChildren();
    this.values.clear();
  }
}
