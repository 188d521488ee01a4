// The film that is asked about: one that is sent, or a scene that is found by its labels.

import { complain, element } from "/static/frame/page.js";
import { ask, Refused, send } from "/static/trying/server.js";

const PAUSE_MS = 250; // after the last key, before scenes are looked for

const form = document.querySelector("#question");
const upload = document.querySelector("#upload");
const find = document.querySelector("#find");
const scene = document.querySelector("#scene");
const found = document.querySelector("#found");
const LARGEST = Number(form.dataset.largest);

let chosen = null; // what the server says of the film
let choosing = 0; // the latest choice: an answer about an earlier one comes too late

/** Return the film that is chosen; null where none is, or it is still on its way. */
export const film = () => chosen;

upload.addEventListener("change", () => {
  const [file] = upload.files;
  if (file === undefined) return;
  scene.value = "";
  if (file.size > LARGEST) {
    show(null);
    complain(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MB, and at most ${LARGEST / 2 ** 20} MB are taken. Cut the piece out that you need.`);
    return;
  }
  choose(() => send("/api/films", file), `Sending ${file.name}`);
});

scene.addEventListener("change", () => {
  upload.value = "";
  if (scene.value) choose(() => ask(`/api/film?key=${encodeURIComponent(scene.value)}`), "Looking at the scene");
  else show(null);
});

async function choose(asked, doing) {
  const mine = ++choosing;
  show(null, doing);
  try {
    const answer = await asked();
    if (mine === choosing) show(answer);
  } catch (error) {
    if (mine === choosing) show(null);
    if (mine === choosing) complain(error.message);
    if (!(error instanceof Refused)) throw error;
  }
}

/** Show a film, or what is being done until there is one. */
function show(answer, doing = "") {
  chosen = answer;
  complain(null);
  const figure = document.querySelector("#chosen");
  const player = document.querySelector("#film");
  figure.hidden = answer === null;
  found.textContent = doing;
  form.setAttribute("aria-busy", String(doing !== ""));
  if (answer === null) {
    player.removeAttribute("src");
    player.load();
    return;
  }
  player.src = answer.address;
  document.querySelector("#film-name").textContent = `${answer.name}: ${answer.seconds.toFixed(2)} s are used`;
  suggest(answer.prompts);
}

/** Put the labels of a scene where prompts are, but never over what somebody wrote. */
function suggest(prompts) {
  document.querySelectorAll(".prompt").forEach((field, place) => {
    if (field.value && field.value !== field.dataset.suggested) return;
    field.value = field.dataset.suggested = prompts[place] ?? "";
  });
}

async function listScenes() {
  const words = find.value;
  try {
    const { scenes, count, most } = await ask(`/api/scenes?find=${encodeURIComponent(words)}`);
    if (words !== find.value) return;
    const now = scene.value;
    const options = scenes.map(([key, title]) => element("option", { value: key }, title));
    scene.replaceChildren(element("option", { value: "" }, count ? "Choose a scene" : "No scene has these words"), ...options);
    scene.value = scenes.some(([key]) => key === now) ? now : "";
    found.textContent = count > most ? `${most} of ${count} scenes are listed; find the others by their labels.` : "";
  } catch (error) {
    complain(error.message);
    if (!(error instanceof Refused)) throw error;
  }
}

let pausing = 0;
find.addEventListener("input", () => {
  clearTimeout(pausing);
  pausing = setTimeout(listScenes, PAUSE_MS);
});
find.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault(); // it would send the question
});
listScenes();
