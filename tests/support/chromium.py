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
PATIENCE_MILLISECONDS = 15_000
OWN = ("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:")
# Keeps every state that a clip had: one of a second may be over before a busy machine looks.
STATES = """
  globalThis.clipStates = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.matches(".clip")) clipStates.push(target.dataset.state);
  }).observe(document, { attributeFilter: ["data-state"], subtree: true });
"""


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


class Comer:
    """Opens browsers for people who come to a page, and keeps what these log and ask for."""

    def __init__(self, browser: object) -> None:
        self._browser, self.contexts, self.heard, self.asked = browser, [], [], []

    def __call__(
        self, address: str, *, width: int = 1440, height: int = 900, expects: tuple[str, ...] = (), **how: object
    ):
        """Open a page in a browser of its own; `expects` are words of messages that the browser logs by itself."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, **how)
        context.add_init_script(STATES)
        self.contexts.append(context)
        context.on("page", lambda page: self._listen(page, expects))
        page = context.new_page()
        page.goto(address)
        return page

    def _listen(self, page: object, expects: tuple[str, ...]) -> None:
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", lambda said: self._hear(said.text, expects))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, said: str, expects: tuple[str, ...]) -> None:
        if not any(words in said for words in expects):
            self.heard.append(said)

    def close(self) -> None:
        """Nothing may have been logged (a breach of the policy would be), or asked of another server."""
        for context in self.contexts:
            context.close()
        assert self.heard == [], self.heard
        assert self.asked
        foreign = [url for url in self.asked if not url.startswith(OWN)]
        assert foreign == [], foreign
