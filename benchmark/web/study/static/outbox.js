// What the rater did, on its way to the server: kept in this browser until the server says that it has it, and sent in
// order, by this window or by whichever opens the study next.

import { Refused, post } from "./server.js";
import { drop, keep, kept } from "./store.js";

const NAME = "outbox";

/** @typedef {{id: string, path: string, body: Object}} Letter */

/** Return a name that nothing else has: a UUID, also on plain http, where browsers offer none. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4, random
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // variant of RFC 9562
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Outbox {
  /** @param {import("./patience.js").Patience} patience with which letters are sent. */
  constructor(patience) {
    this.patience = patience;
    this.own = new Map(); // id: a letter of this window, and the two ends of the promise that `send` gave
    this.draining = null;
  }

  /** Letters on their way, oldest first; another window of the same rater sees the same. */
  get letters() {
    return kept(NAME, []);
  }

  /**
   * Keep a letter and send it after those before it.
   *
   * @param {string} path
   * @param {Object} body
   * @returns {Promise<Object>} the server's answer. Rejects with Refused; never for want of a connection.
   */
  send(path, body) {
    const letter = { id: newKey(), path, body };
    const reply = new Promise((resolve, reject) => this.own.set(letter.id, { letter, resolve, reject }));
    keep(NAME, [...this.letters, letter]);
    this.drained();
    return reply;
  }

  /** Return when nothing is on its way any more. */
  drained() {
    this.draining ??= this.#drain().finally(() => (this.draining = null));
    return this.draining;
  }

  async #drain() {
    for (let letter = this.#next(); letter; letter = this.#next()) {
      const { id, path, body } = letter;
      try {
        this.#leave(id, "resolve", await this.patience.until(() => post(path, body)));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.#leave(id, "reject", error);
      }
    }
  }

  /**
   * Return what is to be sent next: in the end also letters of this window that another one has taken out. Only the
   * server knows what became of them; it keeps what is sent twice once, and answers as before.
   */
  #next() {
    return this.letters[0] ?? this.own.values().next().value?.letter;
  }

  /** Take a letter out and give its sender the outcome, where the sender is still there. */
  #leave(id, end, outcome) {
    const rest = this.letters.filter((letter) => letter.id !== id);
    if (rest.length) keep(NAME, rest);
    else drop(NAME);
    this.own.get(id)?.[end](outcome);
    this.own.delete(id);
  }
}
