"""Fixtures of the study's tests: a small benchmark with three runs, and studies of it that are served in process."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from support.chromium import Comer, browser
from support.small_benchmarks import short_film
from support.small_studies import Clock, Ground, Served, lay_ground

from benchmark.web.study.study import Study

__all__ = ["browser", "short_film"]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, short_film: bytes) -> Ground:
    """A benchmark of eight scenes and the runs of three models."""
    return lay_ground(tmp_path_factory.mktemp("ground"), short_film)


@pytest.fixture(scope="session")
def created(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Returns a study with these settings, made once; for copies."""
    known: dict[str, Path] = {}

    def study(**changes: object) -> Path:
        key = json.dumps(changes, sort_keys=True)
        if key not in known:
            known[key] = tmp_path_factory.mktemp("created") / "study"
            ground.create(known[key], **changes)
        return known[key]

    return study


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, as a server has one."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def serve(created: Callable[..., Path], portal: BlockingPortal, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serves a study with these settings in this process; without headphone check and tutorial unless asked."""
    opened = []

    def served(**changes: object) -> Served:
        clock = Clock()
        folder = tmp_path / f"study{len(opened)}"
        shutil.copytree(created(**{"headphone_check": False, "tutorial": False, **changes}), folder)
        study = Study.opened(folder, clock=clock)
        opened.append(study)
        return Served(study, clock, portal)

    yield served
    for study in opened:
        study.close()


@pytest.fixture
def comes(browser: object) -> Iterator[Comer]:
    """Raters come, each with a browser of their own."""
    comer = Comer(browser)
    yield comer
    comer.close()
