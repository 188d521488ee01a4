import csv
import io
import shutil
import subprocess
from dataclasses import replace

import pytest

from benchmark.report.study.sheets import Number, Sheet, p_value, to_csv, to_latex, to_markdown

SHEET = Sheet(
    "opinions", "Mean opinion scores", "Points from 1 to 5.", ("Model", "AQ", "Raters"),
    (("=a_model|", Number(3.456, 2, (-0.001, 4.0)), Number(12, 0)), ("–", Number(None), Number(3, 0))),
    ("No interval: too few.",),
)  # fmt: skip


def test_numbers_are_rounded_and_never_minus_zero():
    assert Number(-0.001).text == "0.00"
    assert Number(3.456, 2, (-0.001, 4.0)).ends == "[0.00, 4.00]"
    assert Number(None).text == "–"


def test_a_p_value_is_never_shown_as_zero():
    assert (p_value(0.00002).text, p_value(0.0).text, p_value(0.04126).text) == ("<0.0001", "<0.0001", "0.0413")


def test_markdown_has_heading_grid_and_notes_with_texts_to_the_left():
    lines = to_markdown(SHEET).splitlines()
    assert lines[:3] == ["## Mean opinion scores", "", "Points from 1 to 5."]
    assert [cell.strip() for cell in lines[6].split(" | ")] == [r"| =a_model\|", "3.46 [0.00, 4.00]", "12 |"]
    assert lines[5].startswith("|:---")
    assert lines[5].endswith("---:|")
    assert lines[-1] == "- No interval: too few."


def test_csv_has_a_column_for_each_end_and_nothing_that_a_spreadsheet_calculates():
    rows = list(csv.reader(io.StringIO(to_csv(SHEET))))
    assert rows == [
        ["Model", "AQ", "AQ low", "AQ high", "Raters"],
        ["'=a_model|", "3.456", "-0.001", "4", "12"],
        ["", "", "", "", "3"],
    ]


def test_the_head_of_a_column_is_nothing_that_a_spreadsheet_calculates_either():
    sheet = replace(SHEET, columns=("Model", "=1+1", "Raters"))
    assert next(csv.reader(io.StringIO(to_csv(sheet)))) == ["Model", "'=1+1", "'=1+1 low", "'=1+1 high", "Raters"]


def test_latex_escapes_names():
    text = to_latex([SHEET], "tab:study")
    assert r"=a\_model\textbar{} & 3.46 {[}0.00, 4.00{]} & 12 \\" in text
    assert r"\label{tab:study-opinions}" in text
    assert text.rstrip().endswith(r"\endofreport")


def test_a_minus_in_latex_is_a_minus_and_a_hyphen_in_a_name_stays_one():
    row = ("grand-foley", Number(-0.35, 2, (-0.5, -0.1)))
    text = to_latex([Sheet("differences", "Differences", "", ("First", "Difference"), (row,))], "study")
    assert r"grand-foley & $-$0.35 {[}$-$0.50, $-$0.10{]} \\" in text


FOREIGN = replace(
    SHEET, rows=(("模型 α", Number(3.4, 2, (3.0, 4.0)), Number(12, 0)), ("é ≤ ğ", Number(1.0), Number(1, 0)))
)


def test_letters_that_pdflatex_does_not_have_are_told_at_the_head():
    text = to_latex([FOREIGN], "tab:study")
    assert text.startswith("% pdflatex has no letters for α≤型模 and shows their numbers. To print them, use lualatex")
    assert r"\DeclareUnicodeCharacter{6A21}{{[U+6A21]}}" in text
    assert "模型 α & 3.40" in text
    assert "DeclareUnicodeCharacter" not in to_latex([SHEET], "tab:study")


@pytest.mark.parametrize("program", ["pdflatex", "lualatex"])
def test_a_table_with_foreign_letters_compiles(program, tmp_path):
    if shutil.which(program) is None:
        pytest.skip(f"no {program} (Debian: texlive-latex-base)")
    (tmp_path / "study.tex").write_text(to_latex([FOREIGN], "tab:study"), encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "study.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
