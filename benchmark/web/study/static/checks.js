// The checks before the first clip: does the browser play it, is the window large enough, is the volume set; then,
// where the study asks for them, headphones.

import { announce, byId, showStep } from "./dom.js";
import { startHeadphones } from "./headphones.js";
import { goTo, once } from "./leaving.js";
import { post } from "./server.js";
import { text } from "./texts.js";
import { Tone } from "./tone.js";

const CLIPS = 'video/mp4; codecs="avc1.64001f, mp4a.40.2"'; // H.264 High and AAC-LC, as the clips are encoded
const NARROW_PIXELS = 600; // below, a clip of 16:9 is hardly larger than a hand

const canPlay = document.createElement("video").canPlayType(CLIPS) !== "";
const tone = new Tone();

function showFinding(id, good, key) {
  const line = byId(id);
  line.dataset.good = String(good);
  line.textContent = text(key);
}

function showWindow() {
  const wide = innerWidth >= NARROW_PIXELS;
  showFinding("screen", wide, wide ? "checks.device_screen" : "checks.device_small");
}

async function switchTone() {
  if (tone.sounds) {
    await tone.stop();
  } else {
    try {
      await tone.start();
      byId("heard").disabled = false;
      byId("heard-hint").hidden = true;
    } catch {
      await tone.stop();
      announce(text("checks.tone_failed"));
      byId("tone-note").textContent = text("checks.tone_failed");
    }
  }
  byId("tone").textContent = text(tone.sounds ? "checks.tone_stop" : "checks.tone_play");
  byId("tone").setAttribute("aria-pressed", String(tone.sounds));
}

/** Tell the server what was found; go on to the headphones or to the next page. */
async function goOn() {
  await tone.stop();
  const { next } = await post("/api/checks/device", { width: innerWidth, height: innerHeight, canPlay });
  if (next === "/checks") startHeadphones();
  else goTo(next);
}

function startDevice() {
  showFinding("plays", canPlay, canPlay ? "checks.device_plays" : "checks.device_cannot");
  byId("plays-hint").hidden = canPlay;
  byId("sound").hidden = !canPlay;
  showWindow();
  addEventListener("resize", showWindow);
  byId("tone").addEventListener("click", switchTone);
  once(byId("heard"), goOn);
  byId("tone").disabled = false; // from now on it does something
  if (!canPlay) post("/api/checks/device", { width: innerWidth, height: innerHeight, canPlay }).catch(() => {});
}

if (byId("device")) {
  startDevice();
  showStep(byId("device"));
} else {
  startHeadphones();
}
