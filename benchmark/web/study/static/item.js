// One item on the rating page: its clips, its questions, and what was done with them so far, which a reloaded page or a
// closed tab takes up again.

import { byId } from "./dom.js";
import { newKey } from "./outbox.js";
import { Player } from "./player.js";
import { Scale } from "./scale.js";
import { drop, keep, kept } from "./store.js";
import { text } from "./texts.js";

const DRAFT = "draft";

/**
 * @typedef {{token: string, form: "rating"|"preference", number: number, of: number, media: {url: string}[],
 *   prompt: string, criteria: {id: string, name: string, question: string, words: string[]}[],
 *   instruction: string|null, next_media: string[]}} Shown as the server gives it
 */

/** Return the points of a criterion's scale: five words, or first, no difference, second. */
function pointsOf({ words }, form) {
  const label = (place) => String(place + 1); // the key that answers with it
  if (form === "rating") return words.map((word, place) => ({ value: place + 1, label: label(place), words: word }));
  const sides = ["first", "tie", "second"];
  return sides.map((value, place) => ({ value, label: label(place), words: text(`rate.side_${value}`) }));
}

export class Item {
  /**
   * @param {Shown} shown
   * @param {{onStart: (media: number) => void, onChange: () => void}} told when a clip starts, and when anything
   *   changes.
   */
  constructor(shown, { onStart, onChange }) {
    this.shown = shown;
    this.onChange = onChange;
    const found = kept(DRAFT, null);
    const before = found?.token === shown.token ? found : { key: newKey(), clips: [], answers: {} };
    this.key = before.key; // of the answer: the same when it is given again
    const onAnswer = () => this.#changed();
    this.scales = shown.criteria.map((one) => new Scale(one, pointsOf(one, shown.form), { onAnswer }));
    for (const scale of this.scales) scale.restore(before.answers[scale.id]);
    this.players = shown.media.map(({ url }, place) => {
      const told = { onStart: () => onStart(place), onState: () => this.#changed() };
      return new Player({ url, ...this.#labels(place) }, told, before.clips[place]);
    });
  }

  #labels(place) {
    const replayLabel = text("rate.replay");
    if (!this.pair) return { label: text("rate.play"), replayLabel };
    const side = place === 0 ? "first" : "second";
    return { label: text(`rate.play_${side}`), replayLabel, name: text(`rate.side_${side}`) };
  }

  /** Tell whether two clips are compared. */
  get pair() {
    return this.shown.media.length > 1;
  }

  /** Tell whether every clip was seen to its end. */
  get finished() {
    return this.players.every(({ watched }) => watched.finished);
  }

  /** The questions without an answer. */
  get missing() {
    return this.scales.filter(({ answer }) => answer === null);
  }

  /** What was answered, by criterion. */
  get answers() {
    return Object.fromEntries(this.scales.map(({ id, answer }) => [id, answer]));
  }

  /** What is sent to the server. */
  get letter() {
    const clips = this.players.map(({ watched }) => watched);
    return {
      token: this.shown.token,
      answers: this.answers,
      plays: clips.map(({ plays }) => plays),
      focus_losses: clips.reduce((sum, { focusLosses }) => sum + focusLosses, 0),
      key: this.key,
    };
  }

  /** Put it on the page, and fetch its clips. */
  show() {
    byId("prompt").textContent = this.shown.prompt;
    byId("clips").replaceChildren(...this.players.map(({ element }) => element));
    byId("clips").classList.toggle("pair", this.pair);
    byId("scales").replaceChildren(...this.scales.map(({ element }) => element));
    for (const player of this.players) player.load();
  }

  /** Play the clip that is to be played next: the first that was not seen yet, else the one played first. */
  play() {
    const next = this.players.find(({ watched }) => !watched.finished) ?? this.players[0];
    next.play();
  }

  /** Let go of the clips. */
  close() {
    for (const player of this.players) player.close();
  }

  /** Forget what was done with it. */
  forget() {
    drop(DRAFT);
  }

  #changed() {
    const clips = this.players.map(({ watched }) => watched);
    keep(DRAFT, { token: this.shown.token, key: this.key, clips, answers: this.answers });
    const playing = this.players.some(({ state }) => state === "playing");
    const [first, second] = this.players;
    if (second) {
      first.hold(playing ? "" : null);
      second.hold(playing ? "" : first.watched.finished ? null : text("rate.second_waits"));
    }
    if (this.finished) for (const scale of this.scales) scale.open();
    this.onChange();
  }
}
