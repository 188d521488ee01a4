// Keys of a page, and the dialog that lists them.

const TYPED = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select";
const PRESSED = "button, a, summary, input";

/** Call the action of a key, by `event.key`; keys are letters while one types. */
export function bindKeys(actions) {
  const help = document.querySelector("#help");
  const all = { ...actions, "?": () => help.showModal() };
  document.querySelector("#help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.matches(TYPED)) {
      const chosen = event.key === "Enter" && event.target.matches("select"); // else letters go on choosing from it
      if (chosen) event.preventDefault(); // which would open it
      if (chosen || event.key === "Escape") event.target.blur();
      return;
    }
    const presses = event.key === "Enter" || event.key === " ";
    if (presses && event.target.matches(PRESSED)) return; // the browser presses it
    const action = all[event.key];
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || action.repeats) action();
  });
  // A button that was clicked with the mouse keeps no focus, so that space and enter mean what the list of keys says.
  document.addEventListener("click", (event) => {
    if (event.detail > 0) event.target.closest("button")?.blur();
  });
}

/** Mark an action as one that goes on while its key is held. */
export function repeating(action) {
  action.repeats = true;
  return action;
}
