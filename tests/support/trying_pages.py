"""Somebody at the page to try a model, without a browser: comes by the link, sends films, asks and waits."""

import re
import time
from pathlib import Path
from urllib.parse import quote

from fastapi.testclient import TestClient

PATIENCE_SECONDS = 60


class Visitor:
    """Has come in by the link of a site."""

    def __init__(self, client: TestClient, link: str) -> None:
        self.client = client
        page = client.get(link)
        assert page.status_code == 200, page.text
        self.page = page.text
        self.proof = re.search(r'name="proof" content="([0-9a-f]+)"', page.text)[1]

    def send(self, file: Path | bytes, name: str = ""):
        content, name = (file, name) if isinstance(file, bytes) else (file.read_bytes(), name or file.name)
        headers = {"x-name": quote(name), "x-proof": self.proof}
        return self.client.post("/api/films", content=content, headers=headers)

    def scene(self, words: str) -> dict:
        (key, _), *_ = self.client.get("/api/scenes", params={"find": words}).json()["scenes"]
        return self.client.get("/api/film", params={"key": key}).json()

    def ask(self, film: dict, *prompts: str, models: list[str], **more):
        body = {"film": film["key"], "models": models, "prompts": list(prompts), **more}
        return self.client.post("/api/tries", json=body, headers={"x-proof": self.proof})

    def answers(self, film: dict, *prompts: str, models: list[str], **more) -> list[dict]:
        asked = self.ask(film, *prompts, models=models, **more)
        assert asked.status_code == 200, asked.text
        return self.until(asked.json()["key"], "done")["answers"]

    def until(self, key: str, state: str) -> dict:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.client.get(f"/api/tries/{key}").json())["state"] != state:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found
