// The headphone check after Woods et al. 2017: of three tones, one is softer, and another is turned around between left
// and right, so that through loudspeakers it is that one which seems softer. The server alone knows which is which.

import { complain } from "/static/frame/page.js";

import { clip } from "./clips.js";
import { byId, showStep } from "./dom.js";
import { explain, goTo } from "./leaving.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

const sound = new Audio();
let trials = [];
let answers = [];

/** Begin a try of the check, with other sounds than before. */
export async function startHeadphones() {
  complain(null);
  showStep(byId("headphones"));
  try {
    ({ trials } = await get("/api/checks/headphones"));
  } catch (error) {
    explain(error);
    return;
  }
  answers = [];
  showTrial();
}

function showTrial() {
  const place = { number: answers.length + 1, of: trials.length };
  byId("trial").textContent = text("checks.trial", place);
  byId("trials").max = trials.length;
  byId("trials").value = answers.length;
  byId("trial-play").textContent = text("checks.trial_play");
  byId("trial-play").disabled = false;
  byId("choices").disabled = true;
  byId("trial-play").focus();
  for (const { sound: url } of trials.slice(answers.length, answers.length + 2)) clip(url).catch(() => {});
}

async function playTrial() {
  complain(null);
  byId("trial-play").disabled = true;
  byId("trial-play").textContent = text("checks.trial_playing");
  try {
    sound.src = await clip(trials[answers.length].sound);
    await sound.play();
  } catch {
    byId("trial-play").disabled = false; // it did not play, so it may be played
    byId("trial-play").textContent = text("checks.trial_play");
    complain(text("checks.trial_failed"));
  }
}

function ended() {
  byId("trial-play").textContent = text("checks.trial_played");
  byId("choices").disabled = false;
  byId("choices").focus(); // none of the three is suggested
}

async function choose(answer) {
  if (byId("choices").disabled) return;
  byId("choices").disabled = true;
  answers.push(answer);
  if (answers.length < trials.length) showTrial();
  else await finish();
}

async function finish() {
  byId("trials").value = trials.length;
  try {
    showOutcome(await post("/api/checks/headphones", { answers }));
  } catch (error) {
    answers.pop(); // the last answer is given again when the server can be reached
    byId("choices").disabled = false;
    explain(error);
  }
}

/** @param {{passed: boolean, tries_left: number, next: string}} outcome */
function showOutcome({ passed, tries_left: left, next }) {
  const again = !passed && left > 0;
  if (next === "/complete") {
    goTo(next);
    return;
  }
  const part = passed ? "passed" : again ? "again" : "failed";
  byId("outcome-title").textContent = text(`checks.${part}_title`);
  byId("outcome-text").textContent = text(`checks.${part}`);
  const tries = left === 1 ? text("checks.again_try") : text("checks.again_tries", { tries: left });
  byId("outcome-tries").textContent = again ? tries : "";
  byId("outcome-next").textContent = text(again ? "checks.again_button" : "frame.next");
  byId("outcome-next").onclick = () => (again ? startHeadphones() : goTo(next));
  showStep(byId("outcome"));
}

byId("trial-play").addEventListener("click", playTrial);
sound.addEventListener("ended", ended);
for (const [place, button] of byId("choices").querySelectorAll("button").entries()) {
  button.addEventListener("click", () => choose(place + 1));
}
