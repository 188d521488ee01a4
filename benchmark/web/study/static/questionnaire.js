// The last questions: what was given to each is sent at once; what has to be answered is said beside its question.

import { complain } from "/static/frame/page.js";

import { byId } from "./dom.js";
import { goTo, once } from "./leaving.js";
import { post } from "./server.js";
import { text } from "./texts.js";

const questions = [...document.querySelectorAll("[data-question]")];

/** What was given to a question: a word, a number, or "" for nothing. */
function given(question) {
  const { kind } = question.dataset;
  if (kind === "choice" && !question.querySelector("select")) return question.querySelector(":checked")?.value ?? "";
  const { value } = question.querySelector("input, textarea, select");
  return kind === "number" && value !== "" ? Number(value) : value.trim();
}

/** Say beside a question that it has to be answered, or no longer. */
function mark(question) {
  const missing = question.dataset.required === "true" && given(question) === "";
  question.querySelector(".fault").hidden = !missing;
  const fields = question.querySelectorAll("input, textarea, select");
  for (const field of fields) field.setAttribute("aria-invalid", String(missing));
  return missing;
}

for (const question of questions) question.addEventListener("change", () => mark(question));

once(byId("send"), async () => {
  const missing = questions.filter(mark);
  if (missing.length) {
    complain(text("questionnaire.missing"));
    missing[0].querySelector("input, textarea, select").focus();
    return;
  }
  const answers = Object.fromEntries(questions.map((question) => [question.dataset.question, given(question)]));
  const { next } = await post("/api/questionnaire", { answers });
  goTo(next);
});
