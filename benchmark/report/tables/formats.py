"""A table as Markdown, LaTeX and CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence

from benchmark.report.tables.cells import Cell, Line, Table
from benchmark.report.tables.marks import DASH, FEWER, PARTIAL, UNTRAINED, UNVERIFIED
from foundation.markup import markdown_escaped, one_line, spreadsheet_text

SEEDS_HEAD = "seeds"  # a column of CSV where a row has several
CSV_HEAD = (
    "subset",
    "section",
    "model",
    "marks",
    "n",
    "expected",
    "profile",
    "reference_video",
    "source",
    "benchmark",
    "version",
)


def to_markdown(table: Table, title: str = "Results") -> str:
    """Return the table as GitHub-flavoured Markdown: one grid per block, groups above the metrics."""
    parts = [f"# {markdown_escaped(title)}", markdown_escaped(table.caption)]
    groups: list[str] = []
    for name, span in table.groups:
        groups += [name, *[""] * (span - 1)]
    for block in table.blocks:
        grid = [["", *groups, ""], [f"**{table.heading}**", *[f"**{c.heading}**" for c in table.columns], "**n/N**"]]
        for section in block.sections:
            if section.name != "models":
                grid.append([f"*{section.title}*", *[""] * (len(table.columns) + 1)])
            grid += [_markdown_line(line, table) for line in section.lines]
        parts += [f"## {markdown_escaped(block.title)}", padded(grid)]
    if table.remarks:
        parts.append("\n".join(f"- {markdown_escaped(note)}" for note in table.remarks))
    return "\n\n".join(parts) + "\n"


def _markdown_line(line: Line, table: Table) -> list[str]:
    return [
        markdown_escaped(line.title) + line.marks,
        *[_markdown_cell(cell, table.beside(cell)) for cell in line.cells],
        line.coverage,
    ]


def _markdown_cell(cell: Cell, beside: str) -> str:
    text = {0: cell.text, 1: f"**{cell.text}**", 2: f"<u>{cell.text}</u>"}[cell.rank] + (FEWER if cell.fewer else "")
    return f"{text} {beside}" if beside else text


def padded(grid: Sequence[Sequence[str]], texts: Collection[int] = (0,)) -> str:
    """Draw a grid with equal column widths: columns of texts (by default the first) left-aligned, others right."""
    widths = [max(3, *map(len, column)) for column in zip(*grid, strict=True)]
    lines = []
    for row in grid:
        cells = [
            text.strip().ljust(width) if place in texts else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("| " + " | ".join(cells) + " |")
    rules = [":" + "-" * (w + 1) if place in texts else "-" * (w + 1) + ":" for place, w in enumerate(widths)]
    rule = "|" + "|".join(rules) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def to_csv(table: Table) -> str:
    """Return the table as CSV: one line per row, three columns per metric (value, low, high), rounded as shown.

    Where the table shows standard errors, a fourth column has them; where a row has several seeds, a column names them.
    An empty field means no value. Each run's metrics.json has the unrounded numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [column.metric.name for column in table.columns]
    endings = ("", "_low", "_high", *(["_se"] if table.standard_errors else []))
    seeds = any(line.row.of_seeds for block in table.blocks for line in block.lines)
    writer.writerow(
        [*CSV_HEAD, *([SEEDS_HEAD] if seeds else []), *[f"{name}{ending}" for name in names for ending in endings]]
    )
    for block in table.blocks:
        for section in block.sections:
            for line in section.lines:
                texts, counts = _csv_facts(line)
                named = [spreadsheet_text(text) for text in (block.subset, section.name, *texts[:2])]
                told = [spreadsheet_text(text) for text in texts[2:]]
                told += [" ".join(map(str, line.row.seeds))] if seeds else []
                writer.writerow([*named, *counts, *told, *_csv_values(line, len(endings))])
    return text.getvalue()


def _csv_facts(line: Line) -> tuple[list[str], list[str]]:
    """Return what is said of a row as text (model, marks, scoring, source, benchmark and version), and its counts."""
    row = line.row
    named = {"partial": row.partial, "unverified": row.unverified, "untrained": row.untrained}
    marks = " ".join(name for name, holds in named.items() if holds)
    counts = ["" if count is None else str(count) for count in (row.scored, row.expected)]
    scoring = ["", ""] if row.record is None else [row.record.scoring.profile, row.record.scoring.reference_video]
    answered = ["", ""] if row.record is None else [row.record.benchmark.name, row.record.benchmark.version]
    return [line.label, marks, *scoring, row.source, *answered], counts


def _csv_values(line: Line, columns: int) -> list[str]:
    values: list[str] = []
    for cell in line.cells:
        values += ["" if cell.text == DASH else cell.text, *(cell.interval or ("", "")), cell.error or ""][:columns]
    return values


