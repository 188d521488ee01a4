"""Fixtures of the study's tests: a small benchmark with three runs, and studies of it that are served in process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.small_benchmarks import short_film
from support.small_studies import Clock, Ground, Served, lay_ground

from benchmark.web.study.study import Study

__all__ = ["short_film"]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, short_film: bytes) -> Ground:
    """A benchmark of eight scenes and the runs of three models."""
    return lay_ground(tmp_path_factory.mktemp("ground"), short_film)


@pytest.fixture
def serve(ground: Ground, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Creates a study with these settings, and serves it in this process."""
    opened = []

    def served(**changes: object) -> Served:
        clock = Clock()
        folder = tmp_path / f"study{len(opened)}"
        ground.create(folder, **{"headphone_check": False, **changes})
        study = Study.opened(folder, clock=clock)
        opened.append(study)
        return Served(study, clock)

    yield served
    for study in opened:
        study.close()
