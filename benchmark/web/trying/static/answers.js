// An answer to hear and see, and where a model looked.

import { element } from "/static/frame/page.js";

/** Return the card of a sound: the film with it, its spectrogram, and the sound as a file. */
export function answerCard(answer) {
  const prompt = answer.prompts[0] ?? "whatever the prompt";
  const card = frame(answer, prompt, answer.prompts.length ? null : "A control reads no prompt: it answers from the scene's own sounds.");
  const { film, sound, spectrogram } = answer.files;
  if (sound === undefined) return card;
  const what = `${answer.model}, ${prompt}`;
  const player = film
    ? element("video", { src: film, controls: true, playsinline: true, preload: "metadata", "aria-label": `Film with the sound of ${what}` })
    : element("audio", { src: sound, controls: true, preload: "metadata", "aria-label": `Sound of ${what}` });
  alone(player);
  card.append(player, picture(player, spectrogram, what));
  card.append(element("p", { class: "small soft" }, `${answer.seconds.toFixed(1)} s to make · `, element("a", { href: sound, download: `${answer.model} ${prompt}.wav` }, "wav")));
  return card;
}

/** Return the card of where a model looked for each prompt: a strip of pictures and a film. */
export function looksCard(answer) {
  const card = frame(answer, "where it looks", "Attention to the end of the prompt times that of the pooling: the brighter, the more. A row for each prompt under the film's own.");
  card.classList.add("looks");
  const { film, strip } = answer.files;
  if (strip === undefined) return card;
  const rows = answer.prompts.join("; ");
  const image = element("img", { src: strip, alt: `Pictures of the film, and under them where ${answer.model} looks for: ${rows}` });
  card.append(element("div", { class: "strip", tabindex: 0, role: "region", "aria-label": "Pictures, from left to right in time" }, image));
  const player = element("video", { src: film, controls: true, playsinline: true, preload: "none", "aria-label": `Film with where ${answer.model} looks for: ${rows}` });
  alone(player);
  card.append(element("details", {}, element("summary", {}, "As a film, with its own sound"), player));
  return card;
}

function frame(answer, title, note) {
  const untrained = document.querySelector(`input[value="${CSS.escape(answer.model)}"]`)?.dataset.untrained === "true";
  const model = element("p", { class: "of" }, answer.model, untrained ? element("span", { class: "chip warn" }, "random weights: this means nothing") : null);
  const card = element("section", { class: "answer", "data-model": answer.model }, element("h4", {}, title), model);
  if (note) card.append(element("p", { class: "small soft" }, note));
  if (answer.fault) card.append(element("p", { class: "complaint" }, answer.fault));
  return card;
}

/** Return a spectrogram with a line where the player is; a click leads there. */
function picture(player, address, what) {
  const line = element("span", { class: "now", "aria-hidden": "true" });
  const image = element("img", { src: address, alt: `Spectrogram of ${what}: time from left to right, low sounds below` });
  const shown = element("div", { class: "spectrogram" }, image, line);
  player.addEventListener("timeupdate", () => line.style.setProperty("left", `${(100 * player.currentTime) / (player.duration || 1)}%`));
  shown.addEventListener("click", (event) => {
    const { left, width } = shown.getBoundingClientRect();
    if (player.duration) player.currentTime = (player.duration * (event.clientX - left)) / width;
  });
  return shown;
}

/** Let one player play at a time. */
function alone(player) {
  player.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video, audio")) if (other !== player) other.pause();
  });
}
