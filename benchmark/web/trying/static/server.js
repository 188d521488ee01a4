// Requests to the server that served this page; what it refuses is a sentence.

const PROOF = document.querySelector('meta[name="proof"]').content;

/** Thrown where the server refuses, or does not answer; its message is for the person. */
export class Refused extends Error {}

/** Return what the server answers to a GET, or with `body` to a POST; {} where it has nothing to say. */
export async function ask(address, body) {
  if (body === undefined) return read(await sent(address, {}));
  const headers = { "content-type": "application/json", "x-proof": PROOF };
  return read(await sent(address, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** Send a file; return what the server says of it. */
export async function send(address, file) {
  const headers = { "content-type": "application/octet-stream", "x-name": encodeURIComponent(file.name), "x-proof": PROOF };
  return read(await sent(address, { method: "POST", headers, body: file }));
}

async function sent(address, how) {
  try {
    return await fetch(address, how);
  } catch {
    throw new Refused("The server does not answer. Is it still running, and the tunnel to it open?");
  }
}

async function read(answer) {
  if (answer.status === 204) return {};
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(sentence(said.error ?? `the server refuses (${answer.status})`));
  return said;
}

function sentence(words) {
  const whole = words[0].toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
