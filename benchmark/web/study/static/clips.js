// Clips on their way into the browser: fetched whole before they play, so that nothing stalls half-way.

import { Unsent } from "./server.js";

const KEPT = 12; // clips held at once: eight of a tutorial, those at hand and those of the next criterion
const SILENCE_MILLISECONDS = 20_000; // without a single byte: the clip counts as not to be had

const fetched = new Map(); // address: promise of an address within the browser; asked for last, last
const spoilt = new Set(); // fetched once and not playable: the browser's own cache is passed by

/**
 * Return an address of the clip that plays without a connection.
 *
 * @param {string} url
 * @param {(part: number) => void} onPart told how much is there, 0 to 1, where the server says how long it is.
 * @returns {Promise<string>} rejects with Unsent when it cannot be had; asking again then tries again.
 */
export function clip(url, onPart = () => {}) {
  const there = fetched.get(url);
  const coming = there ?? whole(url, onPart).then((blob) => URL.createObjectURL(blob));
  fetched.delete(url); // and set anew, behind the others: who comes again is not next to be forgotten
  fetched.set(url, coming);
  if (!there) {
    coming.catch(() => fetched.delete(url));
    forgetOld();
  }
  return coming;
}

/** Fetch clips that come next; one that fails is tried again when it is asked for. */
export function ahead(urls) {
  for (const url of urls) clip(url).catch(() => {});
}

/** Give up a clip that was fetched but does not play, so that the next try fetches it anew. */
export function giveUp(url) {
  spoilt.add(url);
  forget(url);
}

function forget(url) {
  fetched.get(url)?.then((made) => URL.revokeObjectURL(made), () => {});
  fetched.delete(url);
}

function forgetOld() {
  while (fetched.size > KEPT) forget(fetched.keys().next().value);
}

async function whole(url, onPart) {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), SILENCE_MILLISECONDS);
  try {
    const answer = await fetch(url, { signal: stop.signal, cache: spoilt.has(url) ? "reload" : "default" });
    if (!answer.ok) throw new Unsent(answer.status, 0);
    const length = Number(answer.headers.get("Content-Length"));
    const pieces = [];
    let held = 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), SILENCE_MILLISECONDS);
      pieces.push(value);
      held += value.length;
      if (length) onPart(held / length);
    }
    return new Blob(pieces, { type: answer.headers.get("Content-Type") ?? "video/mp4" });
  } catch (error) {
    throw error instanceof Unsent ? error : new Unsent(0, 0);
  } finally {
    clearTimeout(timer);
  }
}
