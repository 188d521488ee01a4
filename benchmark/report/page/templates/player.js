// One player for the current sample: the picture is the clock; every track plays along, muted but for the one heard.
// All tracks play at once, so changing the track flips two mute switches and leaves no gap.

const DRIFT_SECONDS = 0.06; // muted tracks further off than this are corrected
const HEARD_DRIFT_SECONDS = 0.15; // the one heard is left alone longer: a correction is audible
const READY_MILLISECONDS = 3000; // longest wait for a track that does not load

class Player {
  /** @param {{video: ?HTMLVideoElement, tracks: {key: string, file: ?string}[], onTime: Function, onState: Function}} */
  constructor({ video, tracks, onTime, onState }) {
    this.video = video;
    this.onTime = onTime;
    this.onState = onState;
    this.sounds = new Map();
    for (const { key, file } of tracks) {
      if (!file) continue;
      const sound = new Audio();
      sound.preload = "auto";
      sound.muted = true;
      sound.src = file;
      this.sounds.set(key, sound);
    }
    this.clock = video ?? [...this.sounds.values()][0] ?? null;
    this.heard = "";
    this.playing = false;
    this.clock?.addEventListener("ended", () => this.pause());
    if (video) {
      video.muted = true;
      video.addEventListener("pause", () => this.playing && !video.ended && this.pause());
    }
  }

  get time() {
    return this.clock?.currentTime ?? 0;
  }

  get length() {
    const length = this.clock?.duration;
    return Number.isFinite(length) && length > 0 ? length : 8;
  }

  /** Hear one track; "scene" is the soundtrack of the video itself. */
  hear(key) {
    this.heard = key;
    if (this.video) this.video.muted = key !== "scene";
    for (const [name, sound] of this.sounds) {
      if (name === key && Math.abs(sound.currentTime - this.time) > DRIFT_SECONDS) sound.currentTime = this.time;
      sound.muted = name !== key;
    }
    this.onState();
  }

  async play() {
    if (!this.clock || this.playing) return;
    this.playing = true;
    this.onState();
    const all = this.elements();
    if (this.clock.ended) this.seek(0);
    await Promise.all(all.map(ready));
    if (!this.playing) return;
    this.align(0.02);
    const started = await Promise.allSettled(all.filter((element) => !element.error).map((element) => element.play()));
    if (this.playing && this.clock.paused) {
      const refused = started.find((result) => result.status === "rejected");
      this.pause();
      say(refused ? `Cannot play: ${refused.reason.message}` : "Cannot play this sample");
      return;
    }
    this.follow();
  }

  pause() {
    this.playing = false;
    for (const element of this.elements()) element.pause();
    this.onTime(this.time);
    this.onState();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  seek(seconds) {
    const time = Math.min(Math.max(0, seconds), this.length);
    for (const element of this.elements()) element.currentTime = Math.min(time, element.duration || time);
    this.onTime(time);
  }

  elements() {
    return [...new Set([this.clock, ...this.sounds.values()])].filter(Boolean);
  }

  /** Correct tracks that are out of step, and restart those that ended before the clock went back. */
  align(tolerance, heardTolerance = tolerance) {
    for (const [key, sound] of this.sounds) {
      if (sound === this.clock || sound.readyState < 2 || this.time >= sound.duration - 0.05) continue;
      const limit = key === this.heard ? heardTolerance : tolerance;
      if (Math.abs(sound.currentTime - this.time) > limit) sound.currentTime = this.time;
      if (sound.paused && this.playing) sound.play().catch(() => {}); // a pause in between is not an error
    }
  }

  /** While playing: move the marks with every frame and check the muted tracks twice a second. */
  follow() {
    let checked = 0;
    const step = (now) => {
      if (!this.playing) return;
      if (now - checked > 500) {
        checked = now;
        this.align(DRIFT_SECONDS, HEARD_DRIFT_SECONDS);
      }
      this.onTime(this.time);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Release every file; browsers limit how many players are open. */
  close() {
    this.pause();
    for (const sound of this.sounds.values()) {
      sound.removeAttribute("src");
      sound.load();
    }
    this.sounds.clear();
  }
}

/** Wait until an element can play on, has failed, or takes too long. */
function ready(element) {
  if (element.readyState >= 3 || element.error) return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(done, READY_MILLISECONDS);
    for (const event of ["canplay", "error"]) {
      element.addEventListener(event, () => (clearTimeout(timer), done()), { once: true });
    }
    if (element.networkState === 0 || element.preload === "none") element.load();
  });
}
