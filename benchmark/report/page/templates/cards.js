// The samples: finding, ordering, one card each, ten at a time.

const CARDS_PER_PAGE = 10;
const HEADLINE = data.columns.filter((column) => column.headline);

/** Every sample as {subset, place}; its values are looked up in the columns when they are needed. */
const everySample = data.subsets.flatMap((subset) => subset.sample_id.map((_, place) => ({ subset, place })));
const nameOf = ({ subset, place }) => `${subset.name}/${subset.sample_id[place]}`;
const sampleByName = new Map(everySample.map((sample) => [nameOf(sample), sample]));
const scoreOf = ({ subset, place }, model, metric) => subset.models[model]?.scores[metric]?.[place] ?? null;

let found = everySample;
let current = null; // {sample, card, player}

// --- finding and ordering -----------------------------------------------------------------------------------------

function matches({ subset, place }) {
  if (state.subset && subset.name !== state.subset) return false;
  if (state.category && subset.target_category[place] !== state.category) return false;
  const text = `${subset.sample_id[place]} ${subset.label[place]} ${subset.paired_label[place]}`.toLowerCase();
  return state.find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function find() {
  found = everySample.filter(matches);
  const [metric, way] = state.order.split(":");
  const column = data.columns.find(({ name }) => name === metric);
  if (column) {
    const worst = (way === "worst") === (column.better === "higher") ? 1 : -1;
    const value = (sample) => scoreOf(sample, state.by || data.models[0].key, metric);
    found = found
      .map((sample) => [sample, value(sample)])
      .sort(([, a], [, b]) => (a === null) - (b === null) || worst * (a - b) || 0)
      .map(([sample]) => sample);
  }
}

/** The filters that are set, as in “harp” and subset Inter-class and category Music. */
function filtersInWords() {
  const subset = data.subsets.find(({ name }) => name === state.subset);
  const set = [
    state.find && `“${state.find}”`,
    state.subset && `subset ${subset?.title ?? state.subset}`,
    state.category && `category ${state.category}`,
  ];
  return set.filter(Boolean).join(" and ");
}

function clearFilters() {
  remember({ find: DEFAULTS.find, subset: DEFAULTS.subset, category: DEFAULTS.category, page: DEFAULTS.page });
  fillSampleFields();
  find();
  showCards();
  byId("sample-filter").focus(); // the button that was pressed is gone
}

const pages = () => Math.max(1, Math.ceil(found.length / CARDS_PER_PAGE));

function showCards() {
  leave();
  const page = Math.min(Math.max(1, Number(state.page) || 1), pages());
  state.page = String(page);
  const shown = found.slice((page - 1) * CARDS_PER_PAGE, page * CARDS_PER_PAGE);
  byId("cards").replaceChildren(...shown.map(makeCard));
  const count = `${found.length.toLocaleString("en")} ${found.length === 1 ? "sample" : "samples"}`;
  byId("found").textContent = found.length ? count : `No sample matches ${filtersInWords()}.`;
  byId("clear-filters").hidden = found.length > 0;
  byId("cards").parentElement.querySelector(".pages").hidden = found.length === 0;
  byId("page-now").textContent = `${page} of ${pages()}`;
  byId("page-back").disabled = page === 1;
  byId("page-next").disabled = page === pages();
}

// --- one card -----------------------------------------------------------------------------------------------------

/** What can be heard of a sample, in the order of the card: the scene, both sources, then the models. */
function tracksOf(sample) {
  const { subset, place } = sample;
  const id = subset.sample_id[place];
  const source = (clip) => (clip in data.sources ? { file: mediaPath("sources", `${clip}.wav`), picture: data.sources[clip] } : null);
  const [target, paired] = [source(subset.target_id[place]), source(subset.paired_id[place])];
  const tracks = [];
  if (subset.scenes[place] !== null) {
    const picture = subset.soundtracks[place];
    tracks.push({ key: "scene", name: "Scene", kind: "scene", file: null, picture, failed: "no picture of its sound" });
  }
  if (target) tracks.push({ key: "target", name: "Target, alone", kind: "target", ...target });
  if (paired) tracks.push({ key: "paired", name: "Paired, alone", kind: "paired", ...paired });
  for (const { key, name, kind } of data.models) {
    const answers = subset.models[key];
    if (!answers) continue;
    const picture = answers.pictures[place];
    const file = picture === null ? null : mediaPath("answers", key, subset.name, `${id}.wav`);
    tracks.push({ key: `m.${key}`, name, kind, file, picture, model: key, failed: answers.failed[place] });
  }
  return tracks;
}

function makeCard(sample) {
  const { subset, place } = sample;
  const id = subset.sample_id[place];
  const heading = make("h3", {}, make("span", { class: "prompt", text: subset.label[place] }));
  const facts = make("p", { class: "facts" });
  if (subset.paired_label[place]) facts.append("beside ", make("b", { text: subset.paired_label[place] }), " · ");
  facts.append(subset.title, " · ", make("code", { text: id }));
  const link = make("button", { type: "button", class: "quiet link", "aria-label": `Copy a link to ${id}`, text: "Link" });
  const card = make(
    "article",
    { class: "card", "data-sample": nameOf(sample), "aria-label": `${subset.label[place]}, ${id}` },
    make("div", { class: "card-head" }, make("div", {}, heading, facts), link),
    make("div", { class: "card-body" }, makeStage(sample), makeTracks(sample)),
  );
  link.addEventListener("click", () => copyLink(sample));
  card.addEventListener("click", (event) => {
    const listen = event.target.closest("[data-track]");
    const strip = event.target.closest(".strip");
    if (listen && strip) seekInStrip(card, listen.dataset.track, strip, event);
    else if (event.target.closest(".listen")) hear(card, listen.dataset.track, true);
    else if (event.target.closest(".play, .screen")) enter(card).toggle();
  });
  card.querySelector(".seek").addEventListener("input", (event) => enter(card).seek(Number(event.target.value)));
  return card;
}

function makeStage({ subset, place }) {
  const screen = make("div", { class: "screen" });
  const poster = subset.scenes[place];
  if (poster !== null) {
    const file = mediaPath("scenes", subset.name, `${subset.sample_id[place]}.mp4`);
    const video = make("video", { src: file, poster: poster ? picturePath(poster) : null, preload: "none", playsinline: true, width: 1280, height: 720, "aria-label": "Scene" });
    video.muted = true;
    screen.append(video);
  } else {
    screen.append(make("p", { class: "no-scene", text: "No scene: the benchmark was not given" }));
  }
  const side = subset.target_side[place];
  if (side) {
    const halves = side === "left" ? ["target", "paired"] : ["paired", "target"];
    const label = { target: subset.label[place], paired: subset.paired_label[place] };
    for (const [at, half] of halves.entries()) {
      screen.append(make("span", { class: `half ${half} ${at ? "right" : "left"}` }, make("span", { text: `${half}: ${label[half]}` })));
    }
  }
  const play = make("button", { type: "button", class: "play", "aria-label": "Play" });
  const seek = make("input", { type: "range", class: "seek", min: 0, max: 8, step: 0.01, value: 0, "aria-label": "Position in seconds" });
  const clock = make("span", { class: "clock", text: "0.0 s" });
  return make("div", { class: "stage" }, screen, make("div", { class: "transport" }, play, seek, clock));
}

function makeTracks(sample) {
  const heads = HEADLINE.map((column) => make("th", { scope: "col", class: "number", title: column.about, text: `${column.label} ${column.arrow}`.trim() }));
  if (data.selectivity.length) {
    const about = data.selectivity.map((one) => `${one.label}: ${one.about}`).join("\n");
    heads.push(make("th", { scope: "col", class: "nearer-head", title: about, text: "Nearer to" }));
  }
  const body = tracksOf(sample).map((track, at) => makeTrack(sample, track, at));
  return make(
    "table",
    { class: "tracks" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Listen to" }), make("th", { scope: "col", class: "strip-head", text: "Sound" }), ...heads)),
    make("tbody", {}, ...body),
  );
}

function makeTrack(sample, track, at) {
  const listen = make("button", { type: "button", class: "listen", "aria-pressed": "false", disabled: !track.file && track.key !== "scene" },
    make("kbd", { "aria-hidden": "true", text: at < 9 ? String(at + 1) : "" }), make("span", { text: track.name }));
  const strip = make("td", { class: "strip-cell" });
  if (track.picture) {
    strip.append(make("div", { class: "strip" }, make("img", { src: picturePath(track.picture), loading: "lazy", decoding: "async", alt: `Spectrogram of ${track.name}`, width: 320, height: 72 }), make("i")));
  } else {
    strip.append(make("span", { class: "missing", text: track.failed ?? "no audio" }));
  }
  const scores = HEADLINE.map(({ name, label, decimals }) => {
    const value = track.model ? scoreOf(sample, track.model, name) : null;
    const text = value === null ? (track.model ? "–" : "") : value.toFixed(decimals);
    return make("td", { class: "number", "data-metric": name, "data-label": label, text });
  });
  if (data.selectivity.length) scores.push(makeNearer(sample, track));
  return make("tr", { class: `track ${track.kind}`, "data-track": track.key }, make("th", { scope: "row" }, listen), strip, ...scores);
}

const VERDICTS = [
  { mark: "✗", word: "lost", sound: "paired" },
  { mark: "=", word: "tied", sound: "neither" },
  { mark: "✓", word: "won", sound: "target" },
]; // by twice the win: 0, 1/2, 1

/** Which sound an answer is nearer to, and by how much, once for each way to measure it. */
function makeNearer(sample, { model }) {
  const cell = make("td", { class: "nearer", "data-label": "Nearer to" });
  if (!model) return cell;
  for (const { margin, win, label, decimals } of data.selectivity) {
    const [by, won] = [scoreOf(sample, model, margin), scoreOf(sample, model, win)];
    if (by === null || won === null) continue;
    const { mark, word, sound } = VERDICTS[Math.round(2 * won)];
    cell.append(
      make("span", { class: `verdict ${word}`, "data-metric": margin },
        make("span", { class: "way", text: label }), " ",
        make("span", { class: "mark", "aria-hidden": "true", text: mark }), " ",
        make("b", { text: `${word}: ${sound}` }), make("span", { class: "unseen", text: ", by" }), " ",
        make("span", { class: "by", text: signed(by, decimals) })),
    );
  }
  return cell;
}

/** A number with its sign, and a minus that screen readers read as one; never minus zero. */
function signed(value, decimals) {
  const text = Math.abs(value).toFixed(decimals);
  return Number(text) === 0 ? text : `${value > 0 ? "+" : "−"}${text}`;
}

// --- playing ------------------------------------------------------------------------------------------------------

/** Make a card the current one, and return its player. */
function enter(card) {
  if (current?.card === card) return current.player;
  leave();
  const sample = sampleByName.get(card.dataset.sample);
  const tracks = tracksOf(sample);
  const player = new Player({
    video: card.querySelector("video"),
    tracks,
    onTime: (time) => showTime(card, time, player.length),
    onState: () => showState(card, player),
  });
  current = { sample, card, player, tracks };
  card.classList.add("current");
  const usable = tracks.filter((track) => track.file || track.key === "scene").map((track) => track.key);
  player.hear(usable.includes(state.track) ? state.track : usable.find((key) => key.startsWith("m.")) ?? usable[0] ?? "");
  remember({ sample: card.dataset.sample, t: "" });
  return player;
}

function leave() {
  if (!current) return;
  current.player.close();
  current.card.classList.remove("current");
  current = null;
}

function hear(card, track, play) {
  const player = enter(card);
  player.hear(track);
  remember({ track });
  if (play) player.play();
}

function seekInStrip(card, track, strip, event) {
  const box = strip.getBoundingClientRect();
  const player = enter(card);
  hear(card, track, false);
  player.seek(((event.clientX - box.left) / box.width) * player.length);
  player.play();
}

function showTime(card, time, length) {
  const seek = card.querySelector(".seek");
  seek.max = length;
  seek.value = time;
  seek.setAttribute("aria-valuetext", `${time.toFixed(1)} of ${length.toFixed(1)} seconds`);
  card.querySelector(".clock").textContent = `${time.toFixed(1)} s`;
  card.style.setProperty("--played", String(time / length));
}

function showState(card, player) {
  const play = card.querySelector(".play");
  play.classList.toggle("playing", player.playing);
  play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  for (const row of card.querySelectorAll("[data-track]")) {
    const heard = row.dataset.track === player.heard;
    row.classList.toggle("heard", heard);
    row.querySelector(".listen").setAttribute("aria-pressed", String(heard));
  }
}

function copyLink(sample) {
  const here = current && nameOf(current.sample) === nameOf(sample);
  const moment = here ? { track: current.player.heard, t: current.player.time.toFixed(2) } : { t: "" };
  const address = location.href.split("#")[0] + addressOf({ sample: nameOf(sample), ...moment });
  copy(address, "Link copied");
}
