"""A report beside another benchmark than the one that was scored is refused."""

import json
import shutil

import pytest

from benchmark.report import compare_runs, write_figures, write_report
from benchmark.runs import UnusableRun


@pytest.fixture
def others(made, tmp_path):
    """Benchmarks that differ from the one scored: in name, in version, in one value of a manifest."""

    def another(folder, change):
        shutil.copytree(made.benchmark, tmp_path / folder, ignore=shutil.ignore_patterns("*.mp4", "*.wav"))
        change(tmp_path / folder)
        return tmp_path / folder

    def record(**fields):
        def change(folder):
            content = json.loads((folder / "benchmark.json").read_text())
            (folder / "benchmark.json").write_text(json.dumps({**content, **fields}))

        return change

    def manifest(folder):
        path = folder / "intra" / "manifest.csv"
        path.write_text(path.read_text().replace("driving buses", "driving a bus", 1))

    return {
        "it holds other 1.0, the run ": another("renamed", record(name="other")),
        "it holds demo 2.0, the run ": another("newer", record(version="2.0")),
        "it holds demo 1.0 with other samples of intra, the run ": another("changed", manifest),
    }


def test_report_figures_and_comparison_refuse_another_benchmark_by_name(made, others, tmp_path):
    intra = [run for run in made.runs if run.path.parent.name == "intra"]
    asks = (
        lambda folder: write_report(made.runs, tmp_path / "out" / "report", benchmark_dirs={"demo": folder}),
        lambda folder: write_figures(made.runs, tmp_path / "figures", benchmark_dir=folder),
        lambda folder: compare_runs(*intra[:2], benchmark_dir=folder),
    )
    for fault, folder in others.items():
        for ask in asks:
            with pytest.raises(UnusableRun) as told:
                ask(folder)
            assert str(told.value).startswith(f"{folder}: not the benchmark that ")
            assert f"was scored on: {fault}answers demo 1.0 (in" in str(told.value)
            assert "give that one with --benchmark-dir" in str(told.value)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "figures").exists()


def test_a_benchmark_found_by_its_name_alone_is_left_out_with_a_word(made, others, tmp_path, monkeypatch, capsys):
    from benchmark.report import commands

    folder = list(others.values())[2]
    folder.rename(tmp_path / "demo")
    monkeypatch.setattr(commands, "BENCHMARK_HOMES", (tmp_path,))
    assert commands._home("demo", made.runs) is None
    assert "warning: " in (said := capsys.readouterr().err)
    assert "other samples of intra" in said
    assert "going on without a benchmark" in said
    monkeypatch.setattr(commands, "BENCHMARK_HOMES", (made.benchmark.parent,))
    assert commands._home("demo", made.runs) == made.benchmark
