// The table of scores: sorting within each block and section, filtering, showing more or less.

const sections = [...document.querySelectorAll("#scores tbody[data-section]")];
const blocks = [...document.querySelectorAll("#scores .block-title")].map((title) => ({
  title,
  sections: sections.filter((section) => section.dataset.subset === title.dataset.subset),
}));

function cellValue(line, metric) {
  const value = line.querySelector(`[data-metric="${CSS.escape(metric)}"]`)?.dataset.value;
  return value === undefined ? NaN : Number(value);
}

/** Lines in the requested order; a line without a value stays at the end either way. */
function sortedLines(lines, metric, down) {
  const way = down ? -1 : 1;
  if (metric === "model") return lines.sort((a, b) => way * a.dataset.name.localeCompare(b.dataset.name));
  return lines.sort((a, b) => {
    const [x, y] = [cellValue(a, metric), cellValue(b, metric)];
    return Number.isNaN(x) - Number.isNaN(y) || way * (x - y) || 0;
  });
}

const originalLines = new Map(sections.map((section) => [section, [...section.querySelectorAll(".line")]]));

function showTable() {
  const [metric, down] = [state.sort, state.down === "1"];
  for (const [section, lines] of originalLines) {
    section.append(...(metric ? sortedLines([...lines], metric, down) : lines));
    const words = state.models.toLowerCase().split(/\s+/).filter(Boolean);
    for (const line of lines) line.hidden = !words.every((word) => namesOf(line).includes(word));
    section.hidden = (section.dataset.section === "controls" && state.controls !== "1") || lines.every((l) => l.hidden);
  }
  for (const button of document.querySelectorAll("#scores [data-sort]")) {
    const sort = button.dataset.sort !== metric ? "none" : down ? "descending" : "ascending";
    button.closest("th").setAttribute("aria-sort", sort);
  }
  const table = byId("scores");
  table.classList.toggle("no-intervals", state.intervals !== "1");
  table.classList.toggle("no-extra", state.more !== "1");
  byId("stability")?.classList.toggle("no-extra", state.more !== "1");
  spanGroups();
  for (const { title, sections: below } of blocks) title.hidden = below.every((section) => section.hidden);
  explainNoModels();
}

/** What a row is found by: the name shown, and the one that is typed on the command line. */
const namesOf = (line) => `${line.dataset.name} ${line.dataset.id}`.toLowerCase();

/** Say why the table is empty, and offer the way back. */
function explainNoModels() {
  const none = sections.every((section) => section.hidden);
  const hidden = sections.some((section) => section.dataset.section === "controls") && state.controls !== "1";
  const filter = state.models ? `No model shown has “${state.models}” in its name` : "No model is shown";
  byId("no-models").textContent = none ? `${filter}${hidden ? "; the controls are hidden" : ""}.` : "";
  byId("clear-models").hidden = !none;
}

function clearModels() {
  remember({ models: DEFAULTS.models, controls: DEFAULTS.controls });
  fillTableFields();
  showTable();
  byId("model-filter").focus(); // the button that was pressed is gone
}

/** Columns that are hidden must not widen the heading above them. */
function spanGroups() {
  const heads = [...document.querySelectorAll("#scores thead tr:last-child th")].slice(1, -1);
  const shown = (head) => state.more === "1" || !head.classList.contains("extra");
  let place = 0;
  for (const group of document.querySelectorAll("#scores [data-group]")) {
    group.dataset.all ??= group.colSpan;
    const own = heads.slice(place, place + Number(group.dataset.all));
    place += own.length;
    const count = own.filter(shown).length;
    group.hidden = count === 0;
    group.colSpan = Math.max(1, count);
  }
}

// --- copying ------------------------------------------------------------------------------------------------------

const seen = (cell) => cell.offsetParent !== null;

/** Text of a cell of the table without what is drawn or said beside it. */
function cellText(cell) {
  const text = (cell.querySelector(".value, button") ?? cell).textContent;
  return text.replace(/, (higher|lower).*/, "").replaceAll("\u00a0", " ").trim();
}

