"""The documents as a site: it builds without a warning, its notebooks run, and no page names a file of another host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_document_is_a_page_that_the_navigation_leads_to(site):
    start = (site / "index.html").read_text()
    documents = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    assert len(documents) > 15
    assert [str(page) for page in documents if not (site / page).with_suffix(".html").exists()] == []
    tabs = set(re.findall(r'href="([\w/-]+\.html)"', start))
    assert {
        "quickstart.html",
        "tutorials/index.html",
        "metrics.html",
        "reference/index.html",
        "architecture.html",
    } <= tabs


def test_the_reference_shows_shapes_errors_and_examples_of_a_public_function(site):
    page = (site / "reference" / "metrics.html").read_text()
    section = page.partition('id="metrics.fad.frechet_audio_distance"')[2].partition('<h3 id="metrics')[0]
    text = re.sub(r"<[^>]+>", "", section)
    for said in ("shape (n, d)", "ValueError", "arXiv:1812.08466", "&gt;&gt;&gt;"):
        assert said in text


def test_no_page_names_a_file_of_another_host(site):
    """Notebooks alone fetch MathJax, by a script that mkdocs-jupyter puts there."""
    loads = re.compile(r'<(?:script|img|iframe|link rel="(?:stylesheet|icon)")[^>]+(?:src|href)="(https?://[^"]+)"')
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    named = {str(page.relative_to(site)): loads.findall(page.read_text()) for page in pages}
    assert {page: found for page, found in named.items() if found} == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_showed(path):
    """Numbers may move in their last digit from one machine to another; the lines and what they name may not."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    shown = [_names(cell) for cell in notebook.cells]
    assert any(shown)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert [_names(cell) for cell in notebook.cells] == shown


def _names(cell) -> list[list[str]]:
    """Return the words of each line that a cell shows, without numbers."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.get("outputs", [])]
    return [re.findall(r"[^\W\d][\w∞]*", line) for text in texts for line in text.splitlines()]
