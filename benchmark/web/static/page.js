// What the scripts of every page need: elements, a line that is shown for a moment, and one that stays.

/**
 * Make an element; text stays text.
 *
 * @param {string} tag
 * @param {Object} attributes by name; true sets one without a value, false, null and undefined none.
 * @param {...(Node|string|null|undefined)} children those that are none are left out.
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SHOWN_MILLISECONDS = 2_500;

let fading = 0;

/** Show a sentence for a moment, and have it read. */
export function say(sentence) {
  const toast = document.querySelector("#toast");
  toast.textContent = sentence;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), SHOWN_MILLISECONDS);
}

/** Show a sentence in the page's own place for it, until it is put right; null takes it away. */
export function complain(sentence) {
  const place = document.querySelector("#complaint");
  place.hidden = sentence === null;
  place.textContent = sentence ?? "";
  if (sentence !== null) place.scrollIntoView({ block: "nearest" });
}
