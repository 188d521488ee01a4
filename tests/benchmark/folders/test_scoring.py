"""Two folders get the numbers that the same files get as a run of a benchmark."""

import inspect
import json

import numpy as np
import pandas as pd
import pytest
from support.checkpoint_names import empty_weights
from support.network_stand_ins import stand_in

from benchmark import Choices, evaluate, score_folders
from benchmark.folders import record_of_folders
from benchmark.folders.scoring import FolderOptions, NothingLeft
from benchmark.profiles import load_profile
from benchmark.profiles.paper import PaperProfile
from foundation import media
from foundation.checkpoints import WeightOptions
from metrics import frechet_audio_distance, kernel_audio_distance
from metrics.backbones.signal import Signal
from metrics.fad import ResampledFrechet
from metrics.uncertainty.bootstrap import bootstrap_score

SECONDS = 5.0  # of the small benchmark


def scored(laid, **how):
    given = {"video": laid.video, "prompts": laid.prompts, "profile": "signal", "seconds": SECONDS, "resamples": 60,
             "cache": laid.cache, "workers": 0, **how}  # fmt: skip
    return record_of_folders(laid.generated, laid.reference, **given)


def test_folders_of_a_run_s_files_get_the_numbers_of_the_run(laid):
    record = scored(laid)
    assert (record.counts.scored, record.counts.expected, record.failures) == (4, 4, {})
    for name, value in record.metrics.items():
        expected = laid.record.metrics[name]
        assert (value.value is None) == (expected.value is None), name
        if value.value is not None:
            assert value.value == pytest.approx(expected.value, rel=1e-9, abs=1e-9), name
            assert (value.n, value.unit, value.better) == (expected.n, expected.unit, expected.better)
    assert record.metrics["fad"].value > 0
    assert {name for name, value in record.metrics.items() if value.value is not None} == {
        "fad", "kad", "kl", "clap", "desync",
    }  # fmt: skip


def test_intervals_draw_each_name_by_itself(tmp_path):
    drawn = np.random.default_rng(5)
    for side in ("generated", "reference"):
        for place in range(12):
            media.write_audio(tmp_path / side / f"{place:02}.wav", drawn.normal(0, 0.1, 16_000), 16_000)
    folders = [tmp_path / "generated", tmp_path / "reference"]
    how = {"profile": "signal", "seconds": 1.0, "resamples": 60, "cache": tmp_path / "cache", "workers": 0}
    record = record_of_folders(*folders, metrics=("fad",), **how)
    generated, reference = (np.stack([embedding(path, 1.0) for path in sorted(folder.iterdir())]) for folder in folders)
    expected = bootstrap_score(ResampledFrechet(reference, generated), resamples=60, seed=0)
    assert record.metrics["fad"].ci95 == pytest.approx(expected.ends, rel=1e-6)


def test_each_sample_s_scores_are_those_of_the_run(laid):
    table = pd.read_parquet(laid.run.samples_parquet).set_index("sample_id")
    found = pd.DataFrame.from_dict(scored(laid).samples, orient="index")
    for column in ("kl", "clap", "desync"):
        np.testing.assert_allclose(found[column], table.loc[found.index, column], rtol=1e-9, atol=1e-9)


