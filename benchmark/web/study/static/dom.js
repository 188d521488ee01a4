// Small helpers that every page of a study uses: announcements, copying, steps.

import { say } from "/static/frame/page.js";

import { text } from "./texts.js";

export const byId = (id) => document.getElementById(id);

/** Have a screen reader say something; the same sentence twice is said twice. */
export function announce(sentence) {
  const live = byId("live");
  live.textContent = "";
  setTimeout(() => (live.textContent = sentence), 50); // a region that does not change is not read again
}

/** Copy a text for the rater; where the browser forbids it, select it for copying by hand. */
export async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    say(text("frame.copied"));
  } catch {
    getSelection().selectAllChildren(source);
    say(text("frame.copy_failed"));
  }
}

/** Show one of several steps of a page and move the reader to its heading. */
export function showStep(step) {
  for (const other of document.querySelectorAll("[data-step]")) other.hidden = other !== step;
  const heading = step.querySelector("h1, h2");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}