/** How each form writes a title, a cell and a row; `marked` is a cell with its rank. */
const FORMS = {
  markdown: {
    name: "Markdown",
    title: (text) => `**${escapedMarkdown(text)}**\n`,
    cell: (text) => escapedMarkdown(text),
    marked: (text, cell) => (cell.classList.contains("best") ? `**${text}**` : cell.classList.contains("second") ? `<u>${text}</u>` : text),
    row: (cells) => `| ${cells.join(" | ")} |`,
    rule: (count) => [`| :-- |${" --: |".repeat(count - 1)}`],
  },
  tsv: {
    name: "TSV",
    title: (text) => text,
    cell: (text) => text.replace(/^[=+\-@]/, "'$&"), // else a spreadsheet calculates
    marked: (text) => text,
    row: (cells) => cells.join("\t"),
    rule: () => [],
  },
};

const escapedMarkdown = (text) => text.replace(/[\\|*_<>`[\]]/g, "\\$&");

/** The table as it is shown, each subset below a line that names it; a row for the heading of each kind of rows. */
function tableAsText(form) {
  const heads = [...document.querySelector("#scores thead tr:last-child").cells].filter(seen);
  const cells = (row) =>
    [...row.cells].filter(seen).map((cell) => {
      const text = cellText(cell);
      return cell.tagName === "TH" ? form.cell(text) : form.marked(text, cell);
    });
  const rows = (section) => {
    const kind = section.querySelector(".section-title");
    const lines = [...section.querySelectorAll(".line")].filter((line) => !line.hidden);
    return [...(kind ? [[form.cell(cellText(kind.cells[0])), ...heads.slice(1).map(() => "")]] : []), ...lines.map(cells)];
  };
  const parts = blocks.filter(({ title }) => !title.hidden).map(({ title, sections: below }) => [
    form.title(title.dataset.about),
    form.row(heads.map((head) => form.cell(cellText(head)))),
    ...form.rule(heads.length),
    ...below.filter((section) => !section.hidden).flatMap(rows).map(form.row),
  ]);
  return parts.map((lines) => lines.join("\n")).join("\n\n");
}

function copyTable(form) {
  const titles = blocks.filter(({ title }) => !title.hidden).map(({ title }) => title.dataset.title);
  if (titles.length) copy(tableAsText(form), `Copied as ${form.name}: ${titles.join(", ")}`);
  else say("Nothing to copy: the table is empty");
}

function startTable() {
  for (const button of document.querySelectorAll("#scores [data-sort]")) {
    button.addEventListener("click", () => {
      const { sort, better } = button.dataset;
      const first = better === "higher" ? "1" : ""; // the best on top at the first press
      if (state.sort !== sort) remember({ sort, down: first });
      else if (state.down === first) remember({ down: first ? "" : "1" });
      else remember({ sort: "", down: "" });
      showTable();
    });
  }
  for (const [id, name] of [["show-controls", "controls"], ["show-intervals", "intervals"], ["show-more", "more"]]) {
    byId(id).addEventListener("change", (event) => {
      remember({ [name]: event.target.checked ? "1" : "" });
      showTable();
    });
  }
  byId("model-filter").addEventListener("input", (event) => {
    remember({ models: event.target.value });
    showTable();
  });
  byId("copy-markdown").addEventListener("click", () => copyTable(FORMS.markdown));
  byId("copy-tsv").addEventListener("click", () => copyTable(FORMS.tsv));
  byId("clear-models").addEventListener("click", clearModels);
  if (!document.querySelector("#scores .extra")) byId("show-more").closest("label").hidden = true;
}

function fillTableFields() {
  byId("model-filter").value = state.models;
  byId("show-controls").checked = state.controls === "1";
  byId("show-intervals").checked = state.intervals === "1";
  byId("show-more").checked = state.more === "1";
}
