// The page of pairs: does the prompt of the target also describe the paired clip?

import { complain, element, say } from "/static/frame/page.js";

import { ask, attempt, whyNotShown } from "./api.js";
import { bindKeys } from "./keys.js";
import { Player } from "./player.js";

const $ = (selector) => document.querySelector(selector);
const labelsOf = (line) => `${line.target_label} > ${line.paired_label}`;
const same = (line, other) => line.target_id === other.target_id && line.paired_id === other.paired_id;

let lines = [];
let at = 0; // place of the pair on the page
let saving = false;

const sides = Object.fromEntries(
  [...document.querySelectorAll(".side")].map((figure) => {
    const side = { figure, clip: null, preview: false };
    side.player = new Player(figure.querySelector("video"), { tick: showPlaying, failed: () => fallBack(side) });
    figure.querySelector(".listen").addEventListener("click", () => listen(figure.dataset.side));
    return [figure.dataset.side, side];
  }),
);
let heard = "paired"; // the side that plays, or would

async function fallBack(side) {
  if (!side.preview) {
    side.preview = true;
    load(side);
    return;
  }
  const { clip } = side;
  const why = await whyNotShown(clip);
  if (side.clip === clip) tellMissing(side, why);
}

function load(side) {
  const query = side.preview ? "?preview=true" : "";
  side.player.show(`/clips/${encodeURIComponent(side.clip)}${query}`, { start: side.start });
}

function tellMissing(side, why) {
  const place = side.figure.querySelector(".missing");
  place.hidden = why === "";
  place.textContent = why;
}

function listen(name, { only = false } = {}) {
  if (!lines.length) return;
  const other = name === "target" ? "paired" : "target";
  sides[other].player.pause();
  if (heard === name && !only) sides[name].player.toggle();
  else sides[name].player.play();
  heard = name;
  showPlaying();
}

function showPlaying() {
  for (const [name, { figure, player }] of Object.entries(sides)) {
    figure.classList.toggle("heard", name === heard);
    figure.querySelector(".listen").setAttribute("aria-pressed", String(player.playing));
  }
}

function fill(name, clip, label, start) {
  const side = sides[name];
  Object.assign(side, { clip, start, preview: false });
  tellMissing(side, "");
  side.figure.querySelector(".side-label").textContent = label;
  side.figure.querySelector(".id").textContent = clip;
  load(side);
}

function show(place, { plays = false } = {}) {
  at = place;
  const line = lines[at];
  $("#prompt").textContent = line.target_label;
  $("#paired-label").textContent = line.paired_label;
  fill("target", line.target_id, line.target_label, line.target_start);
  fill("paired", line.paired_id, line.paired_label, line.paired_start);
  $("#proposal").textContent = line.proposal ? `The table of relations proposes yes: ${line.proposal}.` : "The table of relations has no reason to drop it.";
  $("#proposal").className = line.proposal ? "proposal yes" : "proposal soft";
  $("#yes").setAttribute("aria-pressed", String(line.mine === "yes"));
  $("#no").setAttribute("aria-pressed", String(line.mine === "no"));
  const mine = $("#mine");
  mine.hidden = !line.conflict;
  mine.className = "chip bad";
  mine.textContent = "reviewers differ";
  showWhole();
  showGroups();
  complain(null);
  heard = "paired";
  history.replaceState(null, "", `#${new URLSearchParams({ target: line.target_id, paired: line.paired_id })}`);
  if (plays) listen("paired", { only: true });
  showPlaying();
}

function others() {
  return lines.filter((line) => labelsOf(line) === labelsOf(lines[at]) && !line.mine && !same(line, lines[at])).length;
}

function showWhole() {
  const count = others();
  $("#whole").disabled = count === 0;
  if (count === 0) $("#whole").checked = false;
  $("#whole-text").textContent = count === 0 ? "No other pair of these two labels is undecided" : `Also for the ${count} other undecided ${count === 1 ? "pair" : "pairs"} of these two labels, in this direction`;
}

