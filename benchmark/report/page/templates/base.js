// Shared by the other parts: the data, the state that a link carries, and small helpers.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Make an element: attributes by name, `text` for its text, children after them. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Path of a file in the media folder; names of models and samples may hold characters with a meaning in addresses. */
const mediaPath = (...parts) => [data.media, ...parts].map(encodeURIComponent).join("/");
const picturePath = (name) => mediaPath("pictures", name);

let toastTimer = 0;
function say(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 2200);
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    const box = make("textarea", { class: "unseen" });
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand("copy");
    box.remove();
    say(copied ? done : "This browser does not allow copying from here");
  }
}

// --- the state in the address -------------------------------------------------------------------------------------

const DEFAULTS = {
  sample: "", track: "", t: "", find: "", subset: "", category: "", order: "", by: "", page: "1",
  models: "", sort: "", down: "", controls: "1", intervals: "1", more: "",
};
const state = { ...DEFAULTS };

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) state[name] = asked.has(name) ? asked.get(name) : DEFAULTS[name];
}

function addressOf(changes = {}) {
  const kept = Object.entries({ ...state, ...changes }).filter(([name, value]) => value !== DEFAULTS[name]);
  return kept.length ? `#${new URLSearchParams(kept)}` : "#";
}

/** Change the state and the address with it, without a step in the browser's history. */
function remember(changes) {
  Object.assign(state, changes);
  history.replaceState(null, "", addressOf());
}

// --- colours ------------------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
const THEME_NAMES = { auto: "as the system", light: "light", dark: "dark" };

function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme[0].toUpperCase() + theme.slice(1);
  byId("theme").setAttribute("aria-label", `Colours: ${THEME_NAMES[theme]}`);
}

function storedTheme() {
  try {
    return THEMES.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto";
  } catch {
    return "auto"; // pages from disk may have no storage
  }
}

function startTheme() {
  showTheme(storedTheme());
  byId("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
    showTheme(next);
    try {
      localStorage.setItem("theme", next);
    } catch {
      say("The choice holds until the page is closed");
    }
  });
}
