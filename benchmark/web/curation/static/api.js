// Requests to the server that served this page, and what the page says of them.

const PROOF = document.querySelector('meta[name="proof"]').content;
const PATIENCE_MS = 20_000;

/** Thrown where the server refuses, or does not answer; its message is for the reviewer. */
export class Refused extends Error {}

/** Return what the server answers to a GET, or with `body` (also null) to a POST. */
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
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(told(said.error ?? said.detail) ?? `The server refuses (${answer.status}).`);
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

function told(what) {
  return typeof what === "string" ? what : undefined;
}

const toast = document.querySelector("#toast");
let fading;

/** Show a line for a moment. */
export function say(text) {
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), 2500);
}

/** Show what went wrong until it is put right; null puts it right. */
export function complain(error) {
  const place = document.querySelector("#problem");
  place.hidden = error === null;
  place.textContent = error === null ? "" : error.message;
  if (error !== null && !(error instanceof Refused)) throw error;
}

/** Return a new element with attributes and content; text stays text. */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...content);
  return made;
}
