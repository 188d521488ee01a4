// The list of clips: which are shown, and which comes next.

import { element } from "/static/frame/page.js";

const MOST_SHOWN = 200; // lines in the page at once

const SHOWS = {
  undecided: (line) => !line.mine && !line.missing,
  all: () => true,
  mine: (line) => line.mine !== "",
  conflicts: (line) => line.conflict,
  missing: (line) => line.missing !== "",
  unusable: (line) => line.unusable !== "",
};

export class Queue {
  /** `open` is called with the id of a clip that was chosen from the list. */
  constructor(open) {
    this.lines = new Map();
    this.changes = 0; // decisions since the page was loaded
    this.current = null;
    this.open = open;
    this.show = document.querySelector("#show");
    this.label = document.querySelector("#of-label");
    for (const filter of [this.show, this.label]) filter.addEventListener("change", () => this.draw());
  }

  fill(lines) {
    this.renew(lines);
    const labels = [...new Set(lines.flatMap((line) => line.labels))].sort();
    this.label.append(...labels.map((label) => element("option", {}, label)));
  }

  /** Take over the line of a clip that was just decided about. */
  set(line) {
    this.changes += 1;
    this.lines.set(line.id, line);
    this.draw();
  }

  /** Take over every line as the server has it now. */
  renew(lines) {
    this.lines = new Map(lines.map((line) => [line.id, line]));
    this.draw();
  }

  /** Mark what was found out about a clip's file when it was opened. */
  learn(id, { missing, unusable }) {
    Object.assign(this.lines.get(id), { missing, unusable });
  }

  /** The clips that the filters let through; the one on the page stays until another is opened. */
  shown() {
    const wants = SHOWS[this.show.value];
    const label = this.label.value;
    return [...this.lines.values()].filter((line) => wants(line) && (!label || line.labels.includes(label)));
  }

  /** Return the id of the next clip that is shown, or the previous one; null where there is none. */
  beside(step) {
    const wanted = new Set(this.shown().map((line) => line.id));
    const all = [...this.lines.keys()];
    const here = all.indexOf(this.current);
    for (let away = 1; away <= all.length; away += 1) {
      const id = all[(((here + step * away) % all.length) + all.length) % all.length];
      if (wanted.has(id) && id !== this.current) return id;
    }
    return null;
  }

  draw() {
    const shown = this.shown();
    const here = Math.max(0, shown.findIndex((line) => line.id === this.current));
    const first = Math.max(0, Math.min(here - MOST_SHOWN / 2, shown.length - MOST_SHOWN));
    const list = document.querySelector("#lines");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.clip : null;
    list.replaceChildren(...shown.slice(first, first + MOST_SHOWN).map((line) => this.#item(line)));
    const more = document.querySelector("#more");
    more.hidden = shown.length <= MOST_SHOWN;
    more.textContent = `${shown.length} clips; ${MOST_SHOWN} of them are listed.`;
    if (!shown.length) list.append(element("li", { class: "soft empty" }, "No clip here."));
    const there = [...this.lines.values()].filter((line) => !line.missing);
    const done = there.filter((line) => line.mine).length;
    document.querySelector("#count").textContent = `${done} of ${there.length} decided`;
    const progress = document.querySelector("#progress");
    progress.max = Math.max(there.length, 1);
    progress.value = done;
    const active = list.querySelector('[aria-current="true"]');
    if (active) list.scrollTop = active.offsetTop - list.clientHeight / 2;
    if (focused) list.querySelector(`[data-clip="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  #item(line) {
    const state = line.missing ? "missing" : line.conflict ? "conflict" : line.mine || (line.unusable ? "unusable" : "undecided");
    const button = element(
      "button",
      { type: "button", class: "line", "data-clip": line.id, "data-state": state, "aria-current": line.id === this.current ? "true" : null },
      element("span", { class: "id" }, line.id),
      element("span", { class: "line-labels soft" }, line.labels.join(" / ") || "no label of the 39"),
      element("span", { class: "unseen" }, state),
    );
    button.addEventListener("click", () => this.open(line.id));
    return element("li", {}, button);
  }
}
