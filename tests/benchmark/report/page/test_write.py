"""The page's own text: what stands in the file before any script runs."""

import os
import re
import shutil
from dataclasses import replace
from importlib.metadata import version

import pytest

from benchmark.report import collect, write_report
from benchmark.report.page.write import SCRIPTS, write_page
from benchmark.report.tables.table import build_table
from benchmark.runs import CommitRecord


def page_of(runs, folder, **options):
    results = collect(runs)
    table = build_table(results, breadth="full")
    page, media = write_page(results, table, folder / "report", benchmark=None, title="Results", **options)
    return page.read_text(), media


@pytest.fixture
def two(world, tmp_path):
    return [world.write_run(tmp_path / "runs", model) for model in ("tiny-foley", "old-foley")]


def test_a_page_is_written_where_the_system_has_no_affinity_of_processors(world, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # macOS
    run = world.write_run(tmp_path / "runs", "tiny-foley", audio=True)
    paths = write_report([run], tmp_path / "out" / "report")
    assert paths.html.is_file()
    assert len(list((paths.media / "pictures").iterdir())) == 5


@pytest.mark.parametrize("workers", [1, 3])
def test_the_page_does_not_depend_on_the_number_of_threads(made, tmp_path, workers):
    paths = write_report(made.runs, tmp_path / "report", benchmark_dirs={"demo": made.benchmark}, workers=workers)
    assert paths.html.read_bytes() == made.paths.html.read_bytes()


def test_names_cannot_bring_markup_into_the_page(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "<img src=x onerror=alert(1)>", folder="a&b")
    shutil.move(run.path, tmp_path / "elsewhere")  # so that the run goes by the model's name
    text, _ = page_of([replace(run, path=tmp_path / "elsewhere")], tmp_path)
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def whiskers(text, metric):
    """(low, at, high) of each row of a column, by model."""
    rows = re.findall(
        r'<tr class="line" data-key="[^"]*" data-name="[^"]*" data-id="([^"]*)">(.*?)</tr>', text, re.DOTALL
    )
    cell = rf'data-metric="{metric}".*?--low:([\d.]+)%;--at:([\d.]+)%;--high:([\d.]+)%'
    found = {name: re.search(cell, row, re.DOTALL) for name, row in rows}
    return {name: tuple(map(float, match.groups())) for name, match in found.items() if match}


def test_whiskers_span_the_column_from_its_least_to_its_greatest_end(two, tmp_path):
    text, _ = page_of(two, tmp_path)
    values = {run.read_metrics().model.name: run.read_metrics().metrics["fad"] for run in two}
    least = min(value.ci95[0] for value in values.values())
    width = max(value.ci95[1] for value in values.values()) - least
    for name, shown in whiskers(text, "fad").items():
        low, high = values[name].ci95
        wanted = [100 * (number - least) / width for number in (low, values[name].value, high)]
        assert shown == pytest.approx(wanted, abs=0.05)
    assert whiskers(text, "fad")["tiny-foley"][0] == 0.0
    assert whiskers(text, "fad")["old-foley"][2] == 100.0


def test_one_value_without_an_interval_has_its_whisker_in_the_middle(world, tmp_path):
    text, _ = page_of([world.write_run(tmp_path, "noise", "inter", world.Settings(intervals=False))], tmp_path)
    assert whiskers(text, "fad") == {"noise": (50.0, 50.0, 50.0)}


def test_the_foot_of_the_page_says_what_made_it(two, tmp_path):
    dirty = two[1].read_metrics().model_copy(update={"commit": CommitRecord(sha="ab" * 20, dirty=True)})
    two[1].write(dirty)
    text, _ = page_of(two, tmp_path)
    foot = re.search(r"<footer>(.*?)</footer>", text, re.DOTALL)[1]
    assert f"VGG-MonoAudio suite {version('vgg-monoaudio')}, commit 3f1c0de3f1, ababababab with local changes" in foot
    assert "scored 2026-01-02. 5 samples." in foot


def test_a_run_from_an_installed_package_names_no_commit(world, tmp_path):
    run = world.write_run(tmp_path, "noise")
    run.write(run.read_metrics().model_copy(update={"commit": None}))
    text, _ = page_of([run], tmp_path)
    assert "commit" not in re.search(r"<footer>(.*?)</footer>", text, re.DOTALL)[1]


def test_the_page_carries_its_scripts_and_its_policy(two, tmp_path):
    text, _ = page_of(two, tmp_path)
    for name in SCRIPTS:
        assert f"// {FIRST_WORDS[name]}" in text
    assert "default-src &#39;none&#39;" in text
    assert "<script src" not in text


FIRST_WORDS = {
    "base.js": "Shared by the other parts",
    "table.js": "The table of scores",
    "player.js": "One player for the current sample",
    "cards.js": "The samples:",
    "main.js": "Start-up, keys",
}


def test_metrics_outside_the_paper_s_columns_are_marked_as_extra(two, tmp_path):
    text, _ = page_of(two, tmp_path)
    heads = re.findall(r'class="number( extra)?"[^>]*><button[^>]*data-sort="(\w+)"', text)
    extra = {name for mark, name in heads if mark}
    assert {"text_margin", "class_margin"} <= extra
    assert not {"fad", "kl", "text_win_rate"} & extra


def test_the_page_shows_the_order_of_each_metric_with_what_it_can_tell_apart(made):
    page = made.paths.html.read_text()
    section = page.partition('id="stability"')[2].partition("</table>")[0]
    assert "Inter-class" in section
    assert re.search(r'KL.*?class="chain">\w', section, re.DOTALL)


def test_no_two_elements_of_the_page_have_one_id(made):
    ids = re.findall(r'<[a-z][^>]* id="([^"]+)"', made.paths.html.read_text())
    assert len(ids) == len(set(ids))
