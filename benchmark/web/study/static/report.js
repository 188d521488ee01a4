// Reporting a clip that cannot be judged: it is passed over, and no rating is made of it.

import { byId } from "./dom.js";

/**
 * Let the rater report the clip at hand.
 *
 * @param {(reason: string) => void} report takes a word for the kind of problem, and after a colon what the rater
 *   wrote.
 */
export function startReports(report) {
  const dialog = byId("report");
  const form = dialog.querySelector("form");
  byId("report-open").addEventListener("click", () => {
    form.reset();
    dialog.showModal();
  });
  byId("report-cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const words = given.get("words").trim();
    dialog.close();
    report(words ? `${given.get("reason")}: ${words}` : given.get("reason"));
  });
}
