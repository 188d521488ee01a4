// Start-up, keys, and following the address.

function fillSelect(id, options, value) {
  byId(id).replaceChildren(...options.map(([key, text]) => make("option", { value: key, text, selected: key === value })));
}

function fillSampleFields() {
  byId("sample-filter").value = state.find;
  const subsets = data.subsets.map(({ name, title }) => [name, title]);
  fillSelect("subset-filter", [["", "All subsets"], ...subsets], state.subset);
  const categories = [...new Set(data.subsets.flatMap((subset) => subset.target_category))].filter(Boolean).sort();
  fillSelect("category-filter", [["", "All categories"], ...categories.map((name) => [name, name])], state.category);
  const orders = data.columns.flatMap(({ name, label, better }) => [
    [`${name}:worst`, `${label}, ${better === "neither" ? "highest" : "worst"} first`],
    [`${name}:best`, `${label}, ${better === "neither" ? "lowest" : "best"} first`],
  ]);
  fillSelect("order", [["", "In order"], ...orders], state.order);
  fillSelect("order-model", data.models.map(({ key, name }) => [key, `of ${name}`]), state.by || data.models[0]?.key);
  byId("order-model").closest("label").hidden = !state.order;
}

function startSamples() {
  const watch = (id, event, name) =>
    byId(id).addEventListener(event, () => {
      remember({ [name]: byId(id).value, page: "1" });
      byId("order-model").closest("label").hidden = !state.order;
      find();
      showCards();
    });
  watch("sample-filter", "input", "find");
  watch("subset-filter", "change", "subset");
  watch("category-filter", "change", "category");
  watch("order", "change", "order");
  watch("order-model", "change", "by");
  byId("clear-filters").addEventListener("click", clearFilters);
  for (const [id, step] of [["page-back", -1], ["page-next", 1]]) {
    byId(id).addEventListener("click", () => {
      turnTo(Number(state.page) + step);
      byId("samples").scrollIntoView();
    });
  }
}

function turnTo(page) {
  remember({ page: String(page), sample: "", t: "" });
  showCards();
}

const cardOf = (name) => byId("cards").querySelector(`[data-sample="${CSS.escape(name)}"]`);

/** Show what the address asks for: filters, page, sample, track and moment. */
function followAddress() {
  readAddress();
  fillTableFields();
  fillSampleFields();
  showTable();
  find();
  const { sample, t } = state;
  const asked = sampleByName.get(sample);
  if (asked) {
    if (!found.includes(asked)) {
      Object.assign(state, { find: "", subset: "", category: "" });
      fillSampleFields();
      find();
    }
    state.page = String(Math.floor(found.indexOf(asked) / CARDS_PER_PAGE) + 1);
  }
  showCards();
  if (!asked) {
    if (sample) say(`This report has no sample ${sample}`);
    return;
  }
  const card = cardOf(sample);
  const player = enter(card);
  if (t) seekWhenReady(player, Number(t));
  card.scrollIntoView({ block: "start" });
}

async function seekWhenReady(player, seconds) {
  if (!Number.isFinite(seconds)) return;
  await Promise.all(player.elements().map(ready));
  player.seek(seconds);
}

function step(way) {
  const at = current ? found.indexOf(current.sample) + way : 0;
  if (at < 0 || at >= found.length) return;
  const page = Math.floor(at / CARDS_PER_PAGE) + 1;
  const heard = current?.player.heard;
  if (page !== Number(state.page)) turnTo(page);
  if (heard) state.track = heard;
  const card = cardOf(nameOf(found[at]));
  enter(card);
  card.scrollIntoView({ block: "start" });
}

function stepTrack(way) {
  const player = enterFirst();
  const keys = [...current.card.querySelectorAll("[data-track]")]
    .filter((row) => !row.querySelector(".listen").disabled)
    .map((row) => row.dataset.track);
  const next = keys[keys.indexOf(player.heard) + way];
  if (next) hear(current.card, next, false);
}

function enterFirst() {
  return current?.player ?? enter(byId("cards").querySelector(".card"));
}

const KEYS = {
  " ": () => enterFirst().toggle(),
  ArrowLeft: () => enterFirst().seek(enterFirst().time - 0.5),
  ArrowRight: () => enterFirst().seek(enterFirst().time + 0.5),
  ArrowUp: () => stepTrack(-1),
  ArrowDown: () => stepTrack(1),
  j: () => step(1),
  k: () => step(-1),
  l: () => current && copyLink(current.sample),
  "/": () => byId("sample-filter").focus(),
  "?": () => byId("help").showModal(),
};

function onKey(event) {
  const typing = event.target.closest("input, select, textarea, dialog[open]");
  const pressing = event.key === " " && event.target.closest("button, a, summary");
  if (event.ctrlKey || event.metaKey || event.altKey || typing || pressing || !byId("cards").firstChild) return;
  const arrows = event.key.startsWith("Arrow");
  if (arrows && (!current || event.target.closest(".scroll"))) return; // until a sample plays, arrows scroll the page
  const track = /^[1-9]$/.test(event.key) && current?.card.querySelectorAll(".listen")[Number(event.key) - 1];
  const act = track ? () => track.click() : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** What is playing now, for tests and scripts that drive the page. */
function playing() {
  if (!current) return null;
  const { player } = current;
  const facts = (element) => ({
    time: element.currentTime, paused: element.paused, muted: element.muted, readyState: element.readyState,
  });
  return {
    heard: player.heard,
    picture: player.video && facts(player.video),
    tracks: [...player.sounds].map(([key, sound]) => ({ key, ...facts(sound) })),
  };
}

globalThis.monoaudio = { playing };

startTheme();
startTable();
startSamples();
followAddress();
addEventListener("hashchange", followAddress);
addEventListener("keydown", onKey);
byId("help-open").addEventListener("click", () => byId("help").showModal());