_LATEX_HEAD = r"""% Compiles as it is; read by \input in a paper it is the table alone (load booktabs, graphicx there).
\makeatletter
\ifx\@nodocument\relax
  \makeatother
  \let\endofreport\relax
\else
  \makeatother
  \documentclass[10pt]{article}
  \usepackage[utf8]{inputenc}
  \usepackage[a4paper,landscape,margin=15mm]{geometry}
  \usepackage{graphicx}
  \IfFileExists{booktabs.sty}{\usepackage{booktabs}}{%
    \let\toprule\hline \let\midrule\hline \let\bottomrule\hline
    \def\cmidrule(lr)##1{\cline{##1}}}
  \pagestyle{empty}
  \begin{document}
  \def\endofreport{\end{document}}
\fi
"""
_LATEX_UTF8 = r"\usepackage[utf8]{inputenc}"
_LATEX_FOREIGN = r"""%% pdflatex has no letters for %s and shows their numbers. To print them, use lualatex with
%% \usepackage{fontspec} \setmainfont{A FONT THAT HAS THEM} after \documentclass.
"""


def latex_document(tables: str) -> str:
    """Return tables with what makes a document of them, or nothing where a paper reads them with \\input.

    Letters that pdflatex does not have, such as Chinese ones, would end it with an error: the document shows them by
    number, as [U+6A21], and says at its head how they are printed.
    """
    head = _LATEX_HEAD
    foreign = sorted({character for character in tables if _is_unknown_to_latex(character)})
    if foreign:
        numbers = "".join(rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{{{[U+{ord(c):04X}]}}}}" for c in foreign)
        head = _LATEX_FOREIGN % "".join(foreign) + head.replace(
            _LATEX_UTF8, f"{_LATEX_UTF8}\n  \\ifdefined\\DeclareUnicodeCharacter{numbers}\\fi"
        )
    return "\n".join([head + tables, r"\endofreport", ""])


def _is_unknown_to_latex(character: str) -> bool:
    """Tell whether LaTeX's utf8 lacks a character: Latin letters, punctuation, currencies and some signs it has."""
    code = ord(character)
    return code >= 0x0250 and not 0x2000 <= code < 0x2070 and not 0x20A0 <= code < 0x2150


def to_latex(table: Table, label: str = "tab:results") -> str:
    """Return the table as LaTeX (booktabs): a whole document, or the table alone if a paper reads it with \\input."""
    width = len(table.columns) + 2
    lines = [
        r"\begin{table*}[t]",
        r"\centering",
        r"\newcommand{\interval}[2]{\begin{tabular}[c]{@{}c@{}}#1\\[-0.4ex]{\tiny[#2]}\end{tabular}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * (width - 1)}}}",
        r"\toprule",
        *_latex_heads(table),
    ]
    for block in table.blocks:
        lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{\textit{{{latex_escaped(block.title)}}}}} \\"]
        for place, section in enumerate(block.sections):
            if place:
                lines.append(rf"\cmidrule(lr){{1-{width}}}")
            if section.name != "models":
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{\small\textit{{{section.title}}}}} \\")
            lines += [_latex_line(line, table) for line in section.lines]
    notes = " ".join([table.caption, *table.remarks])
    lines += [r"\bottomrule", r"\end{tabular}}", rf"\caption{{{latex_escaped(notes)}}}", rf"\label{{{label}}}"]
    return latex_document("\n".join([*lines, r"\end{table*}"]))


def _latex_heads(table: Table) -> list[str]:
    groups, rules, start = [], [], 2
    for name, span in table.groups:
        groups.append(rf"\multicolumn{{{span}}}{{c}}{{{latex_escaped(name)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
        start += span
    arrows = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "neither": ""}
    heads = [(c.metric.symbol or latex_escaped(c.metric.label)) + arrows[c.metric.better] for c in table.columns]
    return [
        " & ".join(["", *groups, r" \\"]),
        "".join(rules),
        " & ".join([latex_escaped(table.heading), *heads, r"$n/N$ \\"]),
    ]


def _latex_line(line: Line, table: Table) -> str:
    marks = rf"\textsuperscript{{{latex_escaped(line.marks)}}}" if line.marks else ""
    cells = [_latex_cell(cell, table) for cell in line.cells]
    coverage = "--" if line.coverage == DASH else line.coverage
    return " & ".join([latex_escaped(line.title) + marks, *cells, coverage]) + r" \\"


def _latex_cell(cell: Cell, table: Table) -> str:
    text = "--" if cell.text == DASH else cell.text.replace("-", "$-$", 1) if cell.text.startswith("-") else cell.text
    text = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}[cell.rank].format(text)
    text += r"\textsuperscript{*}" if cell.fewer else ""
    if table.intervals and table.standard_errors and cell.error:
        return rf"{text}\,{{\tiny$\pm$\,{cell.error}}}"
    if not table.beside(cell) or cell.interval is None:
        return text
    low, high = (end.replace("-", "$-$") for end in cell.interval)
    return rf"\interval{{{text}}}{{{low}, {high}}}"


_LATEX_CHARACTERS = {
    **{c: rf"\{c}" for c in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    **{c: f"{{{c}}}" for c in "[]*"},  # after the end of a row LaTeX takes them for an option of it
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "∞": r"$\infty$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    DASH: "--",
    PARTIAL: r"$\dagger$",
    UNVERIFIED: r"$\ddagger$",
    UNTRAINED: r"\S{}",
}


def latex_escaped(text: str) -> str:
    """Return text as one line, with every character that LaTeX reads as a command escaped."""
    return "".join(_LATEX_CHARACTERS.get(character, character) for character in one_line(text))
