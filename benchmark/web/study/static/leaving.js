// Going on to another page, and leaving the study for good.

import { complain, say } from "/static/frame/page.js";

import { Refused, post } from "./server.js";
import { forgetAll } from "./store.js";
import { text } from "./texts.js";

let gone = false; // another page is on its way; nothing of this one is pressed any more

/** Go to a page of the study. */
export function goTo(path) {
  gone = true;
  location.assign(path);
}

/**
 * Tell why something did not work; where the page is out of date or of somebody else, go where the server says.
 *
 * @param {Error} error
 */
export function explain(error) {
  if (error instanceof Refused && error.told.next) goTo(error.told.next);
  else complain(text("frame.failed", { reason: error.message }));
}

/**
 * Do what a button asks for, once however often it is pressed, and tell what went wrong.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} action
 */
export function once(button, action) {
  let busy = false;
  button.addEventListener("click", async (event) => {
    event.preventDefault(); // no form is sent by the browser itself
    if (busy || gone) return;
    busy = true;
    button.setAttribute("aria-busy", "true");
    complain(null);
    try {
      await action();
    } catch (error) {
      explain(error);
    } finally {
      busy = false;
      button.setAttribute("aria-busy", String(gone));
    }
  });
}

/**
 * Have everything deleted that this rater, or the one with a deletion code, has answered.
 *
 * @param {string} code "" for this rater.
 */
export async function withdraw(code) {
  const { next } = await post("/api/withdraw", { code });
  if (!code) forgetAll();
  say(text("withdrawn.title"));
  goTo(next);
}
