// The page of clips: watch, decide, next.

import { complain, element, say } from "/static/frame/page.js";

import { ask, attempt, whyNotShown } from "./api.js";
import { CRITERIA, Drafts, lacks } from "./draft.js";
import { bindKeys, repeating } from "./keys.js";
import { Player } from "./player.js";
import { Queue } from "./queue.js";
import { Wave, onGrid } from "./wave.js";

const $ = (selector) => document.querySelector(selector);
const QUESTIONS = { single_source: "one source", visible: "in view", label_matches: "label fits" };

const drafts = new Drafts($("#desk").dataset.reviewer);
const queue = new Queue((id) => open(id, { plays: true }));
const player = new Player($("#film"), { tick: showMoment, failed: fallBack });
const wave = new Wave($("#wave"), { seek: (seconds) => player.seek(seconds), move: moveStart });

let view = null; // the clip on the page, as the server tells it
let draft = null; // what is entered about it
let saving = false;

// What is shown

async function open(id, { plays = false } = {}) {
  const found = await attempt(() => ask(`/api/clips/${encodeURIComponent(id)}`));
  if (!found) return;
  view = found;
  draft = drafts.of(view);
  queue.current = id;
  queue.learn(id, view.footage);
  queue.draw();
  remember();
  showClip();
  showDraft();
  showEvidence();
  if (plays) player.play();
}

function showClip() {
  const { clip, footage } = view;
  $("#clip-title").textContent = clip.clip_id;
  showMark();
  $(".stage").classList.toggle("gone", Boolean(footage.missing));
  $("#missing").hidden = !footage.missing;
  $("#missing").textContent = footage.missing;
  $("#film").hidden = Boolean(footage.missing);
  $("#save").disabled = Boolean(footage.missing);
  $("#footage").textContent = footage.missing ? "" : facts(footage);
  wave.show(null, footage.seconds || 10);
  if (footage.missing) {
    player.clear();
    return;
  }
  player.show(film(), { start: draft.start_offset_seconds, framesPerSecond: footage.frames_per_second });
  if (footage.has_sound) showPeaks(clip.clip_id);
}

function showMark() {
  const { mine, conflict } = queue.lines.get(view.clip.clip_id);
  const mark = $("#mark");
  mark.hidden = !mine && !conflict;
  mark.textContent = conflict ? "reviewers differ" : mine;
  mark.className = `chip ${conflict ? "bad" : mine === "accepted" ? "good" : ""}`;
}

function film(preview = view.footage.is_preview) {
  return `/clips/${encodeURIComponent(view.clip.clip_id)}${preview ? "?preview=true" : ""}`;
}

function facts({ seconds, frames_per_second, has_sound, is_preview, unusable }) {
  const told = [`${seconds.toFixed(1)} s`, `${frames_per_second.toFixed(2).replace(/\.?0+$/, "")} frames a second`];
  if (!has_sound) told.push("no sound");
  if (unusable) told.push(`cannot be accepted, build would leave it out: ${unusable}`);
  if (is_preview) told.push("shown as a copy: browsers do not play its codec");
  return told.join(" · ");
}

async function showPeaks(clip) {
  const peaks = await ask(`/api/clips/${encodeURIComponent(clip)}/peaks`).catch((error) => {
    say(`No outline of the sound: ${error.message}`);
    return null;
  });
  if (view.clip.clip_id === clip) wave.show(peaks, view.footage.seconds);
}

async function fallBack() {
  if (!$("#film").src.includes("preview")) {
    view.footage.is_preview = true;
    $("#footage").textContent = facts(view.footage);
    player.show(film(true), { start: draft.start_offset_seconds, framesPerSecond: view.footage.frames_per_second });
    player.play();
    return;
  }
  const clip = view.clip.clip_id;
  const why = await whyNotShown(clip);
  if (view.clip.clip_id !== clip) return; // another was opened meanwhile
  $("#missing").hidden = false;
  $("#missing").textContent = why;
}

function showMoment() {
  wave.at = player.video.currentTime;
  wave.draw();
  $("#clock").textContent = `${wave.at.toFixed(2)} s`;
  $("#play").firstChild.data = player.playing ? "Pause " : "Play ";
}

