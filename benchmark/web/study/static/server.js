// Talking with the server: what it refuses, and what may be sent again.

import { text } from "./texts.js";

const PATIENCE_MILLISECONDS = 15_000; // for one request; an answer is a few hundred bytes
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504, 507]); // nothing was kept, and later it may be

const proof = document.querySelector('meta[name="proof"]').content;

/** The server understood and said no: sending the same again is no use. */
export class Refused extends Error {
  /**
   * @param {number} status of HTTP
   * @param {{error?: string}} told what the server answered
   */
  constructor(status, told) {
    super(status === 403 || status === 401 ? text("frame.reload") : (told.error ?? `HTTP ${status}`));
    this.status = status;
    this.told = told;
  }
}

/** The server was not reached, or can keep nothing just now: the same may be sent again. */
export class Unsent extends Error {
  /**
   * @param {number} status of HTTP; 0: no answer came
   * @param {number} waitSeconds as asked by the server; 0: it named no time
   */
  constructor(status, waitSeconds) {
    super(text("frame.unreachable"));
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
  } catch {
    throw new Unsent(0, 0);
  }
  if (AGAIN.has(answer.status)) throw new Unsent(answer.status, Number(answer.headers.get("Retry-After")) || 0);
  let told;
  try {
    told = await answer.json();
  } catch {
    if (answer.ok) throw new Unsent(answer.status, 0); // cut off on its way
    told = {};
  }
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

/** Return what the server answers to a question. Throws Refused or Unsent. */
export const get = (path) => ask(path, {});

/** Send something and return the server's answer. Throws Refused or Unsent. */
export const post = (path, body) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Proof": proof },
    body: JSON.stringify(body),
  });

/** What is kept in this browser is kept under this name: one rater of one study. */
export const raterName = `study.${proof.slice(0, 16)}`;
