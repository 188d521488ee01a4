// The question, and its answers one after the other.

import { complain, element, say } from "/static/frame/page.js";
import { film } from "/static/trying/film.js";
import { ask, Refused } from "/static/trying/server.js";
import { answerCard, looksCard } from "/static/trying/answers.js";

const EVERY_MS = 1_000;

const form = document.querySelector("#question");
const prompts = document.querySelector("#prompts");
const more = document.querySelector("#more");

more.addEventListener("click", () => {
  const place = prompts.children.length + 1;
  const [label, field] = prompts.lastElementChild.cloneNode(true).children;
  label.htmlFor = field.id = `prompt-${place}`;
  label.textContent = `Prompt ${place}`;
  field.value = "";
  delete field.dataset.suggested;
  prompts.append(element("li", {}, label, field));
  more.hidden = place >= Number(form.dataset.mostPrompts);
  field.focus();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = question();
  if (asked === null) return;
  const button = document.querySelector("#ask");
  button.disabled = true;
  try {
    const { key } = await ask("/api/tries", asked);
    complain(null);
    begin(key, asked, film());
  } catch (error) {
    complain(error.message);
    if (!(error instanceof Refused)) throw error;
  } finally {
    button.disabled = false;
  }
});

/** Return the question as it stands; null where something lacks, which is then said. */
function question() {
  const written = [...document.querySelectorAll(".prompt")].map((field) => field.value.trim()).filter(Boolean);
  const models = [...document.querySelectorAll('input[name="model"]:checked')].map((box) => box.value);
  const lacking =
    film() === null ? "Choose a film first: send one of your own, or take a scene."
    : written.length === 0 ? "Write a prompt: what do you want to hear?"
    : models.length === 0 ? "Choose a model."
    : null;
  complain(lacking);
  if (lacking !== null) return null;
  const negative = document.querySelector("#negative").value;
  return { film: film().key, models, prompts: written, negative_prompt: negative, seed: Number(document.querySelector("#seed").value) };
}

/** Show a question, and follow what becomes of it. */
function begin(key, asked, about) {
  document.querySelector("#nothing").hidden = true;
  const state = element("p", { class: "state", role: "status" }, "Waiting");
  const clock = element("span", { class: "clock", "aria-hidden": "true" }); // not read out: it changes every second
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Answers so far" });
  const stop = element("button", { type: "button", class: "quiet" }, "Stop");
  const answers = element("div", { class: "answers", "data-prompts": asked.prompts.length });
  const told = [about.name, asked.negative_prompt && `not ${asked.negative_prompt}`, `seed ${asked.seed}`].filter(Boolean).join(" · ");
  const head = element("header", { class: "try-head" }, element("h3", {}, told), stop);
  const shown = element("article", { class: "card try", "data-state": "waiting" }, head, element("div", { class: "how-far" }, state, clock), bar, answers);
  document.querySelector("#tries").prepend(shown);
  if (matchMedia("(max-width: 900px)").matches) shown.scrollIntoView({ block: "start" }); // else it is beside the form
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    await ask(`/api/tries/${key}/stop`, {}).catch((error) => complain(error.message));
  });
  follow(key, { shown, state, clock, bar, stop, answers }, Date.now());
}

async function follow(key, parts, since) {
  let now;
  try {
    now = await ask(`/api/tries/${key}`);
  } catch (error) {
    parts.state.textContent = error.message;
    if (!(error instanceof Refused)) throw error;
    if (document.contains(parts.shown)) setTimeout(() => follow(key, parts, since), 5 * EVERY_MS); // a tunnel comes back
    return;
  }
  now.answers.slice(parts.answers.children.length).forEach((one) => {
    const card = one.looks ? looksCard(one) : answerCard(one);
    card.classList.toggle("first", card.dataset.model !== parts.answers.lastElementChild?.dataset.model); // a row a model
    parts.answers.append(card);
  });
  parts.shown.dataset.state = now.state;
  parts.bar.max = now.parts;
  parts.bar.value = now.answers.length;
  const told = inWords(now);
  if (parts.state.textContent !== told) parts.state.textContent = told;
  const ended = now.state === "done" || now.state === "stopped";
  parts.clock.textContent = ended ? "" : `${Math.round((Date.now() - since) / 1000)} s`;
  parts.stop.hidden = parts.bar.hidden = ended;
  if (!ended) setTimeout(() => follow(key, parts, since), EVERY_MS);
  else if (now.state === "done") say("Done");
}

function inWords(now) {
  if (now.state === "waiting") return now.before === 1 ? "Waiting: one question is before this one" : `Waiting: ${now.before} questions are before this one`;
  if (now.state === "stopped") return `Stopped after ${now.answers.length} of ${now.parts}`;
  const failed = now.answers.filter((one) => one.fault).length;
  if (now.state === "done") return failed ? `Done; of ${now.parts}, ${failed} failed` : "Done";
  const what = now.now === null ? "" : `: ${now.now.model}, ${now.now.looks ? "where it looks" : now.now.prompts[0] ?? "from the scene"}`;
  return `Working on ${Math.min(now.answers.length + 1, now.parts)} of ${now.parts}${what}`;
}