function showDraft() {
  for (const name of CRITERIA) {
    const row = $(`[data-criterion="${name}"]`);
    row.dataset.state = draft[name] === null ? "open" : draft[name] ? "yes" : "no";
    for (const button of row.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(draft[name] === (button.dataset.answer === "yes")));
    }
  }
  $("#labels").replaceChildren(...view.clip.labels.map(labelChoice));
  const others = $("#other-label");
  others.value = view.clip.labels.some(({ label }) => label === draft.label) ? "" : draft.label;
  $("#note").value = draft.note;
  showStart();
  complain(null);
}

function labelChoice({ label, given_by }) {
  const radio = element("input", { type: "radio", name: "label", value: label });
  radio.checked = draft.label === label;
  radio.addEventListener("change", () => enter({ label }));
  return element("label", { class: "label" }, radio, element("span", {}, label), element("span", { class: "soft" }, given_by));
}

function showStart() {
  const start = draft.start_offset_seconds;
  $("#start").value = start;
  $("#start-shown").textContent = `${start.toFixed(2)} s`;
  $("#start").setAttribute("aria-valuetext", `${start.toFixed(2)} seconds`);
  wave.start = start;
  wave.draw();
}

function showEvidence() {
  const { clip, others, hidden, mine } = view;
  const facts = clip.classes.map(([dataset, name]) => element("p", {}, `${dataset}: `, element("strong", {}, name)));
  const found = clip.evidence.map((one) =>
    element(
      "div",
      { class: "evidence" },
      element("p", {}, element("strong", {}, one.label), " ", chip(one.proposed ? "proposed" : "not proposed", one.proposed)),
      element("p", { class: "answers" }, ...CRITERIA.map((name) => chip(QUESTIONS[name], one[name]))),
      element("p", { class: "soft" }, one.text),
    ),
  );
  if (!facts.length && !found.length) found.push(element("p", { class: "soft" }, "None: the table holds no more than its label."));
  $("#evidence").replaceChildren(...facts, ...found);
  const said = others.map((one) =>
    element(
      "div",
      { class: "evidence" },
      element("p", {}, element("strong", {}, one.reviewer), ` ${one.label}, from ${one.start_offset_seconds.toFixed(2)} s`),
      element("p", { class: "answers" }, ...CRITERIA.map((name) => chip(QUESTIONS[name], one[name]))),
      one.note ? element("p", { class: "soft" }, one.note) : "",
    ),
  );
  const head = said.length || hidden ? [element("h2", {}, mine ? "What others say" : "Others")] : [];
  const sealed = hidden ? [element("p", { class: "soft" }, `${hidden} decided; shown when you have.`)] : [];
  $("#others").replaceChildren(...head, ...said, ...sealed);
}

function chip(text, yes) {
  return element("span", { class: `chip ${yes ? "good" : "bad"}` }, `${yes ? "✓" : "✗"} ${text}`);
}

// What is entered

function enter(change) {
  Object.assign(draft, change);
  drafts.keep(view.clip.clip_id, draft);
  showDraft();
}

function toggle(name) {
  enter({ [name]: draft[name] === null ? true : draft[name] ? false : null });
}

function moveStart(seconds) {
  draft.start_offset_seconds = onGrid(seconds);
  drafts.keep(view.clip.clip_id, draft);
  player.move(draft.start_offset_seconds);
  showStart();
}

function nextLabel() {
  const labels = view.clip.labels.map(({ label }) => label);
  if (labels.length) enter({ label: labels[(labels.indexOf(draft.label) + 1) % labels.length] });
}

// What is kept

async function save() {
  if (saving || !view || view.footage.missing) return;
  const wrong = lacks(draft);
  if (wrong) {
    complain(wrong);
    return;
  }
  const id = view.clip.clip_id;
  saving = true;
  const line = await attempt(() => ask(`/api/clips/${encodeURIComponent(id)}`, draft));
  saving = false;
  if (!line) return; // the draft is kept, and the reason is on the page
  drafts.forget(id);
  const next = queue.beside(1); // before the clip leaves the list
  queue.set(line);
  say(`${id}: ${line.mine}`);
  renewMarks();
  if (next) await open(next, { plays: true });
  else {
    await open(id);
    say("That was the last clip here.");
  }
}

