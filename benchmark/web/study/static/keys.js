// The rating page by keyboard: space plays, digits answer the question at hand, arrows up and down change it, and Enter
// goes on.

const TYPING = "input:not([type='radio']), textarea, select";
const PRESSING = "button, a, summary"; // space and Enter press these, as everywhere

/**
 * Listen to the keys of a page.
 *
 * @param {{play: () => void, choose: (place: number) => void, move: (by: 1|-1) => void, next: () => void,
 *   idle: () => boolean}} does what the keys do; nothing while `idle` says so.
 */
export function listenToKeys({ play, choose, move, next, idle }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || idle()) return;
    if (event.target.closest(TYPING)) return;
    const pressing = event.target.closest(PRESSING) !== null;
    const does = {
      " ": pressing ? null : play,
      Enter: pressing ? null : next,
      ArrowUp: () => move(-1),
      ArrowDown: () => move(1),
    };
    const act = /^[1-9]$/.test(event.key) ? () => choose(Number(event.key) - 1) : does[event.key];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat) act();
  });
}
