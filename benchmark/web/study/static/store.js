// What this browser keeps for one rater of one study: answers on their way, and the clip at hand.

import { raterName } from "./server.js";

const memory = new Map(); // where the browser keeps nothing (private windows, a full disk): until the page is closed

/** Tell whether the browser itself keeps things, so that they outlast this page. */
export function lasting() {
  try {
    localStorage.setItem(`${raterName}.trial`, "1");
    localStorage.removeItem(`${raterName}.trial`);
    return true;
  } catch {
    return false;
  }
}

/** Keep a value under a name. */
export function keep(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(`${raterName}.${name}`, JSON.stringify(value));
  } catch {
    forgetStored(name); // an older value would be taken for this one; `lasting` tells the rater
  }
}

/** Return what is kept under a name; `otherwise` where there is nothing, or nothing that can be read. */
export function kept(name, otherwise) {
  try {
    const found = localStorage.getItem(`${raterName}.${name}`);
    if (found !== null) return JSON.parse(found);
  } catch {
    // unreadable or forbidden: as if it were not there
  }
  return memory.has(name) ? memory.get(name) : otherwise;
}

/** Keep a name no longer. */
export function drop(name) {
  memory.delete(name);
  forgetStored(name);
}

function forgetStored(name) {
  try {
    localStorage.removeItem(`${raterName}.${name}`);
  } catch {
    // forbidden: nothing was kept there either
  }
}

/** Keep nothing of this rater any longer. */
export function forgetAll() {
  for (const name of ["outbox", "draft"]) drop(name);
}