/** Show in the list what became known of other clips since: of their files, and what others decided. */
async function renewMarks() {
  const { changes } = queue;
  const lines = await ask("/api/clips").catch(() => null);
  if (!lines || queue.changes !== changes) return; // the next decision brings newer ones
  queue.renew(lines);
  showMark();
}

async function undo() {
  const gone = await attempt(() => ask("/api/undo", null));
  if (!gone) {
    if ($("#complaint").hidden) say("Nothing of yours to undo.");
    return;
  }
  const { clip_id, single_source, visible, label_matches, label, start_offset_seconds, note } = gone.taken_back;
  drafts.keep(clip_id, { single_source, visible, label_matches, label, start_offset_seconds, note });
  queue.set(gone.line);
  renewMarks();
  await open(clip_id);
  say(`${clip_id}: taken back`);
}

// Where one is: in the address, so that a reload and a link lead there

function remember() {
  const place = new URLSearchParams({ clip: view.clip.clip_id, show: queue.show.value, label: queue.label.value });
  history.replaceState(null, "", `#${place}`);
}

async function begin() {
  const lines = await attempt(() => ask("/api/clips"));
  if (!lines) return;
  queue.fill(lines);
  await goTo(new URLSearchParams(location.hash.slice(1)));
}

async function goTo(place) {
  for (const [select, name] of [[queue.show, "show"], [queue.label, "label"]]) {
    if ([...select.options].some((option) => option.value === place.get(name))) select.value = place.get(name);
  }
  const asked = place.get("clip");
  const id = queue.lines.has(asked) ? asked : (queue.shown()[0]?.id ?? queue.lines.keys().next().value);
  await open(id);
}

function step(by) {
  const id = queue.beside(by);
  if (id) open(id, { plays: true });
}

function press(button, is) {
  button.setAttribute("aria-pressed", String(is));
}

for (const name of CRITERIA) {
  for (const button of document.querySelectorAll(`[data-criterion="${name}"] button`)) {
    const answer = button.dataset.answer === "yes";
    button.addEventListener("click", () => enter({ [name]: draft[name] === answer ? null : answer }));
  }
}
$("#decision").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
$("#undo").addEventListener("click", undo);
$("#note").addEventListener("input", () => {
  draft.note = $("#note").value;
  drafts.keep(view.clip.clip_id, draft);
});
$("#other-label").addEventListener("change", (event) => event.target.value && enter({ label: event.target.value }));
$("#start").addEventListener("input", (event) => moveStart(Number(event.target.value)));
$("#play").addEventListener("click", () => player.toggle());
$("#back").addEventListener("click", () => player.step(-1));
$("#forth").addEventListener("click", () => player.step(1));
$("#loop").addEventListener("click", () => press($("#loop"), (player.loops = !player.loops)));
$("#mute").addEventListener("click", mute);
function mute() {
  player.video.muted = !player.video.muted;
  press($("#mute"), player.video.muted);
}
for (const filter of [queue.show, queue.label]) {
  filter.addEventListener("change", () => {
    const shown = queue.shown();
    if (shown.length && !shown.some((line) => line.id === queue.current)) open(shown[0].id);
    else if (view) remember();
  });
}
addEventListener("hashchange", () => goTo(new URLSearchParams(location.hash.slice(1))));

bindKeys({
  1: () => toggle(CRITERIA[0]),
  2: () => toggle(CRITERIA[1]),
  3: () => toggle(CRITERIA[2]),
  a: () => enter({ single_source: true, visible: true, label_matches: true }),
  Enter: save,
  u: undo,
  " ": () => player.toggle(),
  ",": repeating(() => player.step(-1)),
  ".": repeating(() => player.step(1)),
  "[": repeating(() => moveStart(draft.start_offset_seconds - 0.2)),
  "]": repeating(() => moveStart(draft.start_offset_seconds + 0.2)),
  "{": repeating(() => moveStart(draft.start_offset_seconds - 0.04)),
  "}": repeating(() => moveStart(draft.start_offset_seconds + 0.04)),
  l: nextLabel,
  o: () => $("#other-label").focus(),
  n: () => $("#note").focus(),
  j: () => step(1),
  k: () => step(-1),
  f: () => queue.show.focus(),
  m: mute,
});

begin();
