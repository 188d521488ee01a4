"""A site over eight small scenes, with a model that reads its prompt, one that waits, and one that fails."""

import threading
import zlib
from contextlib import ExitStack

import numpy as np
import pytest
from fastapi.testclient import TestClient
from support.trying_pages import Visitor

from baselines import GenerationError, register_model
from benchmark.web.trying.app import create_app
from benchmark.web.trying.models import Models
from benchmark.web.trying.serving import opened

RATE = 16_000


class Reading:
    """A tone whose pitch is the prompt's; louder with each seed."""

    sample_rate = RATE
    longest_seconds = 8.0

    def generate(self, request):
        pitch = 200 + zlib.crc32(f"{request.prompt}/{request.negative_prompt}".encode()) % 3000
        moments = np.arange(round(request.duration * RATE)) / RATE
        return (0.05 * (1 + request.seed % 9) * np.sin(2 * np.pi * pitch * moments)).astype(np.float32)


class Waiting(Reading):
    """The same, once it is let go."""

    begun, let_go = threading.Event(), threading.Event()

    def generate(self, request):
        self.begun.set()
        assert self.let_go.wait(60)
        return super().generate(request)


class Failing(Reading):
    """Refuses one prompt, breaks at another."""

    def generate(self, request):
        if request.prompt == "refuse":
            raise GenerationError(f"{request.video}: too dark")
        if request.prompt == "break":
            raise KeyError("frames")
        return super().generate(request)


@pytest.fixture
def own(models):
    """The models above by their names, beside those of every harness test."""
    for name, model in (("reading", Reading), ("waiting", Waiting), ("failing", Failing)):
        from baselines import registry

        if name not in registry._ENTRIES:
            register_model(name)(model)
    Waiting.begun.clear()
    Waiting.let_go.clear()
    yield
    Waiting.let_go.set()


@pytest.fixture
def open_site(own, tiny):
    """Opens a site with these models; closed at the end."""
    with ExitStack() as stack:

        def open_with(*names, at_most_seconds=8.0, **options):
            asked = Models({name: options if name == "selva" else {} for name in names})
            return stack.enter_context(opened(asked, tiny.benchmark, at_most_seconds=at_most_seconds))

        yield open_with
        Waiting.let_go.set()


@pytest.fixture
def comes():
    """Somebody comes to a site by its link."""
    clients = []

    def come(site, **how):
        clients.append(TestClient(create_app(site), **how))
        return Visitor(clients[-1], site.door.link)

    yield come
    for client in clients:
        client.close()


@pytest.fixture
def clip(film, tmp_path):
    return film.write(tmp_path / "my clip.mp4", seconds=2, sound=film.noise(2, seed=1))
