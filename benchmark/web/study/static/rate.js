// The rating page: one item after the other, each watched, answered and sent before the next is shown.

import { complain, say } from "/static/frame/page.js";

import { ahead } from "./clips.js";
import { announce, byId } from "./dom.js";
import { Item } from "./item.js";
import { listenToKeys } from "./keys.js";
import { explain, goTo } from "./leaving.js";
import { Outbox } from "./outbox.js";
import { Patience, when } from "./patience.js";
import { silenceMediaKeys } from "./player.js";
import { startReports } from "./report.js";
import { Refused, get } from "./server.js";
import { lasting } from "./store.js";
import { text } from "./texts.js";

const NO_ROOM = 507; // HTTP: the server's disk is full
const NOT_OVER = 409; // HTTP: by the server's clock the clip still plays; the answer follows in a moment

let item = null;
let busy = true; // something is on its way, and nothing else is done until it has arrived
let open = false; // the questions have been opened, and the rater been told so
let asked = false; // the rater was told that questions are open, and is told how many until none is
const patience = new Patience(showPause);
const outbox = new Outbox(patience);

/** Ask for the item on which the rater is, and show it; go on where there is none. */
async function showNext() {
  setBusy(true);
  await outbox.drained(); // what an earlier window left
  const shown = await patience.until(() => get("/api/item"));
  if (shown.next) {
    goTo(shown.next);
    return;
  }
  item?.close();
  open = false;
  item = new Item(shown, { onStart: (media) => sendStart(shown.token, media), onChange: showState });
  item.show();
  showPlace(shown);
  setBusy(false);
  byId("rate").hidden = false;
  byId("loading").hidden = true;
  scrollTo({ top: 0 });
  byId("place").focus({ preventScroll: true });
  announce(`${byId("place").textContent}. ${text("rate.prompt")}: ${shown.prompt}`);
  ahead(shown.next_media);
}

function showPlace({ form, number, of }) {
  byId("place").textContent = text(form === "rating" ? "rate.progress" : "rate.progress_preference", { number, of });
  byId("progress").max = of;
  byId("progress").value = number - 1;
}

/** Tell the server that a clip starts; whatever becomes of it, the answer tells more. */
function sendStart(token, media) {
  outbox.send("/api/played", { token, media }).catch(() => {});
}

/** Show what can be done now. */
function showState() {
  if (item === null) return;
  const { finished, pair, missing, shown } = item;
  const locked = pair ? "rate.locked_preference" : "rate.locked";
  const unlocked = pair ? "rate.unlocked_preference" : "rate.unlocked";
  byId("lock").textContent = text(finished ? unlocked : locked);
  byId("lock").classList.toggle("done", finished);
  byId("instruction").hidden = !finished || shown.instruction === null;
  byId("instruction-text").textContent = finished ? (shown.instruction ?? "") : "";
  byId("next").disabled = !finished || busy;
  if (asked) complain(missingSentence(missing.length));
  asked &&= missing.length > 0;
  if (finished && !open) openQuestions();
}

function openQuestions() {
  open = true;
  announce([byId("lock").textContent, item.shown.instruction].filter(Boolean).join(" "));
  item.scales[0].focus();
}

/** Send the answer and go on, once everything is answered. */
async function next() {
  if (busy || !item?.finished) return;
  const { missing } = item;
  if (missing.length) {
    for (const scale of missing) scale.mark(true);
    asked = true;
    complain(missingSentence(missing.length));
    missing[0].focus();
    return;
  }
  await leaveItem("/api/answer", item.letter, null);
}

function missingSentence(count) {
  if (count === 0) return null;
  return count === 1 ? text("rate.missing_one") : text("rate.missing", { count });
}

/** Send what ends an item, and show the next, or go where the server says. */
async function leaveItem(path, letter, message) {
  asked = false;
  complain(null);
  setBusy(true);
  try {
    const { next: where } = await outbox.send(path, letter);
    await leaveFor(where, message);
  } catch (error) {
    const elsewhere = error instanceof Refused && error.told.code === "elsewhere";
    const unplayed = error instanceof Refused && error.told.code === "unplayed";
    if (elsewhere || unplayed) await leaveFor(error.told.next ?? "item", elsewhere ? text("rate.elsewhere") : null);
    else if (error instanceof Refused && error.told.code === "no_more_skips") {
      setBusy(false);
      if (error.told.may_end) offerEnd(letter);
      else complain(text("rate.no_more_skips"));
    } else setBusy(false, error);
  }
}

/** Let a rater end for whom too many clips have failed; `letter` is the report that went too far. */
function offerEnd(letter) {
  byId("end-button").onclick = () => {
    byId("end").close();
    leaveItem("/api/skip", { ...letter, ends: true }, null);
  };
  byId("end").showModal();
}

async function leaveFor(where, message) {
  item.forget();
  if (where !== "item") {
    goTo(where);
    return;
  }
  if (message !== null) say(message);
  await showNext();
}

function setBusy(now, error = null) {
  busy = now;
  byId("next").setAttribute("aria-busy", String(now));
  byId("next").textContent = text(now && item !== null ? "rate.saving" : "rate.next");
  if (error !== null) explain(error);
  showState();
}

/** Tell why it takes long: the server cannot be reached, or has no room. */
function showPause(pause) {
  const notice = byId("notice");
  if (pause === null || !busy || pause.status === NOT_OVER) {
    notice.hidden = true;
    return;
  }
  const sentence = pauseSentence(pause);
  if (notice.hidden) announce(sentence); // once, not each second
  notice.hidden = false;
  byId("notice-text").textContent = sentence;
}

function pauseSentence(pause) {
  const answering = outbox.letters.some(({ path }) => path !== "/api/played");
  if (!answering) return text("frame.waiting", { when: when(pause) });
  if (!lasting()) return text("rate.kept_nowhere", { when: when(pause) });
  return text(pause.status === NO_ROOM ? "rate.kept_full" : "rate.kept", { when: when(pause) });
}

/** Move the keyboard to the question before or after the one at hand. */
function move(by) {
  const { scales } = item;
  const at = scales.findIndex(({ current }) => current);
  const to = at < 0 ? (by > 0 ? 0 : scales.length - 1) : Math.min(Math.max(at + by, 0), scales.length - 1);
  scales[to].focus();
}

/** Answer the question at hand, and go to the next one that is open. */
function choose(place) {
  const { scales } = item;
  const scale = scales.find(({ current }) => current) ?? item.missing[0] ?? scales[0];
  if (!scale.choose(place)) return;
  const later = [...scales.slice(scales.indexOf(scale)), ...scales].find((one) => item.missing.includes(one));
  (later ?? scale).focus();
}

byId("next").addEventListener("click", next);
byId("send-now").addEventListener("click", () => patience.hurry());
addEventListener("beforeunload", (event) => busy && outbox.letters.length && !lasting() && event.preventDefault());
byId("end-cancel").addEventListener("click", () => byId("end").close());
startReports((reason) => {
  leaveItem("/api/skip", { token: item.shown.token, reason, key: item.key }, text("rate.reported"));
});
const idle = () => busy || document.querySelector("dialog[open]") !== null;
listenToKeys({ play: () => item.play(), choose, move, next, idle });
silenceMediaKeys();
showNext().catch(explain);
