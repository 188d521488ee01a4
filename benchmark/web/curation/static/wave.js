// The outline of a clip's sound on a canvas, with the 8 s that count; they can be moved with a finger or a mouse.

import { SCENE_SECONDS } from "./player.js";

const HEIGHT = 96; // CSS pixels
const LATEST = 2; // seconds, the latest start
const DRAG = 4; // pixels after which a press is no click

export class Wave {
  /** `seek` is called with the second that was clicked, `move` with the start to which the 8 s were drawn. */
  constructor(canvas, { seek, move }) {
    this.canvas = canvas;
    this.peaks = null;
    this.seconds = 10;
    this.start = 0;
    this.at = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => {
      pressed = { x: event.offsetX, start: this.start, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!pressed) return;
      pressed.moved ||= Math.abs(event.offsetX - pressed.x) > DRAG;
      if (pressed.moved) move(pressed.start + this.#seconds(event.offsetX - pressed.x));
    });
    canvas.addEventListener("pointerup", (event) => {
      if (pressed && !pressed.moved) seek(this.#seconds(event.offsetX));
      pressed = null;
    });
    canvas.addEventListener("pointercancel", () => (pressed = null));
  }

  /** Show the sound of a film of so many seconds; `peaks` is null where it has none or is not known yet. */
  show(peaks, seconds) {
    this.peaks = peaks;
    this.seconds = Math.max(seconds, 0.1);
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const width = canvas.clientWidth;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(HEIGHT * scale);
    const brush = canvas.getContext("2d");
    brush.scale(scale, scale);
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();
    const x = (seconds) => (seconds / this.seconds) * width;
    const [from, to] = [x(this.start), x(Math.min(this.start + SCENE_SECONDS, this.seconds))];
    brush.fillStyle = colour("--accent-wash");
    brush.fillRect(from, 0, to - from, HEIGHT);
    this.#columns(brush, width, from, to, colour("--accent"), colour("--line"));
    this.#ticks(brush, x, colour("--soft"));
    brush.fillStyle = colour("--accent");
    for (const edge of [from, to]) brush.fillRect(Math.min(Math.max(edge - 1.5, 0), width - 3), 0, 3, HEIGHT);
    brush.fillStyle = colour("--ink");
    brush.fillRect(x(this.at) - 1, 0, 2, HEIGHT);
  }

  #columns(brush, width, from, to, inside, outside) {
    if (!this.peaks) return;
    const { low, high, seconds } = this.peaks;
    const loudest = Math.max(8, ...high, ...low.map((value) => -value)); // quiet sounds are drawn larger, silence is not
    const middle = HEIGHT / 2;
    const tall = (HEIGHT / 2 - 14) / loudest;
    const step = ((seconds / this.seconds) * width) / high.length;
    for (let column = 0; column < high.length; column += 1) {
      const place = column * step;
      const top = middle - high[column] * tall;
      brush.fillStyle = place >= from && place <= to ? inside : outside;
      brush.fillRect(place, top, Math.max(step, 0.7), Math.max((high[column] - low[column]) * tall, 1));
    }
  }

  #ticks(brush, x, colour) {
    brush.fillStyle = colour;
    brush.font = "10px system-ui, sans-serif";
    for (let second = 0; second <= this.seconds; second += 1) {
      brush.fillRect(x(second), HEIGHT - 4, 1, 4);
      if (second % 2 === 0 && second && second < this.seconds - 0.3) brush.fillText(`${second} s`, x(second) + 3, HEIGHT - 3);
    }
  }

  #seconds(pixels) {
    return (pixels / this.canvas.clientWidth) * this.seconds;
  }
}

/** Return a start that a clip can have: 0 to 2 s, on a frame of the scene, which has 25 a second. */
export function onGrid(seconds) {
  const frames = Math.round(Math.min(Math.max(seconds, 0), LATEST) * 25);
  return Math.round(frames * 4) / 100;
}
