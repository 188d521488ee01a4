import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from benchmark.report import commands
from benchmark.report.__main__ import app


def run(verb, *arguments):
    import typer

    program = typer.Typer()
    program.command()(verb)
    return CliRunner().invoke(program, [str(argument) for argument in arguments], catch_exceptions=False)


def test_report_finds_runs_below_a_folder_and_prints_table_and_paths(made, tmp_path):
    root = made.runs[0].path.parents[2]
    done = CliRunner().invoke(
        app, [str(root), "--out", str(tmp_path / "r"), "--benchmark-dir", str(made.benchmark)], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert "grand-foley" in done.output
    assert (tmp_path / "r.html").is_file()
    assert str(tmp_path / "r.tex") in done.output.replace("\n", "")


@pytest.mark.parametrize("program", [["benchmark.report"], ["benchmark", "report"]])
def test_an_unknown_table_ends_with_one_line_that_has_the_names_there_are(program):
    done = subprocess.run([sys.executable, "-m", *program, "--table", "nix"], capture_output=True, text=True)
    assert done.returncode == 2
    names = "'main', 'sup-tokens', 'scaling', 'vggsound', 'ablation'"
    assert done.stderr == f"error: Invalid value for '--table': 'nix' is not one of {names}.\n"


def test_filters_narrow_the_runs(world, tmp_path):
    world.write_run(tmp_path / "a", "oracle")
    world.write_run(tmp_path / "b", "oracle", "inter", world.Settings(profile="paper"))
    assert len(commands.chosen_runs([tmp_path])) == 2
    (kept,) = commands.chosen_runs([tmp_path], profile="paper")
    assert kept.read_metrics().scoring.profile == "paper"
    with pytest.raises(Exception, match=r"none of the 2 runs found passes --benchmark nix; there are benchmark: demo$"):
        commands.chosen_runs([tmp_path], benchmark="nix")


def test_mixed_runs_end_with_one_line_and_status_two(world, tmp_path):
    world.write_run(tmp_path / "a", "oracle")
    world.write_run(tmp_path / "b", "noise", "inter", world.Settings(profile="paper"))
    done = subprocess.run(
        [sys.executable, "-m", "benchmark.report", str(tmp_path), "--out", str(tmp_path / "r")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: these runs cannot share a table, their profile differs")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r.md").exists()


def test_compare_prints_json_and_writes_markdown(made, tmp_path):
    done = run(
        commands.compare, made.runs[0].path, made.runs[1].path, "--json", "--out", tmp_path / "c.md", "--largest", 1
    )
    assert json.loads(done.stdout)["first"] == "oracle"
    assert (tmp_path / "c.md").read_text().startswith("# oracle against tiny-foley")


def test_export_prints_a_model_index(made):
    assert json.loads(run(commands.export, made.runs[1].path).stdout)["model-index"][0]["name"] == "tiny-foley"


def test_figures_lists_what_it_drew(made, tmp_path):
    done = run(commands.figures, made.runs[0].path, "--out", tmp_path / "f")
    assert str(tmp_path / "f" / "inter-desync-histogram.pdf") in done.output.replace("\n", "")


def test_submit_check_ends_with_status_one_where_a_check_failed(world, tmp_path):
    good = world.write_run(tmp_path, "tiny-foley", audio=True)
    assert run(commands.submit_check, good.path).exit_code == 0
    good.audio(world.sample_ids("inter")[0]).unlink()
    done = run(commands.submit_check, good.path)
    assert done.exit_code == 1
    assert "failed   coverage" in done.output


def test_asking_for_help_imports_neither_torch_nor_matplotlib():
    program = (
        "import sys, benchmark.report.commands; "
        "print([name for name in ('torch', 'matplotlib', 'av', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
