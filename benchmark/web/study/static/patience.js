// Trying again with growing pauses, and telling the rater how long the pause still is.

import { Refused, Unsent } from "./server.js";
import { text } from "./texts.js";

const FIRST_PAUSE_SECONDS = 1;
const LONGEST_PAUSE_SECONDS = 30;

/** @typedef {{seconds: number, status: number}} Pause seconds left; what HTTP said, 0 where no answer came */

export class Patience {
  /** @param {(pause: Pause|null) => void} onPause told each second of a pause, and null when nothing waits any more. */
  constructor(onPause) {
    this.onPause = onPause;
    this.wakes = new Set();
    addEventListener("online", () => this.hurry());
  }

  /**
   * Return what an action returns, trying again while it throws Unsent, or is refused for the moment only.
   *
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>} rejects with whatever else the action throws.
   */
  async until(action) {
    for (let pause = FIRST_PAUSE_SECONDS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS)) {
      try {
        const outcome = await action();
        this.onPause(null);
        return outcome;
      } catch (error) {
        if (error instanceof Unsent) await this.#wait(Math.max(pause, error.waitSeconds), error.status);
        else if (error instanceof Refused && error.told.code === "early") {
          await this.#wait(error.told.wait_seconds, error.status); // by the server's clock the clip still plays
        } else {
          this.onPause(null);
          throw error;
        }
      }
    }
  }

  /** Try at once what waits for its next try. */
  hurry() {
    for (const wake of this.wakes) wake();
  }

  async #wait(seconds, status) {
    let hurried = false;
    for (let left = Math.ceil(seconds); left > 0 && !hurried; left -= 1) {
      this.onPause({ seconds: left, status });
      hurried = await this.#second();
    }
    this.onPause({ seconds: 0, status });
  }

  /** Wait for a second; return true if `hurry` was called meanwhile. */
  async #second() {
    let wake;
    const hurried = new Promise((resolve) => {
      wake = () => resolve(true);
      this.wakes.add(wake);
    });
    const over = new Promise((resolve) => setTimeout(resolve, 1000, false));
    const outcome = await Promise.race([hurried, over]);
    this.wakes.delete(wake);
    return outcome;
  }
}

/** Return "now" or "in 5 s" in the study's words. */
export const when = ({ seconds }) => (seconds > 0 ? text("frame.in_seconds", { seconds }) : text("frame.now"));
