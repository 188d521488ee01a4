// A clip that is watched in one go: no seeking, no other speed, no sound switched off, and it stops when the rater
// looks elsewhere. It can be answered once it has played from its beginning to its end.

import { element } from "/static/frame/page.js";

import { clip, giveUp } from "./clips.js";
import { text } from "./texts.js";

const HASTE = 0.9; // an end that comes before this part of the clip's length has passed was not played to
const JUMP_SECONDS = 0.3; // further on than the time since its start by this much: it was sent there

const MEDIA_KEYS = ["play", "pause", "stop", "seekto", "seekforward", "seekbackward", "previoustrack", "nexttrack"];
const NOTHING = { plays: 0, finished: false, focusLosses: 0 };
const NOTES = {
  loading: text("rate.loading"),
  broken: `${text("rate.broken")} ${text("rate.broken_hint")}`,
  interrupted: text("rate.interrupted"),
  refused: text("rate.not_started"),
};

/** @typedef {{plays: number, finished: boolean, focusLosses: number}} Watched how often it was started, whether once to
 *   its end, how often it was stopped because the rater looked elsewhere */
/** @typedef {"loading"|"ready"|"playing"|"ended"|"interrupted"|"refused"|"broken"} PlayerState */

export class Player {
  /**
   * @param {{url: string, label: string, replayLabel: string, name?: string}} what the clip, the words of its button,
   *   and its name beside others, such as "First".
   * @param {{onState: (state: PlayerState, player: Player) => void, onStart?: () => void}} told
   * @param {Watched} before what was seen of it before this page was loaded.
   */
  constructor({ url, label, replayLabel, name = "" }, { onState, onStart = () => {} }, before = NOTHING) {
    this.url = url;
    this.labels = { label, replayLabel };
    this.onState = onState;
    this.onStart = onStart;
    this.watched = { ...before };
    this.held = null; // why its page does not let it play: another clip comes first, or plays
    this.gone = new AbortController();
    this.state = "loading";
    this.#build(name);
    this.#guard();
    this.#show();
  }

  #build(name) {
    const alone = { playsinline: true, disablepictureinpicture: true, disableremoteplayback: true };
    this.video = element("video", { ...alone, preload: "auto" });
    this.button = element("button", { type: "button", class: "play" });
    this.note = element("span", { class: "clip-note" });
    this.bar = element("span", { class: "played" });
    const title = name ? element("figcaption", {}, name) : null;
    const line = element("span", { class: "line" }, this.bar);
    const screen = element("div", { class: "screen" }, this.video, this.button, this.note, line);
    this.element = element("figure", { class: "clip" }, title, screen);
    this.button.addEventListener("click", () => this.play());
  }

  /** Fetch the clip, so that it can be played. */
  async load() {
    this.#become("loading");
    try {
      const address = await clip(this.url, (part) => this.#showPart(part));
      if (!this.gone.signal.aborted) this.video.src = address;
    } catch {
      if (!this.gone.signal.aborted) this.#become("broken");
    }
  }

  /** Play from the beginning, unless it plays already or may not yet; fetch it anew where it could not be played. */
  async play() {
    if (this.button.disabled) return;
    if (this.state === "broken") {
      giveUp(this.url);
      this.load();
      return;
    }
    this.#begin();
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#become("refused");
      else if (error.name !== "AbortError") this.#become("broken"); // AbortError: stopped again before it began
    }
  }

  /** Keep the clip from being played, with a reason that is shown; null lets it play. */
  hold(reason) {
    this.held = reason;
    this.#show();
  }

  /** Stop because the rater looked elsewhere; it starts again from the beginning. */
  interrupt() {
    if (this.state !== "playing") return;
    this.watched.focusLosses += 1;
    this.#become("interrupted");
    this.video.pause();
  }

  /** Let go of the clip, and of the page's events. */
  close() {
    this.gone.abort();
    this.state = "loading";
    this.video.removeAttribute("src");
    this.video.load();
  }

  #begin() {
    this.position = 0;
    this.video.currentTime = 0;
    this.video.muted = false;
    this.video.volume = 1;
    this.startedAt = null;
  }

  #guard() {
    const { video } = this;
    const { signal } = this.gone;
    video.addEventListener("loadeddata", () => this.state === "loading" && this.#become("ready"));
    video.addEventListener("error", () => video.hasAttribute("src") && this.#become("broken"));
    video.addEventListener("playing", () => this.#started());
    video.addEventListener("timeupdate", () => this.#moved());
    video.addEventListener("seeking", () => this.#moved());
    video.addEventListener("ended", () => this.#ended());
    video.addEventListener("pause", () => !video.ended && this.interrupt());
    video.addEventListener("ratechange", () => video.playbackRate !== 1 && (video.playbackRate = 1));
    video.addEventListener("volumechange", () => (video.muted || video.volume < 1) && this.#loud());
    video.addEventListener("contextmenu", (event) => event.preventDefault()); // its menu has "show controls"
    addEventListener("blur", () => this.interrupt(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.interrupt(), { signal });
  }

  #started() {
    if (this.startedAt !== null) return; // goes on after a stall
    this.startedAt = performance.now();
    this.watched.plays += 1;
    this.#become("playing");
    this.onStart();
    if (document.hidden) this.interrupt();
  }

  /** Take back a jump; remember how far it has come. */
  #moved() {
    const { video } = this;
    if (this.state !== "playing") return;
    if (video.currentTime > this.#passedSeconds() + JUMP_SECONDS) video.currentTime = this.position;
    else if (!video.seeking) this.position = video.currentTime;
    this.bar.style.setProperty("--part", String(video.currentTime / (video.duration || 1)));
  }

  #ended() {
    if (this.state !== "playing") return;
    const whole = this.#passedSeconds() >= HASTE * this.video.duration;
    this.watched.finished ||= whole;
    this.#become(whole ? "ended" : "interrupted");
  }

  #passedSeconds() {
    return (performance.now() - this.startedAt) / 1000;
  }

  #loud() {
    this.video.muted = false;
    this.video.volume = 1;
  }

  #become(state) {
    this.state = state;
    this.#show();
    this.onState(state, this);
  }

  #showPart(part) {
    if (this.state !== "loading") return;
    this.note.textContent = text("rate.loading_part", { percent: Math.round(100 * part) });
  }

  #show() {
    const { label, replayLabel } = this.labels;
    const held = this.held !== null && this.state !== "playing";
    this.element.dataset.state = held ? "held" : this.state;
    const words = this.watched.finished ? replayLabel : label;
    this.button.textContent = this.state === "broken" ? text("frame.retry") : words;
    this.button.disabled = held || this.state === "loading" || this.state === "playing";
    this.note.textContent = held ? this.held : (NOTES[this.state] ?? "");
  }
}

/** Take the keys and buttons for media away from the browser, which would seek and pause with them. */
export function silenceMediaKeys() {
  for (const action of MEDIA_KEYS) {
    try {
      navigator.mediaSession?.setActionHandler(action, () => {});
    } catch {
      // this browser has no such key
    }
  }
}
