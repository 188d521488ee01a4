"""Figures of an analysis that are made, and written as blank ones: drawing them takes most of an analysis's time."""

import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from benchmark.report.figures.drawing import Drawn, new_figure, save


@pytest.fixture(scope="session")
def blank_figure(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A figure with nothing in it, on disk."""
    return save(new_figure(1, 1), tmp_path_factory.mktemp("blank") / "blank")


@pytest.fixture
def sketched(blank_figure: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a blank figure wherever an analysis writes one that it has made."""

    def sketch(figure: Figure, out: Path) -> Drawn:
        assert figure.axes
        drawn = Drawn(out.with_name(f"{out.name}.pdf"), out.with_name(f"{out.name}.png"))
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blank_figure.pdf, drawn.pdf)
        shutil.copyfile(blank_figure.png, drawn.png)
        return drawn

    monkeypatch.setattr("benchmark.report.study.write.save", sketch)
