"""Every page of the documents, followed from top to bottom: what is not marked as needing something runs as printed."""

import os
import shutil

import pytest
from support.documents import ROOT, all_blocks
from support.own_models import process
from support.readers_folder import Reader, lay_out, tools

__all__ = ["process"]

PAGES = sorted({block.page for block in all_blocks() if block.runs})
WITHOUT = {  # what a page itself makes
    "README.md": ("data/vgg-monoaudio", "results/runs"),
    "docs/quickstart.md": ("data/vgg-monoaudio", "results/runs"),
    "docs/external-models.md": ("data/vgg-monoaudio", "results/runs"),
    "docs/models.md": ("data/vgg-monoaudio", "results/runs"),
    "docs/report.md": ("results/runs/demo",),
    "docs/human-study.md": ("data/vgg-monoaudio", "results/runs/vgg-monoaudio"),
}


@pytest.fixture(scope="module")
def laid(tiny, tmp_path_factory):
    """What the pages take for granted, laid out once."""
    return lay_out(tmp_path_factory.mktemp("laid"), tiny.clips)


@pytest.fixture
def reader(laid, process, tmp_path, monkeypatch):
    """A reader of a page, in a copy of the folder; with one core, as starting processes takes longer than the work."""

    def reading(page):
        shutil.copytree(laid, tmp_path, dirs_exist_ok=True)
        for name in WITHOUT.get(page, ()):
            shutil.rmtree(tmp_path / name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", f"{tools(tmp_path)}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
        return Reader(tmp_path, monkeypatch)

    return reading


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_followed_to_its_end(page, reader):
    assert reader(page).follow((ROOT / page).read_text(encoding="utf-8"), page)


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("```\npython -m benchmark list-metrics\npython -m benchmark list-metrics --jsn\n```\n", "x.md:5: .* --jsn"),
        ("```\npython -m benchmark verify nowhere\n```\n", "x.md:4: .* status 2"),
        ("```\nffmpeg -i x.mp4\n```\n", "x.md:4: .* mark what it needs"),
        ("```python\nfrom benchmark import Choice\n```\n", "x.md:3\n.*ImportError"),
        ("```python\nimport metrics\nmetrics.kad()\n```\n", "x.md:3\n.*TypeError"),
    ],
)
def test_a_block_that_does_not_run_fails_and_names_its_place(block, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=f"(?s)^{place}"):
        Reader(tmp_path, monkeypatch).follow(f"Words.\n\n{block}", "x.md")


def test_a_marked_line_is_passed_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = "python -m benchmark verify nowhere\npython -m benchmark list-metrics"
    reader = Reader(tmp_path, monkeypatch)
    assert reader.follow(f"<!-- needs: clips in line 1 -->\n```\n{lines}\n```\n", "x.md") == [lines.splitlines()[1]]
    assert "desync" in capsys.readouterr().out