function showGroups() {
  const groups = grouped();
  const done = lines.filter((line) => line.mine).length;
  $("#count").textContent = `${done} of ${lines.length} pairs decided`;
  $("#progress").max = lines.length;
  $("#progress").value = done;
  const here = labelsOf(lines[at]);
  const items = [...groups].map(([labels, members]) => {
    const open = members.filter((line) => !line.mine).length;
    const drops = members.filter((line) => line.mine === "yes").length;
    const state = open ? "undecided" : drops ? "rejected" : "accepted";
    const told = open ? `${members.length - open} of ${members.length}` : drops ? `${drops} of ${members.length} dropped` : "kept";
    const button = element(
      "button",
      { type: "button", class: "line", "data-state": state, "aria-current": labels === here ? "true" : null },
      element("span", {}, labels.replace(" > ", " → ")),
      element("span", { class: "soft" }, told),
    );
    button.addEventListener("click", () => show(lines.indexOf(members.find((line) => !line.mine) ?? members[0]), { plays: true }));
    return element("li", {}, button);
  });
  const list = $("#groups");
  list.replaceChildren(...items);
  const active = list.querySelector('[aria-current="true"]');
  if (active) list.scrollTop = active.offsetTop - list.clientHeight / 2;
}

function grouped() {
  const groups = new Map();
  for (const line of lines) groups.set(labelsOf(line), [...(groups.get(labelsOf(line)) ?? []), line]);
  return groups;
}

async function decide(yes) {
  if (saving || !lines.length) return;
  saving = true;
  const { target_id, paired_id } = lines[at];
  const body = { target_id, paired_id, also_describes: yes, whole_group: $("#whole").checked };
  const kept = await attempt(() => ask("/api/pairs", body));
  if (kept) {
    take(kept);
    $("#whole").checked = false;
    say(`${yes ? "Dropped" : "Kept"}: ${kept.length} ${kept.length > 1 ? "pairs" : "pair"}`);
    const next = nextUndecided();
    show(next ?? at, { plays: next !== null });
    if (next === null) say("All pairs are decided.");
  }
  saving = false;
}

function nextUndecided() {
  for (let away = 1; away < lines.length; away += 1) {
    const place = (at + away) % lines.length;
    if (!lines[place].mine) return place;
  }
  return null;
}

async function undo() {
  const gone = await attempt(() => ask("/api/pairs/undo", null));
  if (!gone) return;
  if (!gone.length) {
    say("Nothing of yours to undo.");
    return;
  }
  take(gone);
  show(Math.max(0, lines.findIndex((line) => same(line, gone[0]))));
  say(gone.length === 1 ? "Taken back" : `Taken back: ${gone.length} pairs`);
}

/** Take over what the server says of some pairs. */
function take(changed) {
  lines = lines.map((line) => changed.find((one) => same(one, line)) ?? line);
}

async function begin() {
  const found = await attempt(() => ask("/api/pairs"));
  if (!found) return;
  lines = found;
  $("#loading").hidden = true;
  $("#pairs").hidden = lines.length === 0;
  $("#nothing").hidden = lines.length > 0;
  if (!lines.length) return;
  const place = new URLSearchParams(location.hash.slice(1));
  const asked = lines.findIndex((line) => same(line, { target_id: place.get("target"), paired_id: place.get("paired") }));
  show(asked >= 0 ? asked : Math.max(0, lines.findIndex((line) => !line.mine)));
}

function step(by) {
  if (lines.length) show((at + by + lines.length) % lines.length, { plays: true });
}

$("#yes").addEventListener("click", () => decide(true));
$("#no").addEventListener("click", () => decide(false));
$("#undo").addEventListener("click", undo);
bindKeys({
  y: () => decide(true),
  n: () => decide(false),
  g: () => $("#whole").click(),
  u: undo,
  1: () => listen("target"),
  2: () => listen("paired"),
  " ": () => listen(heard),
  j: () => step(1),
  k: () => step(-1),
});

begin();
