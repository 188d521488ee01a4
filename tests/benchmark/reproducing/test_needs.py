"""What a plan needs that is not there: all of it at once, with size, licence and the way to get it."""

import pytest
from support.printed import write_printed

from baselines import get_model
from benchmark.profiles import checkpoints_of
from benchmark.reproducing import command_of, home_of, missing, plan_of
from foundation import checkpoints
from metrics.registry import chosen_metrics, list_metrics

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """An empty folder of weights, and an empty working directory."""
    monkeypatch.setenv(checkpoints.WEIGHTS_VARIABLE, str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)


def needs_of(plan, profile="paper", options=None, metrics=None, **more):
    chosen = list_metrics() if metrics is None else chosen_metrics(metrics)
    return missing(plan, profile=profile, metrics=chosen, options=dict.fromkeys(plan.models, options or {}), **more)


def named(needs, kind):
    return {need.name for need in needs if need.kind == kind}


def test_everything_is_listed_at_once_data_first():
    needs = needs_of(plan_of("D5"))
    assert next(need.kind for need in needs) == "data"
    assert named(needs, "data") == {"data/vgg-monoaudio"}
    assert named(needs, "weights") == {
        *checkpoints_of("paper", list_metrics()),
        *(name for model in plan_of("D5").models for name in get_model(model).checkpoints),
    }
    assert named(needs, "unpublished weights") >= {"generator of selva-s-44k", "generator of selva-l-44k"}


def test_weights_come_with_size_licence_who_needs_them_and_one_command_for_all():
    needs = needs_of(plan_of("D4", rows=["MMAudio-S-16k"]))
    (clap,) = [need for need in needs if need.name == "clap"]
    assert (clap.size_bytes, clap.licence) == (checkpoints.get("clap").size_bytes, checkpoints.get("clap").licence)
    assert clap.needed_by == ("profile paper",)
    assert clap.to_get == "python -m benchmark weights clap"
    (shared,) = [need for need in needs if need.name == "synchformer"]
    assert shared.needed_by == ("profile paper", "MMAudio-S-16k"), "the metric and the model use one file"
    assert command_of(needs).split()[4:] == [need.name for need in needs if need.kind == "weights"]


def test_only_what_the_wanted_metrics_need_is_asked_for(tiny, tmp_path):
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [("oracle", "inter", "", {"kl": "0"})]))
    assert named(needs_of(plan, metrics=["kl"], benchmark=tiny.path), "weights") == {"panns"}
    assert needs_of(plan, profile="signal", benchmark=tiny.path) == []


def test_a_benchmark_without_the_subset_is_no_help(tiny):
    needs = needs_of(plan_of("A1"), benchmark=tiny.path)
    (data,) = [need for need in needs if need.kind == "data"]
    assert data.name == f"{tiny.path}, single"
    assert data.wrong == "it has inter and intra"


def test_the_command_that_builds_each_benchmark_is_named():
    def to_get(table):
        return next(need.to_get for need in needs_of(plan_of(table)) if need.kind == "data")

    assert to_get("A1").startswith("python -m benchmark build-vggsound-test ")
    assert to_get("D5").startswith("python -m benchmark build --sources ")


def test_a_subset_without_a_place_of_its_own_must_be_given_one():
    with pytest.raises(ValueError, match="subset 'music': say with --benchmark which directory has it"):
        home_of("music", None)


def test_random_weights_need_no_files_of_the_model(tiny):
    needs = needs_of(plan_of("D3"), options={"random_weights": True}, benchmark=tiny.path)
    assert named(needs, "weights") == set(checkpoints_of("paper", list_metrics()))
    assert named(needs, "unpublished weights") == set()


def test_unpublished_weights_of_ones_own_must_be_files(tiny, tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"w")
    given = {"checkpoint": {"video_encoder": str(tmp_path / "mine.pth"), "generator": "gone.pth"}}
    needs = needs_of(plan_of("D3", rows=["7"]), options=given, benchmark=tiny.path)
    (need,) = [need for need in needs if need.kind == "unpublished weights"]
    assert (need.name, need.wrong) == ("generator of selva-s-16k-sup-7", "no gone.pth")


def test_a_program_that_is_not_installed_is_named_with_its_parts(tiny):
    needs = needs_of(plan_of("D4", rows=["ReWaS"]), benchmark=tiny.path)
    (program,) = [need for need in needs if need.kind == "program"]
    assert (program.name, program.needed_by) == ("rewas", ("ReWaS",))
    assert program.wrong.startswith("lacks checkout, interpreter, ")
    assert program.to_get == "python -m benchmark doctor --model rewas"
    assert program.size_bytes >= checkpoints.get("rewas").size_bytes
    assert "rewas" not in named(needs, "weights"), "the program has them in its checkout"


def test_a_file_that_is_not_the_published_one_is_told_from_one_that_is_missing(tiny, tmp_path):
    place = checkpoints.weights_folder() / checkpoints.get("clap").filename
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another")
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [("oracle", "inter", "", {"clap": "0.3"})]))

    def clap(**more):
        return [need for need in needs_of(plan, metrics=["clap"], benchmark=tiny.path, **more) if need.name == "clap"]

    assert clap()[0].wrong == "another file than the published one"
    assert "--allow-unverified" in clap()[0].to_get
    assert clap(allow_unverified=True) == []
