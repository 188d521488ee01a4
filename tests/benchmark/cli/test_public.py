"""`list-benchmarks` and `build-public`, and what scores, figures and a study are without reference sounds."""

import json

import pytest
from support.small_films import write_film

pytestmark = [pytest.mark.usefixtures("models", "_wide")]
WHOLE = "video,prompt,audio\nbell.mp4,ringing bell,bell.mp4\ngong.mp4,beating gong,gong.mp4\n"
BARE = "video,prompt\nbell.mp4,ringing bell\ngong.mp4,beating gong\n"
SECONDS = 1.2


@pytest.fixture
def _wide(monkeypatch):
    """A line per row, whatever the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "600")


@pytest.fixture
def listed(tmp_path):
    """Write a list beside its two films; its path."""
    write_film(tmp_path / "bell.mp4", pitch=1800, seconds=1.4)
    write_film(tmp_path / "gong.mp4", pitch=160, seconds=1.4)

    def write(text):
        (tmp_path / "mine.csv").write_text(text)
        return tmp_path / "mine.csv"

    return write


@pytest.fixture
def build(command):
    return lambda file, *more: command(
        "build-public", "own-list", "--files", file, "--out", "mine", "--duration", SECONDS, "--workers", 1, *more
    )


def test_every_benchmark_is_listed_in_three_forms(command):
    from vgg_monoaudio.public.catalogue import BENCHMARKS

    shown, content = command("list-benchmarks").out, json.loads(command("list-benchmarks", "--json").out)
    pages = command("list-benchmarks", "--markdown").out
    assert [row["name"] for row in content] == [row.name for row in BENCHMARKS]
    for row in BENCHMARKS:
        assert f"{row.name} " in shown
        assert f"| {row.name}" in pages


def test_a_list_is_built_once_and_says_whether_it_has_reference_sounds(build, listed):
    assert build(listed(WHOLE)).out == "mine built: 2 samples, 2 of 2 clips, reference sounds\n"
    assert build(listed(WHOLE)).out == "mine is up to date: 2 samples, 2 of 2 clips, reference sounds\n"
    refused = build(listed(BARE)).message
    assert "holds a benchmark of other clips or settings (" in refused
    assert "list_sha256: " in refused
    assert "--overwrite replaces it" in refused
    assert build(listed(BARE), "--overwrite").out == "mine built: 2 samples, 2 of 2 clips, no reference sounds\n"


def test_a_film_that_is_not_there_stops_the_build_or_is_named(build, listed):
    text = f"{WHOLE}lost.mp4,croaking frog,lost.mp4\n"
    refused = build(listed(text)).err
    assert "1 of 3 clips cannot be used; pass --allow-missing" in refused
    assert "lost.mp4: no such file" in refused
    built = build(listed(text), "--allow-missing")
    assert built.err.startswith("left out: ")
    assert "2 samples, 2 of 3 clips" in built.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["foleybensh", "--files", "."], "did you mean foleybench"),
        (["vggsound-tvc", "--files", "."], "--part: expected L0, L1-subject, L1-action, L2 or L3"),
        (["foleybench", "--files", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_question_is_answered(command, words, message):
    done = command("build-public", *words)
    assert done.status == 2
    assert message in done.message


@pytest.fixture
def scored(command, build, listed):
    """Build a list, answer it and score the answers."""

    def score(text, *more, build_anew=True, metrics="kl,clap,onset_accuracy,silence_share", model="humming"):
        if build_anew:
            assert build(listed(text), "--overwrite").status == 0
        return command(
            "eval", "--model", model, "--benchmark", "mine", "--runs", "runs", "--cache", "cache", "--profile",
            "signal", "--metrics", metrics, "--resamples", 40, "--workers", 0, *more,
        )  # fmt: skip

    return score


def metrics_of(tmp_path):
    (file,) = tmp_path.glob("runs/**/metrics.json")
    return json.loads(file.read_text())["metrics"]


def test_what_compares_with_a_reference_shows_why_it_has_no_value(scored, tmp_path):
    done = scored(BARE)
    assert done.status == 0, done.err
    values = metrics_of(tmp_path)
    assert [values[name]["value"] is None for name in ("kl", "onset_accuracy", "clap", "silence_share")] == [
        True
    ] * 3 + [False]
    assert values["kl"]["reason"] == values["onset_accuracy"]["reason"] == "this benchmark has no reference sounds"
    assert values["clap"]["reason"].startswith("profile signal knows labels by reference sounds")


def test_with_reference_sounds_it_has_one(scored, tmp_path):
    scored(WHOLE)
    assert metrics_of(tmp_path)["kl"]["value"] > 0


def test_clips_too_short_for_synchrony_are_refused_in_words(scored):
    done = scored(WHOLE, metrics="desync")
    assert done.status == 2
    assert "mine: clips of 1.2 s, DeSync is judged on 4.8 s; name the other metrics with --metrics" in done.err


def test_a_control_that_plays_the_reference_is_refused_where_there_is_none(scored):
    assert "this benchmark has no reference sounds" in scored(BARE, model="oracle").err
    assert scored(BARE, model="silence").status == 0


def test_without_models_named_the_controls_that_can_be_played_are_scored(command, build, listed):
    build(listed(BARE))
    done = command(
        "eval", "--benchmark", "mine", "--profile", "signal", "--metrics", "inception_score,silence_share",
        "--resamples", 40, "--workers", 0,
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "silence" in done.out
    assert "oracle" not in done.out


def test_a_panel_of_a_sample_without_a_reference_shows_film_and_answers(scored, tmp_path):
    from benchmark.report import collect
    from benchmark.report.figures import sample_panels
    from benchmark.runs import find_runs

    for text, strips in ((BARE, ["humming"]), (WHOLE, ["Target", "humming"])):
        scored(text, "--fresh")
        (panel,) = sample_panels(collect(find_runs(tmp_path / "runs")), tmp_path / "mine", ["bell"]).values()
        assert [axes.get_ylabel() for axes in panel.axes[1:]] == strips


def test_panels_are_drawn_of_runs_that_have_no_kl(scored, tmp_path):
    from benchmark.report import collect
    from benchmark.report.figures import sample_panels
    from benchmark.runs import find_runs

    for metrics in ("silence_share", "inception_score"):  # of each sample, and of the whole set alone
        scored(BARE, "--fresh", metrics=metrics)
        panels = sample_panels(collect(find_runs(tmp_path / "runs")), tmp_path / "mine")
        assert panels.keys() == {"panel-bell", "panel-gong"}


def test_a_study_without_reference_sounds_needs_no_attention_items(scored, tmp_path):
    from support.small_studies import CONSENT

    from benchmark.runs import find_runs
    from benchmark.web.study.creating import create_study
    from benchmark.web.study.settings import settings_of
    from vgg_monoaudio import load_benchmark

    for model in ("silence", "humming"):
        scored(BARE, model=model)
    runs = [str(run.path) for run in find_runs(tmp_path / "runs")]
    content = {
        "name": "trial", "title": "A trial", "runs": runs, "samples": 2, "raters_per_item": 2, "items_per_rater": 4,
        "repeats": 0, "headphone_check": False, "tutorial": False, **CONSENT,
    }  # fmt: skip

    def create(**changes):
        file = tmp_path / "study.toml"
        settings = settings_of(content | changes, file)
        return create_study(settings, file, load_benchmark(tmp_path / "mine"), tmp_path / f"study{len(changes)}")

    with pytest.raises(ValueError, match=r"mine has no reference sounds .*set attention = 0 and tutorial = false"):
        create()
    assert len(create(attention=0).design.items) == 4


def test_onsets_that_people_annotated_stand_for_those_heard(scored, tmp_path):
    def accuracy(*onsets):
        scored(WHOLE, metrics="onset_accuracy", model="oracle")
        record = tmp_path / "mine" / "benchmark.json"
        content = json.loads(record.read_text())
        for source in content["sources"]:
            source["onset_seconds"] = list(onsets)
        record.write_text(json.dumps(content))
        scored(WHOLE, metrics="onset_accuracy", model="oracle", build_anew=False)
        return metrics_of(tmp_path)["onset_accuracy"]["value"]

    assert accuracy(0.0) == 1.0
    assert accuracy(0.0, 0.3, 0.6, 0.9) == 0.25
