import json
import shutil
import subprocess
import sys

import pytest
from support.world import Settings, write_run
from typer.testing import CliRunner

from benchmark.report import commands
from benchmark.report.__main__ import app
from benchmark.report.figures.drawing import Drawn
from benchmark.runs import RunDirectory, UnusableRun
from vgg_monoaudio.dataset import load_benchmark


def run(verb, *arguments):
    import typer

    program = typer.Typer()
    program.command()(verb)
    return CliRunner().invoke(program, [str(argument) for argument in arguments], catch_exceptions=False)


def test_report_finds_runs_below_a_folder_and_prints_table_and_paths(made, tmp_path):
    root = made.runs[0].path.parents[2]
    done = CliRunner().invoke(
        app,
        [
            str(root), "--out", str(tmp_path / "r"), "--benchmark-dir", str(made.benchmark),
            "--cache", str(tmp_path / "cache"),
        ],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    assert "grand-foley" in done.output
    assert (tmp_path / "r.html").is_file()
    assert str(tmp_path / "r.tex") in done.output.replace("\n", "")
    shown = {path.name for path in (tmp_path / "r" / "pictures").iterdir()}
    assert {path.name for path in (tmp_path / "cache" / "pictures").rglob("*.jpg")} == shown


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


def test_submit_check_ends_with_status_one_where_a_check_failed(scored, tmp_path):
    good = RunDirectory(shutil.copytree(scored[0][0].path, tmp_path / "inter" / "good"))
    assert run(commands.submit_check, good.path).exit_code == 0
    next((good.path / "audio").iterdir()).unlink()
    done = run(commands.submit_check, good.path)
    assert done.exit_code == 1
    assert "failed   coverage" in done.output


def test_asking_for_help_imports_no_heavy_package():
    program = (
        "import sys, benchmark.report.commands; "
        "print([name for name in ('torch', 'matplotlib', 'av', 'jinja2', 'pandas', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_path_without_a_scored_run_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(UnusableRun, match="no scored run at or below it; run `python -m benchmark evaluate` first"):
        commands.chosen_runs([tmp_path])


def test_a_run_that_is_named_twice_is_taken_once(world, tmp_path):
    run = world.write_run(tmp_path, "oracle")
    assert len(commands.chosen_runs([tmp_path, run.path, run.path.parent])) == 1


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"subset": "intra"}, 1),
        ({"benchmark": "demo"}, 2),
        ({"benchmark": "demo", "reference_video": "composed"}, 1),
        ({}, 2),
    ],
)
def test_every_filter_must_pass(world, tmp_path, filters, kept):
    world.write_run(tmp_path / "a", "oracle", "intra")
    world.write_run(tmp_path / "b", "oracle", "inter", world.Settings(reference_video="composed"))
    assert len(commands.chosen_runs([tmp_path], **filters)) == kept


def test_filters_that_no_run_passes_are_named_with_what_there_is(world, tmp_path):
    world.write_run(tmp_path, "oracle")
    message = r"none of the 1 runs found passes --subset intra --reference-video composed; there are subset: inter; "
    with pytest.raises(UnusableRun, match=message):
        commands.chosen_runs([tmp_path], subset="intra", reference_video="composed", benchmark="")


def test_without_arguments_the_runs_and_the_benchmark_are_those_of_the_current_folder(world, tmp_path):
    built = load_benchmark(world.write_benchmark(tmp_path / "data" / "demo"))
    settings = world.Settings(fingerprint=built.fingerprint("inter"))
    world.write_run(tmp_path / "results" / "runs", "oracle", "inter", settings, audio=True)
    done = CliRunner().invoke(app, [], catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "results" / "report.md").is_file()
    assert (tmp_path / "results" / "report" / "scenes").is_dir()  # from data/demo


def test_a_run_moved_to_another_disk_and_linked_has_its_row(world, tmp_path, caplog):
    for model in ("oracle", "noise"):
        world.write_run(tmp_path / "runs", model)
    inter = tmp_path / "runs" / "demo" / "inter"
    (inter / "oracle").rename(tmp_path / "oracle")
    (inter / "oracle").symlink_to(tmp_path / "oracle")
    (inter / "loop").symlink_to(tmp_path / "runs")
    done = CliRunner().invoke(app, [str(tmp_path / "runs"), "--out", str(tmp_path / "r")], catch_exceptions=False)
    assert done.exit_code == 0
    assert {line.split(",")[2] for line in (tmp_path / "r.csv").read_text().splitlines()[1:]} == {"oracle", "noise"}
    assert "loop: skipped, a link to" in caplog.text


@pytest.mark.parametrize(
    ("damage", "told"),
    [("absent", "no such file"), ("empty", "empty"), ("cut", "cut or damaged")],
    ids=["absent", "empty", "cut"],
)
def test_submit_check_of_a_damaged_run_leaves_with_status_1_and_says_why(world, tmp_path, damage, told):
    sent = world.write_run(tmp_path, "oracle")
    content = sent.run_json.read_bytes()
    sent.run_json.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    if damage == "absent":
        sent.run_json.unlink()
    done = run(commands.submit_check, sent.path)
    assert done.exit_code == 1
    assert done.output.startswith("failed   schema")
    assert f"run.json: {told}" in done.output


