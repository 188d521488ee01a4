import csv
import html.parser
import io
import json
import re
import shutil
import subprocess

import pytest
from rich.console import Console

from benchmark.report import build_table, collect, render_terminal, write_report
from benchmark.report.tables.formats import latex_escaped, to_csv, to_latex, to_markdown
from benchmark.report.tables.presets import PRESETS, preset_table
from benchmark.report.tables.published import published_alone
from benchmark.runs import folder_name
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import SUBSET_TITLES

HEADLINE = [metric for metric in list_metrics() if metric.headline or metric.field == "win"]


def expected_texts(made):
    """Value and interval of every run as text: straight from metrics.json, by the registry's places."""
    texts = {}
    for run in made.runs:
        record = json.loads(run.metrics_json.read_text())
        for metric in HEADLINE:
            found = record["metrics"][metric.name]
            numbers = [] if found["value"] is None else [found["value"], *found["ci95"]]
            shown = [f"{number:.{metric.decimals}f}" for number in numbers]
            texts[record["benchmark"]["subset"], record["model"]["name"], metric.name] = shown
    return texts


def numbers_in(text):
    return re.findall(r"-?\d+\.\d+", text)


def from_markdown(text):
    subset, found = "", {}
    titles = {title: subset for subset, title in SUBSET_TITLES.items()}
    for line in text.splitlines():
        if line.startswith("## "):
            subset = titles[line[3:]]
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == len(HEADLINE) + 2 and "/" in cells[-1] and "n/N" not in cells[-1]:
            for metric, cell in zip(HEADLINE, cells[1:-1], strict=True):
                found[subset, cells[0].rstrip("†"), metric.name] = numbers_in(cell)
    return found


def from_latex(text):
    subset, found = "", {}
    titles = {title: subset for subset, title in SUBSET_TITLES.items()}
    for line in text.splitlines():
        for title, name in titles.items():
            subset = name if rf"\textit{{{title}}}" in line else subset
        cells = line.split(" & ")
        if len(cells) == len(HEADLINE) + 2 and re.search(r"\d/\d", cells[-1]):
            model = re.sub(r"\\textsuperscript.*", "", cells[0])
            for metric, cell in zip(HEADLINE, cells[1:-1], strict=True):
                found[subset, model, metric.name] = numbers_in(cell)
    return found


def from_csv(text):
    found = {}
    for row in csv.DictReader(io.StringIO(text)):
        for metric in HEADLINE:
            ends = (row[metric.name], row[f"{metric.name}_low"], row[f"{metric.name}_high"])
            found[row["subset"], row["model"], metric.name] = [end for end in ends if end]
    return found


class TableReader(html.parser.HTMLParser):
    """Cells of the page's table, by subset, model and metric."""

    def __init__(self):
        super().__init__()
        self.found, self.subset, self.model, self.metric = {}, "", "", None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.subset = given.get("data-subset", self.subset) if tag == "tbody" else self.subset
        self.model = given.get("data-id", self.model) if tag == "tr" else self.model
        if tag == "td":
            self.metric = given.get("data-metric")

    def handle_data(self, text):
        if self.metric in {metric.name for metric in HEADLINE}:
            self.found.setdefault((self.subset, self.model, self.metric), []).extend(numbers_in(text))

    def handle_endtag(self, tag):
        self.metric = None if tag == "td" else self.metric


def from_html(text):
    reader = TableReader()
    reader.feed(text.split("<script")[0])
    return reader.found


def from_terminal(made):
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(render_terminal(made.runs))
    titles = {title: subset for subset, title in SUBSET_TITLES.items()}
    subset, model, found = "", "", {}
    win = next(metric for metric in HEADLINE if metric.name == "text_win_rate")
    columns = [  # so wide a terminal shows every metric
        m for metric in list_metrics() if metric != win for m in ([metric, win] if metric.name == "clap" else [metric])
    ]
    for line in console.export_text().splitlines():
        subset = titles.get(line.strip(), subset)
        cells = re.split(r"\s{2,}", line.strip())
        if re.search(r"\d/\d$", line.rstrip()):
            model = cells[0].rstrip("†")
            shown = iter(cells[1:-1])
            for metric in columns:
                found[subset, model, metric.name] = numbers_in(next(shown))
        elif line.strip().startswith("[") and model:
            intervals = iter(re.findall(r"\[[^\]]*\]", line))
            for metric in columns:
                if found[subset, model, metric.name]:
                    found[subset, model, metric.name] += numbers_in(next(intervals, ""))
    headline = {metric.name for metric in HEADLINE}
    return {key: texts for key, texts in found.items() if key[2] in headline}


