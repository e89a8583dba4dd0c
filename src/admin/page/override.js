// The operator's order: says what it would do, asks once more, and then sends it.

import { byId, setText } from "./dom.js";
import { explain, read } from "./feed.js";
import { age } from "./format.js";
import { orderEffect, why } from "./words.js";

const MOST_BYTES = 256;  // of a reason

const PATIENCE_MS = 5000;
// The prober takes an order up within its turn; a process that was stopped has more to do first.
const LOOK_MS = 1500;

/** What peerpulse said against it. Any other failure says nothing of whether it was done. */
class Refusal extends Error {}

async function send(name, order, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  const answer = await fetch("/peers/" + encodeURIComponent(name) + "/circuit",
    { method: "POST", headers, body: JSON.stringify(order), signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.ok) return;
  const refusal = new Refusal((await answer.json().catch(() => ({}))).message || "status " + answer.status);
  refusal.status = answer.status;
  throw refusal;
}

export class OverrideForm {
  constructor(model, feed) {
    this.model = model;
    this.feed = feed;
    this.form = byId("override");
    this.dialog = byId("confirm");
    this.name = "";
    this.form.addEventListener("input", () => this.explain());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.review();
    });
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "do") this.carryOut();
    });
  }

  reset(name) {
    this.name = name;
    this.form.reset();
    this.complain("");
    this.explain();
  }

  get order() {
    const { state, why: reason, ttl } = this.form.elements;
    const order = { state: state.value, why: reason.value.trim() };
    if (state.value !== "auto" && ttl.value) order.ttl = ttl.value;
    return order;
  }

  get ttlWords() {
    const ttl = this.form.elements.ttl;
    return ttl.value ? ttl.selectedOptions[0].text : "";
  }

  update(data) {
    if (!data.overridden) {
      setText(byId("override-now"), "None is in force.");
      return;
    }
    const order = data.override || {};
    const said = [order.why && "“" + order.why + "”", order.by && "by " + order.by,
      order.ttl_left_ms && "for another " + age(order.ttl_left_ms)].filter(Boolean).join(", ");
    setText(byId("override-now"), "In force: " + why(data) + (said ? " (" + said + ")" : "") + ".");
  }

  explain() {
    const { state } = this.form.elements;
    byId("ttl-field").hidden = state.value === "auto";
    setText(byId("override-effect"), state.value ? orderEffect(state.value, this.name, this.ttlWords) : "");
  }

  complain(text) {
    setText(byId("override-error"), text);
  }

  review() {
    const order = this.order;
    const reason = this.form.elements.why;
    if (!order.why || new TextEncoder().encode(order.why).length > MOST_BYTES) {
      this.complain(order.why ? "The reason is too long: " + MOST_BYTES + " bytes at most." : "A reason is needed: who comes next "
        + "reads it in the log.");
      reason.focus();
      return;
    }
    this.complain("");
    const title = { open: "Cut " + this.name + " off?", closed: "Send requests to " + this.name + " whatever probes say?",
      auto: "End the override of " + this.name + "?" };
    setText(byId("confirm-title"), title[order.state]);
    setText(byId("confirm-text"), orderEffect(order.state, this.name, this.ttlWords) + " Reason: “" + order.why + "”.");
    const warning = this.warning(order.state);
    byId("confirm-warning").hidden = !warning;
    setText(byId("confirm-warning"), warning);
    setText(this.dialog.querySelector(".do"), { open: "Cut it off", closed: "Let requests through", auto: "End it" }[order.state]);
    this.dialog.returnValue = "cancel";
    this.dialog.showModal();
  }

  /** What is at stake beyond this peer. */
  warning(state) {
    const peer = this.model.peers.get(this.name);
    const cluster = this.model.cluster;
    if (!peer || !cluster) return "";
    const offline = cluster.offline.includes(this.name);
    if (state === "open" && !offline && cluster.online - 1 < cluster.quorum) {
      return "This breaks the quorum as this node sees it: " + (cluster.online - 1) + " of " + cluster.size + " would be left, "
        + cluster.quorum + " are needed.";
    }
    if (state === "closed" && peer.data.verdict === "dead") return "Its host is dead now: requests to it will hang.";
    return "";
  }

  /** No answer came: the order may have been carried out all the same, a moment after its answer was due. `before`: when the
   *  override was given that was in force until then. */
  async lookWhetherDone(name, order, before) {
    const say = (text) => {
      if (name === this.name) this.complain(text);
    };
    const isDone = ({ override }) => (order.state === "auto" ? !override
      : override && override.state === order.state && override.why === order.why && override.since !== before);
    say("peerpulse has not answered: it is not known whether this was done. Looking …");
    const until = performance.now() + LOOK_MS;
    let done = false;
    try {
      while (!(done = isDone(await read("/peers/" + encodeURIComponent(name)))) && performance.now() < until) {
        await new Promise((wake) => setTimeout(wake, LOOK_MS / 10));
      }
    } catch (failure) {
      say("It is not known whether this was done. " + explain(failure) + " Once peerpulse answers again, the line above the form says "
        + "what is in force.");
      return;
    }
    this.feed.ask();
    if (done && name === this.name) this.reset(name);
    say(done ? "peerpulse has not answered, but this is in force." : "peerpulse has not answered, and this is not in force. Try again.");
  }

  async carryOut() {
    const { name } = this;
    const { order } = this;
    const before = this.model.peers.get(name)?.data.override?.since;
    const button = this.form.querySelector("button");
    button.disabled = true;
    try {
      await send(name, order, this.form.elements.token.value);
      if (name === this.name) this.reset(name);
      this.feed.ask();
    } catch (failure) {
      if (failure.status === 401 || failure.status === 403) byId("token-field").hidden = false;
      if (failure instanceof Refusal) this.complain("Not done: " + failure.message);
      else await this.lookWhetherDone(name, order, before);
    } finally {
      button.disabled = false;
      button.focus();
    }
  }
}
