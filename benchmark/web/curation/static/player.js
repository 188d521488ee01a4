// A film of which a stretch is played, again and again.

export const SCENE_SECONDS = 8;

/** Plays the 8 s of one clip in a `video` element. */
export class Player {
  /** `tick` is called whenever the moment shown may have changed; `failed` where the browser cannot play the film. */
  constructor(video, { tick = () => {}, failed = () => {} } = {}) {
    this.video = video;
    this.loops = true;
    this.start = 0;
    this.frame = 1 / 25;
    this.tick = tick;
    for (const event of ["seeked", "loadedmetadata", "pause", "play"]) video.addEventListener(event, () => tick());
    video.addEventListener("play", () => this.#watch());
    video.addEventListener("ended", () => this.loops && this.again());
    video.addEventListener("error", () => video.getAttribute("src") && failed());
  }

  /** Show a film; `start` is where its 8 s begin. */
  show(address, { start = 0, framesPerSecond = 25 } = {}) {
    this.start = start;
    this.frame = 1 / framesPerSecond;
    this.video.src = address;
    this.video.currentTime = start;
  }

  /** Show nothing. */
  clear() {
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }

  get playing() {
    return !this.video.paused;
  }

  get end() {
    const length = Number.isFinite(this.video.duration) ? this.video.duration : Infinity;
    return Math.min(this.start + SCENE_SECONDS, length);
  }

  /** Begin; a browser that wants a key or a click first leaves it paused. */
  play() {
    if (!this.video.getAttribute("src")) return;
    const at = this.video.currentTime;
    if (at < this.start - 0.01 || at >= this.end - 0.01) this.video.currentTime = this.start;
    this.video.play().catch(() => this.tick());
  }

  pause() {
    this.video.pause();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  again() {
    this.video.currentTime = this.start;
    this.video.play().catch(() => this.tick());
  }

  seek(seconds) {
    this.video.currentTime = Math.max(0, seconds);
  }

  /** Move the 8 s; what is shown then is their beginning. */
  move(start) {
    this.start = start;
    this.video.currentTime = start;
  }

  step(frames) {
    this.pause();
    const place = Math.round(this.video.currentTime / this.frame) + frames;
    this.seek((place + 0.01) * this.frame); // just within the frame: a time on its edge may show its neighbour
  }

  #watch() {
    if (!this.playing) return;
    if (this.video.currentTime >= this.end - 0.02) {
      if (this.loops) this.video.currentTime = this.start;
      else this.pause();
    }
    this.tick();
    requestAnimationFrame(() => this.#watch());
  }
}