def test_standard_errors_need_no_intervals_switch(made, tmp_path):
    arguments = ["--no-intervals", "--standard-errors", "--out", str(tmp_path / "r")]
    done = CliRunner().invoke(app, [str(made.runs[0].path), *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    assert "±" in (tmp_path / "r.md").read_text()


def test_compare_prints_a_table_and_takes_the_benchmark_for_set_wise_tests(scored):
    runs, benchmark, cache = scored
    plain = run(commands.compare, *[one.path for one in runs])
    assert "Untested: FAD, KAD" in plain.stdout
    tested = run(commands.compare, *[one.path for one in runs], "--benchmark-dir", benchmark, "--cache", cache)
    assert "Untested: FAD, KAD" not in tested.stdout


def test_export_writes_a_file_and_names_it(made, tmp_path):
    out = tmp_path / "card" / "index.json"
    done = run(commands.export, made.runs[1].path, made.runs[2].path, "--model", "grand-foley", "--out", out)
    assert done.stdout.strip().replace("\n", "") == str(out)
    assert json.loads(out.read_text())["model-index"][0]["name"] == "grand-foley"


def test_figures_passes_on_samples_ratings_and_the_benchmark(made, tmp_path, monkeypatch):
    asked = []

    def write_figures(runs, out, **options):
        asked.append((len(runs), out, options))
        return [Drawn(out / "a.pdf", out / "a.png")]

    monkeypatch.setattr("benchmark.report.figures.write.write_figures", write_figures)
    study, out = tmp_path / "study.csv", tmp_path / "f"
    options = ["--sample", "one", "--sample", "two", "--ratings", study, "--benchmark-dir", made.benchmark]
    done = run(commands.figures, made.runs[0].path, *options, "--out", out)
    given = {"benchmark_dir": made.benchmark, "samples": ["one", "two"], "ratings": study}
    assert asked == [(1, out, {**given, "source_list": None, "table": "main", "published": False})]
    assert done.stdout.split() == [str(out / "a.pdf"), str(out / "a.png")]


@pytest.fixture
def asked(monkeypatch):
    """What `write_figures` was asked for: number of runs, and options that are set."""
    calls = []

    def write_figures(runs, out, **options):
        calls.append((len(runs), {name: value for name, value in options.items() if value}))
        return []

    monkeypatch.setattr("benchmark.report.figures.write.write_figures", write_figures)
    return calls


def test_figures_that_need_no_run_ask_for_none(made, asked):
    run(commands.figures, "--list", "r1")
    run(commands.figures, "--published-only", "--table", "sup-tokens")
    told = run(commands.figures, "--benchmark-dir", made.benchmark)
    assert asked == [
        (0, {"source_list": "r1", "table": "main"}),
        (0, {"table": "sup-tokens", "published": True}),
        (0, {"benchmark_dir": made.benchmark, "table": "main"}),
    ]
    assert told.stderr.strip() == f"{made.benchmark}: no scored run of it below results/runs: clips and pairs alone"


def test_a_benchmark_directory_alone_draws_the_runs_that_lie_where_runs_are_kept(made, asked, tmp_path):
    shutil.copytree(made.runs[0].path.parents[2], tmp_path / "results" / "runs")
    run(commands.figures, "--benchmark-dir", made.benchmark)
    assert asked == [(10, {"benchmark_dir": made.benchmark, "table": "main"})]


def test_a_benchmark_directory_alone_leaves_out_the_runs_of_other_benchmarks(made, asked, tmp_path):
    runs = tmp_path / "results" / "runs"
    shutil.copytree(made.runs[0].path.parents[2], runs)
    other = Settings(benchmark="other")
    write_run(runs, "oracle", settings=other)
    run(commands.figures, "--benchmark-dir", made.benchmark)
    assert asked == [(10, {"benchmark_dir": made.benchmark, "table": "main"})]


@pytest.mark.parametrize("verb", [commands.figures, commands.report])
def test_published_rows_alone_beside_runs_are_refused(made, verb):
    done = run(verb, made.runs[0].path, "--published-only")
    assert done.exit_code == 2
    assert "leave out RUNS" in " ".join(done.output.replace("│", " ").split())


def test_published_rows_alone_are_a_report_without_any_run(tmp_path):
    done = run(commands.report, "--published-only", "--table", "sup-tokens", "--out", tmp_path / "r")
    assert done.exit_code == 0
    text = (tmp_path / "r.md").read_text()
    assert "**51.2**" in text
    assert "<u>51.4</u>" in text
    assert "Published rows: best in bold, second underlined, among themselves." in text
    page = (tmp_path / "r.html").read_text()
    assert "VGG-MonoAudio: published results" in page
    assert '<section id="samples" aria-labelledby="samples-title" tabindex="-1" hidden>' in page


def test_submit_check_finds_the_benchmark_by_its_name(scored, tmp_path):
    runs, benchmark, _ = scored
    shutil.copytree(benchmark, tmp_path / "data" / "demo")
    done = run(commands.submit_check, runs[0].path, "--no-recompute")
    assert done.exit_code == 0
    assert "passed   benchmark   the same manifest" in done.output
    assert "skipped  recomputed  not requested" in done.output
