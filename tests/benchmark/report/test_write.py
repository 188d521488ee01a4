import pytest

from benchmark.report import write_report
from benchmark.report.write import build_report


def test_a_report_is_four_files_and_a_folder_of_one_name(made):
    paths = made.paths
    assert {path.name for path in (paths.markdown, paths.csv, paths.latex, paths.html)} == {
        "report.md",
        "report.csv",
        "report.tex",
        "report.html",
    }
    assert paths.media == paths.html.with_suffix("")
    assert {path.name for path in paths.media.parent.iterdir()} == {
        "report",
        "report.md",
        "report.csv",
        "report.tex",
        "report.html",
    }


def test_a_name_with_a_dot_keeps_it(world, tmp_path):
    paths = write_report([world.write_run(tmp_path / "runs", "oracle")], tmp_path / "v1.2")
    assert (paths.markdown.name, paths.html.name, paths.media.name) == ("v1.2.md", "v1.2.html", "v1.2")


@pytest.mark.parametrize(
    ("name", "title"), [("demo", "VGG-MonoAudio results: demo"), ("vgg-monoaudio", "VGG-MonoAudio results")]
)
def test_the_title_names_another_benchmark_than_the_paper_s(world, tmp_path, name, title):
    run = world.write_run(tmp_path / "runs", "oracle", "inter", world.Settings(benchmark=name))
    paths = write_report([run], tmp_path / "out" / "report")
    assert paths.markdown.read_text().startswith(f"# {title}\n")
    assert f"<h1>{title}</h1>" in paths.html.read_text()


def test_tables_have_the_paper_s_columns_and_csv_and_page_every_metric(made):
    assert "text_margin_low" in made.paths.csv.read_text().splitlines()[0]
    assert 'data-sort="text_margin"' in made.paths.html.read_text()
    assert "Text margin" not in made.paths.markdown.read_text()


def test_a_preset_keeps_other_models_off_the_page_too(world, tmp_path):
    runs = [world.write_run(tmp_path / "runs", model, audio=True) for model in ("selva-s-16k", "tiny-foley")]
    paths = write_report(runs, tmp_path / "out" / "report", preset="sup-tokens")
    assert "tiny-foley" not in paths.html.read_text()
    assert not (paths.media / "answers" / "tiny-foley").exists()
    assert r"\label{tab:sup-tokens}" in paths.latex.read_text()


def test_published_rows_are_in_every_file_and_have_nothing_to_play(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "tiny-foley", "inter", world.Settings(profile="paper", without=()))
    paths = write_report([run], tmp_path / "out" / "report", published=True)
    for path in (paths.markdown, paths.csv, paths.latex, paths.html):
        assert "SELVA-S-16k" in path.read_text()
    assert '"models":[{"key":"tiny-foley"' in paths.html.read_text()
    assert paths.html.read_text().count('"kind":') == 1


def test_the_returned_table_is_the_one_in_the_files(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "oracle")
    report = build_report([run], tmp_path / "out" / "report", intervals=False)
    assert report.table.caption in report.paths.markdown.read_text()
    assert not report.table.intervals
    assert "In brackets" not in report.paths.markdown.read_text()


def test_nothing_is_written_where_the_runs_cannot_be_read(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "oracle")
    run.metrics_json.write_text("{}")
    with pytest.raises(Exception, match="not a record this version reads"):
        write_report([run], tmp_path / "out" / "report")
    assert not (tmp_path / "out").exists()
