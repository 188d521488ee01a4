// The tutorial: one criterion after the other, with good and bad examples of each.

import { complain, element } from "/static/frame/page.js";

import { ahead } from "./clips.js";
import { announce, byId, showStep } from "./dom.js";
import { explain, goTo, once } from "./leaving.js";
import { Player } from "./player.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

/** @typedef {{media: {url: string}, good: boolean, prompt: string, text: string}} Example */

let criteria = [];
let place = 0;
let players = [];
const watched = new Set(); // addresses of clips that were seen to their end, also when the rater comes back to them

function showCriterion() {
  for (const player of players) player.close();
  const { name, question, words, examples } = criteria[place];
  byId("step").textContent = text("tutorial.step", { number: place + 1, of: criteria.length });
  byId("steps").max = criteria.length;
  byId("steps").value = place + 1;
  byId("criterion").textContent = name;
  byId("question").textContent = question;
  byId("words")?.replaceChildren(...words.map((word) => element("li", {}, word)));
  byId("good").textContent = examples.find(({ good }) => good)?.text ?? "";
  byId("bad").textContent = examples.find(({ good }) => !good)?.text ?? "";
  players = examples.map(makePlayer);
  byId("good-clips").replaceChildren(...elementsOf(examples, true));
  byId("bad-clips").replaceChildren(...elementsOf(examples, false));
  for (const player of players) player.load();
  for (const column of document.querySelectorAll(".kind")) column.hidden = examples.length === 0;
  byId("back").hidden = place === 0;
  byId("next").textContent = text(place + 1 < criteria.length ? "tutorial.next" : "tutorial.start");
  showProgress();
  showStep(byId("tutorial"));
  ahead((criteria[place + 1]?.examples ?? []).map(({ media }) => media.url));
}

const elementsOf = (examples, good) =>
  players.filter((_, at) => examples[at].good === good).map((player) => player.element);

/** @param {Example} example */
function makePlayer({ media, prompt }) {
  const name = text("tutorial.example", { prompt });
  const words = { label: text("tutorial.play"), replayLabel: text("tutorial.replay"), name };
  return new Player({ url: media.url, ...words }, { onState: watch });
}

function watch(state, player) {
  for (const other of players) {
    if (other !== player) other.hold(state === "playing" ? "" : null);
  }
  if (state !== "ended" && state !== "broken") return; // one that cannot be played holds nobody up
  watched.add(player.url);
  showProgress();
  announce(byId("to-do").textContent);
}

function showProgress() {
  const { examples } = criteria[place];
  const kinds = [true, false].filter((good) => examples.some((example) => example.good === good));
  const seen = ({ media }) => watched.has(media.url);
  const done = kinds.every((good) => examples.some((example) => example.good === good && seen(example)));
  byId("to-do").textContent = examples.length ? text(done ? "tutorial.done" : "tutorial.to_do") : "";
  byId("next").disabled = !done;
  for (const [at, player] of players.entries()) player.element.classList.toggle("watched", seen(examples[at]));
}

async function goOn() {
  complain(null);
  if (place + 1 < criteria.length) {
    place += 1;
    showCriterion();
    return;
  }
  const { next } = await post("/api/tutorial", {});
  goTo(next);
}

byId("back").addEventListener("click", () => {
  place -= 1;
  showCriterion();
});

try {
  ({ criteria } = await get("/api/tutorial"));
  once(byId("next"), goOn);
  byId("loading").hidden = true;
  showCriterion();
} catch (error) {
  explain(error);
}
