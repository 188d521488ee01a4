// Small helpers that every page uses: elements, announcements, copying.

import { text } from "./texts.js";

export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Object} attributes by name; `text` is its text; true sets an attribute without a value, false and null none.
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Have a screen reader say something; the same sentence twice is said twice. */
export function announce(sentence) {
  const live = byId("live");
  live.textContent = "";
  setTimeout(() => (live.textContent = sentence), 50); // a region that does not change is not read again
}

let toastTimer = 0;

/** Show a short message for two seconds, and have it read. */
export function say(sentence) {
  const toast = byId("toast");
  toast.textContent = sentence;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 2200);
}

/** Show a lasting message in the page's own place for it; null takes it away. */
export function complain(sentence) {
  const place = byId("complaint");
  place.hidden = sentence === null;
  place.textContent = sentence ?? "";
  if (sentence !== null) place.scrollIntoView({ block: "nearest" });
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
  const heading = step.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}