def test_networks_get_the_same_numbers_from_folders_as_from_a_run(laid, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.profiles.networks.load_backbone", stand_in)
    monkeypatch.setattr(PaperProfile, "_embed_text", lambda self, text: np.arange(1.0, 4) * len(text))
    weights = {"weights_dir": empty_weights(tmp_path / "weights"), "allow_unverified": True, "device": "cpu"}
    choices = Choices(profile="paper", resample_by="sample", resamples=60)
    profile, cache = load_profile("paper", **weights), tmp_path / "cache"
    expected = evaluate(laid.run, tiny.path, choices, profile=profile, cache=cache, workers=0).metrics
    found = scored(laid, profile="paper", cache=tmp_path / "own", **weights).metrics
    for name in ("fad", "kad", "kl", "clap", "imagebind", "desync"):
        assert found[name].value == pytest.approx(expected[name].value, rel=1e-6), name


def test_only_networks_that_the_folders_suffice_for_are_needed(laid, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.profiles.networks.load_backbone", stand_in)
    weights = empty_weights(tmp_path / "weights", only=("panns",))
    found = scored(
        laid, profile="paper", video=None, prompts=None, weights_dir=weights, allow_unverified=True, device="cpu",
        cache=tmp_path / "cache",
    )  # fmt: skip
    assert found.metrics["fad"].value > 0
    assert found.metrics["imagebind"].reason == "needs the films (--video FOLDER)"
    assert found.metrics["clap"].reason == "needs the prompts (--prompts FILE)"


def test_a_file_on_one_side_alone_is_named_and_costs_no_other_sample(laid):
    names = sorted(path.stem for path in laid.generated.iterdir())
    next(laid.generated.glob(f"{names[0]}.*")).unlink()
    (laid.reference / f"{names[1]}.wav").unlink()
    record = scored(laid)
    assert record.failures == {
        names[0]: "no generated sound of this name", names[1]: "no reference sound of this name",
    }  # fmt: skip
    assert (record.counts.scored, record.counts.expected) == (2, 4)
    assert {value.n for value in record.metrics.values() if value.value is not None} == {2}


def test_a_name_without_film_or_prompt_is_left_out_of_every_metric(laid):
    names = sorted(path.stem for path in laid.generated.iterdir())
    (laid.video / f"{names[0]}.mp4").unlink()
    laid.prompts.write_text("".join(line for line in laid.prompts.open() if names[1] not in line))
    record = scored(laid)
    assert record.failures == {names[0]: "no film of this name", names[1]: "no prompt of this name"}
    assert {value.n for value in record.metrics.values() if value.value is not None} == {2}


def test_a_file_that_is_too_short_or_broken_is_named_on_either_side(laid):
    names = sorted(path.stem for path in laid.generated.iterdir())
    media.write_audio(laid.reference / f"{names[0]}.wav", np.ones(16_000, np.float32) * 0.1, 16_000)
    next(laid.generated.glob(f"{names[1]}.*")).write_bytes(b"no sound")
    record = scored(laid)
    assert sorted(record.failures) == names[:2]
    assert "1.000 s of sound, 5 s are scored" in record.failures[names[0]]
    assert record.counts.scored == 2


def renamed(folder):
    for path in sorted(folder.iterdir()):
        path.rename(path.with_name(f"other-{path.name}"))


def test_folders_without_a_common_name_are_compared_as_sets_of_any_size(laid):
    renamed(laid.reference)
    (extra,) = sorted(laid.generated.iterdir())[:1]
    extra.unlink()
    record = scored(laid, prompts=None, video=None)
    assert (record.paired, record.failures, record.counts.expected) == (False, {}, 3)
    rows = {
        side: np.stack([embedding(path) for path in sorted(folder.iterdir())])
        for side, folder in (("reference", laid.reference), ("generated", laid.generated))
    }
    expected = frechet_audio_distance(rows["reference"], rows["generated"])
    assert record.metrics["fad"].value == pytest.approx(expected, rel=1e-6)
    assert record.metrics["kad"].value == pytest.approx(kernel_audio_distance(**rows), rel=1e-5)
    assert record.metrics["fad"].ci95 is None
    assert record.metrics["fad"].reason == "no interval: 3 generated and 4 reference sounds are not paired"
    assert record.metrics["kl"].reason.startswith("compares sounds of one name, and no name is in both folders")


def embedding(path, seconds=SECONDS):
    sound = media.read_audio_native(path)
    return Signal().audio(sound.samples.mean(axis=0)[: round(seconds * sound.sample_rate)]).embedding


def test_folders_that_share_names_are_compared_as_sets_on_request(laid):
    paired, sets = scored(laid), scored(laid, unpaired=True)
    assert sets.metrics["fad"].value == pytest.approx(paired.metrics["fad"].value, rel=1e-9)
    assert sets.metrics["kl"].reason == "compares sounds of one name, and the folders are compared as sets"
    assert sets.metrics["desync"].value == pytest.approx(paired.metrics["desync"].value)
    min(laid.reference.iterdir()).write_bytes(b"no sound")
    record = scored(laid, unpaired=True)
    assert record.counts.scored == 4  # it is of no generated sound
    assert record.metrics["fad"].reason == "no interval: 4 generated and 3 reference sounds are not paired"


def test_a_reference_that_cannot_be_read_is_named_in_sets_too(laid):
    renamed(laid.reference)
    broken = sorted(laid.reference.iterdir())[0]
    broken.write_bytes(b"no sound")
    record = scored(laid, prompts=None, video=None)
    assert list(record.failures) == [str(broken)]
    assert record.metrics["fad"].reason == "no interval: 4 generated and 3 reference sounds are not paired"


def test_profile_signal_without_labels_says_which_metrics_want_them(laid):
    record = scored(laid, prompts=None)
    reason = "needs labels (--prompts FILE): profile signal learns classes from the reference sounds"
    assert {name: record.metrics[name].reason for name in ("kl", "inception_score")} == {
        "kl": reason, "inception_score": reason,
    }  # fmt: skip
    assert record.metrics["desync"].value is not None


def test_synchrony_wants_as_much_as_it_is_judged_on(laid):
    record = scored(laid, seconds=2.0)
    assert record.metrics["desync"].reason == "is judged on 4.8 s, and 2 s are scored (--seconds)"
    assert record.metrics["fad"].value > 0


def test_how_much_is_scored_counts_though_features_of_another_length_are_kept(laid):
    whole, half = (scored(laid, seconds=seconds, video=None).metrics["fad"].value for seconds in (5, 2.5))
    again = scored(laid, seconds=2.5, video=None, cache=laid.generated.parent / "fresh").metrics["fad"].value
    assert half == again != whole


def test_metrics_of_scenes_are_shown_where_they_are_named_alone(laid):
    assert "text_win_rate" not in scored(laid).metrics
    named = scored(laid, metrics=("fad", "text_win_rate"))
    assert list(named.metrics) == ["fad", "text_win_rate"]
    assert named.metrics["text_win_rate"].reason == "needs the scenes of a benchmark, whose other sound is known"


def test_what_cannot_be_scored_is_refused_with_the_reason(laid, tmp_path):
    with pytest.raises(ValueError, match=r"DeSync needs the films \(--video FOLDER\)"):
        scored(laid, video=None, metrics=("desync",))
    for given, message in (
        ({"seconds": 0}, "seconds: expected a number above 0, got 0"),
        ({"seconds": "8"}, "seconds: expected a number above 0, got '8'"),
        ({"workers": -1}, "workers: expected 0 or more, got -1"),
        ({"video": ""}, "video: expected a path, got ''"),
        ({"prompts": ""}, "prompts: expected a path, got ''"),
        ({"metrics": "fad"}, r'metrics: expected a list of names, got "fad"; write \["fad"\]'),
        ({"profile": "x"}, "profile: expected paper, open or signal, got 'x'"),
    ):
        with pytest.raises(ValueError, match=message):
            scored(laid, **given)
    with pytest.raises(NothingLeft, match=r"5\.\d+ s of sound, 60 s are scored.*--seconds says how much"):
        scored(laid, seconds=60, video=None)


def test_options_that_are_handed_on_are_those_that_are_taken(laid):
    named = {
        name for name, one in inspect.signature(record_of_folders).parameters.items() if one.kind is one.KEYWORD_ONLY
    }
    assert FolderOptions.__annotations__.keys() == named | WeightOptions.__annotations__.keys()
    with pytest.raises(TypeError, match="no option 'profil'; did you mean profile"):
        score_folders(laid.generated, laid.reference, profil="signal")
    with pytest.raises(TypeError, match="no option 'second'; did you mean seconds"):
        score_folders(laid.generated, laid.reference, profile="signal", second=5)


def test_the_frame_has_a_row_per_metric_and_names_what_was_not_scored(laid, caplog):
    name = min(path.stem for path in laid.generated.iterdir())
    next(laid.generated.glob(f"{name}.*")).unlink()
    frame = score_folders(
        laid.generated, laid.reference, profile="signal", seconds=SECONDS, cache=laid.cache, workers=0, resamples=60
    )
    assert frame.index.name == "metric"
    assert list(frame.columns) == ["label", "value", "low", "high", "n", "of", "unit", "better", "reason"]
    assert frame.loc["fad", ["n", "of"]].tolist() == [3, 4]
    assert np.isnan(frame.loc[["imagebind", "kl"], "value"]).all()
    assert frame.loc["imagebind", "reason"] == "needs the films (--video FOLDER)"
    assert frame.attrs["failures"] == {name: "no generated sound of this name"}
    assert f"1 of 4 names are not scored, the first: {name}: no generated sound" in caplog.text


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_command_line_shows_and_keeps_the_table(laid, command, ending, tmp_path):
    done = command(
        "score", laid.generated, laid.reference, "--video", laid.video, "--prompts", laid.prompts,
        "--profile", "signal", "--seconds", "5", "--cache", laid.cache, "--workers", "0", "--resamples", "60",
        "--out", f"scores.{ending}",
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    assert "4 of 4 scored, paired by name; 5 s of each; profile signal" in done.out
    assert "IB: profile signal has no counterpart" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    kept = tmp_path / f"scores.{ending}"
    if ending == "csv":
        value = pd.read_csv(kept).set_index("metric").loc["fad", "value"]
    else:
        content = json.loads(kept.read_text())
        value = content["metrics"]["fad"]["value"]
        assert len(content["samples"]) == 4
    assert value == pytest.approx(laid.record.metrics["fad"].value)


def test_the_command_line_leaves_with_1_where_names_are_missing_and_with_2_where_it_is_asked_wrongly(laid, command):
    name = min(path.stem for path in laid.generated.iterdir())
    (laid.reference / f"{name}.wav").unlink()
    words = (laid.generated, laid.reference, "--profile", "signal", "--seconds", "5", "--cache", laid.cache)
    done = command("score", *words, "--workers", "0", "--resamples", "60", "--json")
    assert done.status == 1
    assert done.err.splitlines() == ["1 not scored:", f"  {name}: no reference sound of this name"]
    assert json.loads(done.out)["counts"] == {"generated": 4, "reference": 3, "expected": 4, "scored": 3}
    assert command("score", *words, "--out", "scores.xlsx").message == (
        "--out: expected .csv or .json, got 'scores.xlsx'"
    )  # fmt: skip


def test_where_no_file_can_be_read_its_fault_is_told_and_what_other_names_lack(laid):
    first, *others = sorted(path.stem for path in laid.generated.iterdir())
    next(laid.generated.glob(f"{first}.*")).write_bytes(b"no sound")
    for name in others:
        (laid.video / f"{name}.mp4").unlink()
    with pytest.raises(NothingLeft) as refused:
        scored(laid)
    assert f"{first}." in str(refused.value)
    assert "--seconds" not in str(refused.value)
    assert str(refused.value).endswith(f"; 3 more lack a file or a prompt; {others[0]}: no film of this name")


def test_a_table_of_nothing_but_dashes_is_refused_with_the_reasons(laid, command):
    _, *others = sorted(path.stem for path in laid.generated.iterdir())
    for name in others:
        (laid.reference / f"{name}.wav").unlink()
    words = ("--profile", "signal", "--seconds", 5, "--cache", laid.cache, "--workers", 0, "--metrics", "fad,kad,kl")
    done = command("score", laid.generated, laid.reference, *words)
    assert (done.status, done.out) == (2, "")
    assert "no metric has a value; FAD and KAD: needs 2 samples, there are 1; KL: needs labels" in done.message
    assert f"3 not scored, {others[0]}: no reference sound of this name" in done.message