def test_every_format_shows_the_numbers_of_metrics_json(made):
    expected = expected_texts(made)
    assert len(expected) == 10 * len(HEADLINE)
    assert from_csv(made.paths.csv.read_text()) == expected
    assert from_markdown(made.paths.markdown.read_text()) == expected
    assert from_latex(made.paths.latex.read_text()) == expected
    assert from_html(made.paths.html.read_text()) == expected
    assert from_terminal(made) == expected


def test_best_and_second_are_marked_in_every_format(made):
    markdown, latex, page = (path.read_text() for path in (made.paths.markdown, made.paths.latex, made.paths.html))
    intra = markdown.split("## Intra-class")[1]
    assert "**1.4** [1.3, 1.6]" in intra
    assert "<u>1.5</u> [1.4, 1.7]" in intra
    assert r"\interval{\textbf{1.4}}{1.3, 1.6}" in latex
    assert r"\interval{\underline{1.5}}{1.4, 1.7}" in latex
    assert re.search(r'<td class="number best"[^>]*data-metric="fad"[^>]*><span class="value">1\.4<', page)
    assert re.search(r'<td class="number second"[^>]*data-metric="fad"[^>]*><span class="value">1\.5<', page)


def test_every_format_marks_partial_coverage_and_says_what_made_the_numbers(made):
    for path in (made.paths.markdown, made.paths.html):
        text = path.read_text()
        assert "4/5" in text
        assert "† Not every sample" in text
        assert "profile signal; reference video: target" in text
    rows = list(csv.DictReader(io.StringIO(made.paths.csv.read_text())))
    old = next(row for row in rows if (row["model"], row["subset"]) == ("old-foley", "inter"))
    assert (old["marks"], old["n"], old["expected"], old["profile"]) == ("partial", "4", "5", "signal")
    assert {(row["benchmark"], row["version"]) for row in rows} == {("demo", "1.0")}
    latex = made.paths.latex.read_text()
    assert r"old-foley\textsuperscript{$\dagger$}" in latex


def test_intervals_can_be_left_out(world, tmp_path):
    table = build_table(collect([world.write_run(tmp_path, "oracle")]), intervals=False)
    assert "[" not in to_markdown(table).replace("\\[", "")
    assert r"\interval{1" not in to_latex(table)
    assert "bootstrap" not in to_markdown(table)


def test_standard_errors_stand_in_place_of_intervals_on_request(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "oracle", audio=True)
    paths = write_report([run], tmp_path / "out" / "report", standard_errors=True)
    record = run.read_metrics().metrics
    low, high = record["kl"].ci95
    error = f"{(high - low) / 2 / 1.959964:.2f}"
    assert float(error) > 0
    shown = f"{record['kl'].value:.2f} ± {error}"
    assert shown in paths.markdown.read_text()
    assert rf"{record['kl'].value:.2f}\,{{\tiny$\pm$\,{error}}}" in paths.latex.read_text()
    assert f'<span class="interval">± {error}</span>' in paths.html.read_text()
    row = next(csv.DictReader(io.StringIO(paths.csv.read_text())))
    assert (row["kl_se"], row["kl_low"], row["imagebind_se"]) == (error, f"{low:.2f}", "")
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(render_terminal([run], standard_errors=True))
    told = "After ±: standard errors, half the width of the 95% intervals over 1.96 (1,000 resamples by source)."
    for text in (paths.markdown.read_text(), paths.html.read_text(), console.export_text(clear=False)):
        assert f"± {error}" in text
        assert told in text
        assert "In brackets" not in text


def test_a_narrow_terminal_leaves_out_columns_and_says_so(made):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render_terminal(made.runs))
    text = console.export_text()
    assert "DeSync ↓" in text
    assert "Not shown in 80 columns: intervals, " in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text


def test_text_with_special_characters_is_written_out_for_latex():
    assert latex_escaped("a_b & 50% #1 {x} <y> ~^\\") == (
        r"a\_b \& 50\% \#1 \{x\} \textless{}y\textgreater{} \textasciitilde{}\textasciicircum{}\textbackslash{}"
    )


def test_a_model_name_with_a_bar_does_not_break_the_markdown_grid(world, tmp_path):
    text = to_markdown(build_table(collect([world.write_run(tmp_path, "a|b")])))
    row = next(line for line in text.splitlines() if "a\\|b" in line)
    assert row.replace("\\|", "").count("|") == len(HEADLINE) + 3


