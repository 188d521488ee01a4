"""Fixtures that the verbs' tests share with those of the rooms behind them."""

import pytest
from support.annotations import screened, vggsounder, write_unav100
from support.checkouts import ask, benchmark_of_two, checkout_of
from support.own_models import process

__all__ = ["ask", "benchmark_of_two", "checkout_of", "process", "screened", "vggsounder", "write_unav100"]


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a verb in an empty folder; its result is that of typer's runner."""
    from typer.testing import CliRunner

    from benchmark.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object, status: int = 0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return run
