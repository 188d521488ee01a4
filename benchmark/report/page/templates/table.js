// The table of scores: sorting within each block and section, filtering, showing more or less.

const sections = [...document.querySelectorAll("#scores tbody[data-section]")];

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
    for (const line of lines) line.hidden = !words.every((word) => line.dataset.name.toLowerCase().includes(word));
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

function tableAsText() {
  const rows = [...document.querySelectorAll("#scores thead tr:last-child, #scores .line")];
  const seen = (cell) => cell.offsetParent !== null;
  const text = (cell) => (cell.querySelector(".value, button") ?? cell).textContent.replace(/, (higher|lower).*/, "").trim();
  const shown = (cell) => (cell.tagName === "TH" ? text(cell).replace(/^[=+\-@]/, "'$&") : text(cell)); // else a spreadsheet calculates
  return rows.filter(seen).map((row) => [...row.cells].filter(seen).map(shown).join("\t")).join("\n");
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
  byId("copy-table").addEventListener("click", () => copy(tableAsText(), "Table copied"));
  if (!document.querySelector("#scores .extra")) byId("show-more").closest("label").hidden = true;
}

function fillTableFields() {
  byId("model-filter").value = state.models;
  byId("show-controls").checked = state.controls === "1";
  byId("show-intervals").checked = state.intervals === "1";
  byId("show-more").checked = state.more === "1";
}
