"""What a command line asks for: options of models, subsets, choices; wrong ones are found before any work."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines import register_model, registry
from benchmark.choices import Choices
from benchmark.cli import asking
from benchmark.cli.asking import (
    check_options,
    find_benchmark,
    generating,
    is_demo,
    model_options,
    options_of,
    scoring,
    subsets,
)
from benchmark.cli.options import ModelOptions, RunOptions, ScoreOptions
from vgg_monoaudio.dataset import load_benchmark
from vgg_monoaudio.demo.benchmark import DEMO_SETTINGS
from vgg_monoaudio.demo.clips import demo_sources

pytestmark = pytest.mark.usefixtures("models")


@dataclass
class Clip:
    clip_id: str


@dataclass
class Built:
    sources: list[Clip]
    subsets: list[str] = field(default_factory=lambda: ["inter", "intra"])
    path: Path = Path("data/mine")


DEMO = Built([Clip(clip_id) for clip_id in demo_sources()["clip_id"]])
OTHER = Built([*DEMO.sources, Clip("bell00000001_000010")])


@pytest.mark.parametrize(
    ("pair", "options"),
    [
        ("steps=25", {"steps": 25}),
        ("strength=4.5", {"strength": 4.5}),
        ("loud=True", {"loud": True}),
        ("name=selva-16k", {"name": "selva-16k"}),
        ("env={'A': '1'}", {"env": {"A": "1"}}),
        ("num-sup-tokens=3", {"num_sup_tokens": 3}),
        ("command=python x.py --level=2", {"command": "python x.py --level=2"}),
        ("empty=", {"empty": ""}),
        ("sup=1e3", {"sup": 1000.0}),
    ],
)
def test_a_pair_is_read_as_a_literal_where_it_is_one(pair, options):
    assert model_options([pair]) == options


@pytest.mark.parametrize("pair", ["steps", "=25", ""])
def test_a_pair_without_key_or_value_is_refused(pair):
    with pytest.raises(ValueError, match=f"--option: expected key=value, got {pair!r}"):
        model_options([pair])
    with pytest.raises(ValueError, match=f"--checkpoint: expected key=value, got {pair!r}"):
        model_options(None, checkpoint=[pair])


def test_named_options_that_are_not_given_are_left_out_and_those_given_win_over_pairs():
    found = model_options(["folder=a"], folder="b", pad=False, endpoint=None, checkpoint=["generator=g.pth", "vae=v"])
    assert found == {"folder": "b", "checkpoint": {"generator": "g.pth", "vae": "v"}}


def test_controls_are_told_nothing_and_others_only_what_they_have():
    own = {"level": 0.3, "allow_unverified": True}
    assert options_of("noise", own) == {}
    assert options_of("humming", own) == {"level": 0.3}
    assert options_of("selva", own) == own


def test_weights_that_name_a_model_are_of_that_model_alone():
    own = {"checkpoint": {"selva-s-44k:generator": "s.pth", "selva-m-44k:generator": "m.pth"}, "precision": "exact"}
    check_options(["selva-s-44k", "selva-m-44k", "selva"], own, None)
    assert options_of("selva-s-44k", own) == {"checkpoint": {"generator": "s.pth"}, "precision": "exact"}
    assert options_of("selva-m-44k", own) == {"checkpoint": {"generator": "m.pth"}, "precision": "exact"}
    assert options_of("selva", own) == {"precision": "exact"}
    assert options_of("selva", {"checkpoint": {"selva:vae": "a", "selva-s-16k:generator": "b"}}) == {
        "checkpoint": {"vae": "a", "generator": "b"}
    }


def test_weights_that_several_models_would_take_are_refused():
    own = {"checkpoint": {"generator": "g.pth"}}
    check_options(["selva"], own, None)
    with pytest.raises(
        ValueError, match=r"--checkpoint generator=g\.pth: 2 models open weights; .*selva:generator=g\.pth$"
    ):
        check_options(["selva", "mmaudio-s-16k"], own, None)
    with pytest.raises(ValueError, match="selva-m-44k is not run here; there are selva"):
        check_options(["selva"], {"checkpoint": {"selva-m-44k:generator": "g.pth"}}, None)


def test_the_flag_for_unverified_weights_is_no_unknown_option():
    check_options(["humming", "noise"], {"allow_unverified": True}, None)


def test_an_option_that_one_of_several_models_lacks_is_refused():
    with pytest.raises(ValueError, match="model 'dawdling' has no option 'level'; it has: seconds"):
        check_options(["humming", "noise", "dawdling"], {"level": 1}, None)


def test_a_run_name_is_for_one_model():
    check_options(["humming"], {}, "mine")
    with pytest.raises(ValueError, match="--run-name: names the run of one model, there are 2: humming, noise"):
        check_options(["humming", "noise"], {}, "mine")


@pytest.mark.parametrize("run_name", ["..", "", "a/b"])
def test_a_run_name_that_leads_elsewhere_is_refused_before_any_work(run_name):
    with pytest.raises(ValueError, match=r"^--run-name: expected the name of one folder, got "):
        check_options(["humming"], {}, run_name)


def test_a_model_is_named_once():
    with pytest.raises(ValueError, match=r"^--model: noise is named twice; name it once$"):
        check_options(["noise", "humming", "noise"], {}, None)
    with pytest.raises(ValueError, match=r"^--model: selva and selva-s-16k are the same model; name it once$"):
        check_options(["selva", "selva-s-16k"], {}, None)


def test_two_models_whose_runs_would_have_one_folder_are_refused(models, monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    for name in ("team/net", "team:net"):
        register_model(name, target=models.Humming)
    message = r"^--model: team/net and team:net are both kept in 'team-net'; run each alone, with --run-name$"
    with pytest.raises(ValueError, match=message):
        check_options(["team/net", "team:net"], {}, None)


def test_what_a_model_is_told_and_how_it_is_run_are_asked_for_once():
    told = ModelOptions(option=["level=0.3"], folder=Path("mine"), compile_model=True)
    with pytest.raises(ValueError, match="model 'humming' has no option 'compile'"):
        generating(["humming"], told, RunOptions())
    run = RunOptions(seed=4, limit=2)
    ask = generating(["humming"], ModelOptions(option=["level=0.3"]), run)
    assert (ask.own, ask.options) == ({"level": 0.3}, run)


def test_every_subset_is_meant_where_none_is_named():
    assert subsets(OTHER, None) == ["inter", "intra"]
    assert subsets(OTHER, "intra") == ["intra"]
    with pytest.raises(ValueError, match="--subset: data/mine has inter and intra, not 'single'"):
        subsets(OTHER, "single")


def test_the_demo_is_known_by_its_clips():
    assert is_demo(DEMO)
    assert is_demo(Built(DEMO.sources[:2]))
    assert not is_demo(OTHER)


def test_the_profile_is_signal_for_the_demo_and_paper_for_the_rest(monkeypatch):
    asked = []
    monkeypatch.setattr("benchmark.profiles.load_profile", lambda name, **options: asked.append((name, options)))
    for built in (DEMO, OTHER):
        scoring(built, ScoreOptions(device="cpu"))
    scoring(DEMO, ScoreOptions(profile="paper", extended=True, allow_unverified=True))
    plain = {"device": "cpu", "allow_unverified": False, "extended": False, "metrics": ()}
    assert asked == [
        ("signal", plain), ("paper", plain),
        ("paper", {"device": None, "allow_unverified": True, "extended": True, "metrics": ()}),
    ]  # fmt: skip


def test_every_scoring_option_reaches_its_choice(monkeypatch):
    monkeypatch.setattr("benchmark.profiles.load_profile", lambda name, **options: name)
    options = ScoreOptions(
        profile="signal", reference_video="composed", bandwidth_from="reference", resample_by="sample", resamples=50,
        extended=True, cache=Path("kept"), workers=2, allow_missing=True,
    )  # fmt: skip
    ask = scoring(OTHER, options)
    assert ask.choices == Choices(
        profile="signal", reference_video="composed", bandwidth_from="reference", resample_by="sample", resamples=50,
        extended=True,
    )  # fmt: skip
    assert (ask.cache, ask.workers, ask.allow_missing, ask.profile) == (Path("kept"), 2, True, "signal")


@pytest.mark.parametrize(
    ("name", "version", "path", "told"),
    [
        ("demo", "1.0", "data/demo", "python -m benchmark build --overwrite"),
        ("demo", "1.0", "mine", "python -m benchmark build --out mine --overwrite"),
        ("demo", DEMO_SETTINGS.version, "data/demo", ""),
        ("tiny", "1.0", "data/demo", ""),
    ],
)
def test_a_demo_of_another_version_is_used_and_how_to_have_this_one_is_said(
    monkeypatch, capsys, name, version, path, told
):
    built = SimpleNamespace(name=name, version=version, path=Path(path), sources=DEMO.sources)
    monkeypatch.setattr("vgg_monoaudio.dataset.load_benchmark", lambda path: built)
    assert find_benchmark(Path(path)) is built
    expected = f"note: {path} holds demo 1.0, this version builds demo {DEMO_SETTINGS.version}: {told}\n"
    assert capsys.readouterr().err == (expected if told else "")


def test_the_demo_is_built_where_no_benchmark_is(monkeypatch, tmp_path, capsys, tiny):
    monkeypatch.chdir(tmp_path)
    built = []
    monkeypatch.setattr(asking, "build_demo", lambda: built.append(True))
    monkeypatch.setattr("vgg_monoaudio.dataset.load_benchmark", lambda path: (path, load_benchmark(tiny.path))[1])
    find_benchmark(None)
    assert built == [True]
    assert capsys.readouterr().out == "benchmark: the embedded demo, in data/demo; building it first\n"
    (tmp_path / "data" / "demo").mkdir(parents=True)
    (tmp_path / "data" / "demo" / "benchmark.json").touch()
    find_benchmark(None)
    assert built == [True]
    assert capsys.readouterr().out == "benchmark: tiny 2.0, in data/demo\n"
