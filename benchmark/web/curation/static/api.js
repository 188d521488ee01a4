// Requests to the server that served this page, and what the page says of them.

import { complain } from "/static/frame/page.js";

const PROOF = document.querySelector('meta[name="proof"]').content;
const PATIENCE_MS = 20_000;

/** Thrown where the server refuses, or does not answer; its message is for the reviewer. */
export class Refused extends Error {}

/** Return what the server answers to a GET, or with `body` (also null) to a POST; {} where it has nothing to say. */
export async function ask(address, body) {
  const posts = body !== undefined;
  let answer;
  try {
    answer = await fetch(address, {
      method: posts ? "POST" : "GET",
      headers: posts ? { "content-type": "application/json", "x-proof": PROOF } : {},
      body: posts ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Refused("The server does not answer. What you entered stays on this page; try again.");
  }
  if (answer.status === 204) return {};
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(said.error ?? `The server refuses (${answer.status}).`);
  return said;
}

/** Return why the browser shows nothing of a clip. */
export async function whyNotShown(clip) {
  const neither = "This browser plays neither the file nor a preview of it; the server's terminal says more.";
  try {
    return (await ask(`/api/clips/${encodeURIComponent(clip)}/footage`)).missing || neither;
  } catch (error) {
    return error.message;
  }
}

/** Return what an action returns; null where it was refused, which the page then tells. */
export async function attempt(action) {
  try {
    const found = await action();
    complain(null);
    return found;
  } catch (error) {
    complain(error.message);
    if (!(error instanceof Refused)) throw error; // a fault of the page itself
    return null;
  }
}