EVIL = "=HYPERLINK(1)\n| [a](b) *c* `d` <script>alert(1)</script> \\input{x} $e$"


def test_names_chosen_by_others_change_no_format(world, tmp_path):
    runs = [
        world.write_run(tmp_path / "runs", EVIL, folder=folder_name(EVIL), audio=True),
        world.write_run(tmp_path / "runs", "oracle"),
    ]
    paths = write_report(runs, tmp_path / "out" / "report")
    markdown = paths.markdown.read_text()
    row = next(line for line in markdown.splitlines() if "HYPERLINK" in line)
    assert r"=HYPERLINK(1) \| \[a\](b) \*c\* \`d\` \<script\>alert(1)\</script\> \\input{x}" in row
    assert row.replace("\\|", "").count("|") == len(HEADLINE) + 3
    latex = next(line for line in paths.latex.read_text().splitlines() if "HYPERLINK" in line)
    assert latex.startswith(
        r"=HYPERLINK(1) \textbar{} {[}a{]}(b) {*}c{*} \textasciigrave{}d\textasciigrave{} \textless{}"
    )
    assert r"\textbackslash{}input\{x\} \$e\$" in latex
    page = paths.html.read_text()
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "</script> \\input" not in page


def test_csv_holds_text_that_spreadsheets_show_and_do_not_calculate(world, tmp_path):
    names = ["=1+1", "+b", "-c", "@d"]
    runs = [world.write_run(tmp_path / str(place), name, folder=folder_name(name)) for place, name in enumerate(names)]
    text = to_csv(build_table(collect(runs)))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["model"] for row in rows) == sorted(f"'{name}" for name in names)
    negative = run_with_negative(world, tmp_path)
    row = next(csv.DictReader(io.StringIO(to_csv(build_table(collect([negative]), breadth="full")))))
    assert row["text_margin"] == "-0.250"  # a number is a number


def run_with_negative(world, folder):
    run = world.write_run(folder / "negative", "oracle")
    record = run.read_metrics()
    value = record.metrics["text_margin"].model_copy(update={"value": -0.25, "ci95": (-0.5, 0.0)})
    run.write(record.model_copy(update={"metrics": {**record.metrics, "text_margin": value}}))
    return run


def test_csv_leaves_missing_values_empty(world, tmp_path):
    table = build_table(collect([world.write_run(tmp_path, "oracle")]))
    row = next(csv.DictReader(io.StringIO(to_csv(table))))
    assert (row["imagebind"], row["imagebind_low"]) == ("", "")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (Debian: texlive-latex-base)")
def test_latex_compiles_as_it_is_and_inside_a_paper(made, tmp_path):
    table = tmp_path / "table.tex"
    table.write_text(made.paths.latex.read_text())
    around = r"\documentclass{article}\usepackage{graphicx}"
    plain = r"\let\toprule\hline\let\midrule\hline\let\bottomrule\hline\def\cmidrule(lr)#1{\cline{#1}}"
    paper = tmp_path / "paper.tex"
    paper.write_text(around + plain + r"\begin{document}Before. \input{table.tex} After.\end{document}")
    for document in (table, paper):
        assert compiled(document).stat().st_size > 1000


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (Debian: texlive-latex-base)")
@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_table_of_the_paper_compiles_with_its_published_rows(tmp_path, preset):
    document = tmp_path / "table.tex"
    document.write_text(to_latex(preset_table(published_alone(preset), preset)))
    assert compiled(document).stat().st_size > 1000


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (Debian: texlive-latex-base)")
def test_latex_compiles_with_standard_errors_marks_and_odd_names(world, tmp_path):
    marked = world.Settings(failed=(0,), untrained=True, unverified=True)
    runs = [
        world.write_run(tmp_path / "a", r"100% & a_b#{~^\\$", folder=folder_name(r"100% & a_b#{~^\$")),
        world.write_run(tmp_path, "noise"),
    ]
    runs.append(world.write_run(tmp_path, "old-foley", "inter", marked))
    for place, name in enumerate(["[a]", "*b", "c|`d`\n\ne"]):
        runs.append(world.write_run(tmp_path / str(place), name, folder=folder_name(name)))
    document = tmp_path / "table.tex"
    document.write_text(to_latex(build_table(collect(runs), standard_errors=True, breadth="full")))
    assert compiled(document).stat().st_size > 1000


def compiled(document):
    """The PDF that pdflatex makes of a document, without a complaint about a character or a reference."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name]
    done = subprocess.run(command, cwd=document.parent, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    return document.with_suffix(".pdf")
