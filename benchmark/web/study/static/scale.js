// One question with its possible answers: five points with words, or first, no difference, second.

import { element } from "/static/frame/page.js";

const LONG_WORD = 11; // letters; words longer than this stand beside their points on a narrow screen, not below

/** @typedef {{value: number|string, label: string, words: string}} Point what is sent, and what is shown */

export class Scale {
  /**
   * @param {{id: string, name: string, question: string}} criterion
   * @param {Point[]} points
   * @param {{onAnswer: () => void}} told
   */
  constructor({ id, name, question }, points, { onAnswer }) {
    this.id = id;
    this.points = points;
    this.inputs = points.map(({ value }) => element("input", { type: "radio", name: `criterion-${id}`, value }));
    const long = points.some(({ words }) => words.split(/\s+/).some((word) => word.length > LONG_WORD));
    const asked = element("span", { class: "question" }, question);
    const legend = element("legend", {}, element("span", { class: "criterion" }, name), asked);
    const labels = points.map((point, place) => this.#label(point, place));
    const row = element("div", { class: long ? "points long" : "points" }, ...labels);
    this.element = element("fieldset", { class: "scale", disabled: true, tabindex: "-1" }, legend, row);
    this.element.addEventListener("change", () => {
      this.mark(false);
      onAnswer();
    });
  }

  #label({ label, words }, place) {
    const number = label ? element("span", { class: "number" }, label) : null;
    return element("label", { class: "point" }, this.inputs[place], number, element("span", { class: "words" }, words));
  }

  /** What was answered: the value of a point, or null. */
  get answer() {
    const place = this.inputs.findIndex((input) => input.checked);
    return place < 0 ? null : this.points[place].value;
  }

  /** Let it be answered. */
  open() {
    this.element.disabled = false;
  }

  /** Answer with the point at a place, counted from 0; a place that is not there is passed over. */
  choose(place) {
    if (this.element.disabled || !this.inputs[place]) return false;
    this.inputs[place].checked = true;
    this.element.dispatchEvent(new Event("change"));
    return true;
  }

  /** Take up an answer given before. */
  restore(answer) {
    const place = this.points.findIndex(({ value }) => value === answer);
    if (place >= 0) this.inputs[place].checked = true;
  }

  /** Move the keyboard here: to the answer given, or to the question as a whole, so that no point is suggested. */
  focus() {
    (this.inputs.find((input) => input.checked) ?? this.element).focus();
  }

  /** Tell whether the keyboard is here. */
  get current() {
    return this.element.contains(document.activeElement);
  }

  /** Show that it lacks an answer, after the rater tried to go on without, or that it does no longer. */
  mark(lacking) {
    this.element.classList.toggle("lacking", lacking);
  }
}
