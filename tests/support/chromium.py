"""A real Chromium, driven by Playwright, and what axe-core says of its pages."""

import shutil
from importlib import resources

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt-get install chromium)")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--mute-audio",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of one module: as long as it lives, its loop is the running one of this thread."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright (pip install '.[dev]')")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def axe_violations(page):
    """Run axe-core in a page whose context bypasses its policy; return what it finds, a line each."""
    pytest.importorskip("axe_playwright_python", reason="no axe-core (pip install axe-playwright-python)")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    done = page.evaluate("async () => await axe.run(document)")
    assert len(done["passes"]) > 10  # it looked
    return [f"{v['impact']} {v['id']}: {v['nodes'][0]['html']}" for v in done["violations"]]
