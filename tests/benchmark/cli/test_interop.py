"""The doors to av-benchmark and kadtk: real files of their layouts, written and read through the command line."""

import hashlib
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from support.packs import the_kept
from support.world import Settings, write_run

from benchmark.exchange import _EXTENDED_SOUNDS, _SOUNDS, _VIDEOS
from benchmark.features import Extractor, FeatureStore
from benchmark.runs import MetricValue, RunDirectory
from foundation.files import file_sha256
from metrics import clap_score, frechet_audio_distance, imagebind_score, inception_score, kl_divergence
from metrics.interop import _LAYOUTS, read_av_benchmark, write_av_benchmark
from metrics.registry import get_metric

SHAPES = {
    "panns_embedding": (2048,), "panns_logits": (527,), "clap_text": (512,), "clap_audio": (512,),
    "imagebind_video": (1024,), "imagebind_audio": (1024,), "synchformer_video": (24, 8, 768),
    "synchformer_audio": (24, 6, 768),
}  # fmt: skip
KEYS = {name: f"v1-{name}" for name in ("panns", "clap", "imagebind", "synchformer")}


def drawn(feature, mark):
    """The features of a file, which follow from its content."""
    seed = int.from_bytes(hashlib.sha256(f"{feature}{mark}".encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=SHAPES[feature]).astype(np.float32)


def keep(store, features, mark):
    """Write features into the cache, as scoring leaves them there."""
    files = {}
    for feature, (extractor, array) in features.items():
        files.setdefault(extractor, {})[array] = drawn(feature, mark)
    for name, arrays in files.items():
        store.write(Extractor(name, KEYS[name.partition(".")[0]], "audio", prepare=len), mark, arrays)


@pytest.fixture
def scored(command, tiny, tmp_path):
    """A run on the tiny benchmark as profile paper would leave it, and its cache: no weights are needed for that."""
    where = ("--benchmark", tiny.path, "--subset", "inter")
    assert command("generate", "oracle", *where, "--runs", "runs").status == 0
    run = RunDirectory.locate(tmp_path / "runs", "tiny", "inter", "oracle")
    signal = ("--benchmark", tiny.path, "--profile", "signal", "--workers", 0, "--resamples", 50)
    assert command("evaluate", run.path, *signal).status == 0
    record = run.read_metrics()
    kad = record.metrics["kad"].model_copy(update={"value": 0.6762})
    scoring = record.scoring.model_copy(update={"profile": "paper", "backbones": KEYS})
    run.write(record.model_copy(update={"scoring": scoring, "metrics": {**record.metrics, "kad": kad}}))
    store = FeatureStore(tmp_path / "kept")
    for sample in tiny.benchmark.samples("inter"):
        for path in (sample.target_audio, run.audio(sample.sample_id)):
            keep(store, _SOUNDS, file_sha256(path))
        for path in (sample.target_video, sample.video):
            keep(store, _VIDEOS, file_sha256(path))
        keep(store, {"clap_text": ("clap.text", "embedding")}, hashlib.sha256(sample.label.encode()).hexdigest())
    return run


@pytest.fixture
def export(command, tiny, scored):
    return lambda *more: command(
        "export-av-benchmark", scored.path, "out", "--benchmark", tiny.path, "--cache", "kept", *more
    )


def test_a_run_is_exported_as_two_folders_that_av_benchmark_reads(export, scored, tiny, tmp_path):
    done = export()
    assert (done.status, done.err) == (0, "")
    names = {"reference": [
        "clap_laion_audio.pth", "clap_laion_text.pth", "imagebind_audio.pth", "imagebind_video.pth",
        "pann_features.pth", "synchformer_audio.pth", "synchformer_video.pth",
    ], "generated": [
        "clap_laion_audio.pth", "imagebind_audio.pth", "pann_features.pth", "synchformer_audio.pth",
    ]}  # fmt: skip
    assert {side: sorted(path.name for path in (tmp_path / "out" / side).iterdir()) for side in names} == names
    assert sorted(done.out.splitlines()[1:]) == sorted(f"out/{side}/{name}" for side in names for name in names[side])
    samples = tiny.benchmark.samples("inter")
    panns = torch.load(tmp_path / "out" / "reference" / "pann_features.pth", weights_only=True)
    assert sorted(panns) == sorted(sample.sample_id for sample in samples)
    for sample in samples:
        there = panns[sample.sample_id]["2048"].numpy()
        np.testing.assert_array_equal(there, drawn("panns_embedding", file_sha256(sample.target_audio)))


def test_generated_and_reference_are_not_exchanged(export, scored, tiny, tmp_path):
    export()
    sample = tiny.benchmark.samples("inter")[1]
    files = {
        ("reference", "clap_audio"): sample.target_audio, ("generated", "clap_audio"): scored.audio(sample.sample_id),
        ("reference", "synchformer_video"): sample.target_video,
    }  # fmt: skip
    for (side, feature), path in files.items():
        found = read_av_benchmark(tmp_path / "out" / side, feature)[sample.sample_id]
        np.testing.assert_array_equal(found, drawn(feature, file_sha256(path)))
    text = read_av_benchmark(tmp_path / "out" / "reference", "clap_text")[sample.sample_id]
    np.testing.assert_array_equal(text, drawn("clap_text", hashlib.sha256(sample.label.encode()).hexdigest()))


def test_the_reference_video_is_the_one_that_the_run_was_scored_against(export, scored, tiny, tmp_path):
    record = scored.read_metrics()
    scored.write(
        record.model_copy(update={"scoring": record.scoring.model_copy(update={"reference_video": "composed"})})
    )
    export()
    sample = tiny.benchmark.samples("inter")[0]
    found = read_av_benchmark(tmp_path / "out" / "reference", "imagebind_video")[sample.sample_id]
    np.testing.assert_array_equal(found, drawn("imagebind_video", file_sha256(sample.video)))


def test_what_no_metric_takes_of_target_sounds_is_left_out_where_one_has_none(export, scored, tiny, tmp_path):
    store, target = FeatureStore(tmp_path / "kept"), tiny.benchmark.samples("inter")[1].target_audio
    for sample in tiny.benchmark.samples("inter"):  # the oracle's answers are the targets; these are not
        answer = scored.audio(sample.sample_id)
        answer.write_bytes(answer.read_bytes() + sample.sample_id.encode())
        keep(store, _SOUNDS, file_sha256(answer))
    for name in ("imagebind.audio", "synchformer.audio"):
        the_kept(tmp_path / "kept", name, file_sha256(target)).pack.unlink()
    done = export()
    assert (done.status, done.err) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out" / "reference").iterdir()) == [
        "clap_laion_audio.pth", "clap_laion_text.pth", "imagebind_video.pth", "pann_features.pth",
        "synchformer_video.pth",
    ]  # fmt: skip
    assert (tmp_path / "out" / "generated" / "synchformer_audio.pth").exists()


def test_samples_that_were_not_scored_are_not_exported(export, scored, tiny, tmp_path):
    record, lost = scored.read_metrics(), tiny.benchmark.samples("inter")[2].sample_id
    failure = {"sample": lost, "stage": "generate", "reason": "GenerationError: no answer"}
    text = json.loads(record.model_dump_json(by_alias=True))
    scored.metrics_json.write_text(json.dumps({**text, "failures": [failure]}))
    scored.audio(lost).unlink()
    assert export().status == 0
    assert lost not in read_av_benchmark(tmp_path / "out" / "generated", "panns_logits")
    assert len(read_av_benchmark(tmp_path / "out" / "reference", "clap_text")) == 3


def test_features_that_are_not_in_the_cache_are_named_and_nothing_is_written(command, export, scored, tiny, tmp_path):
    (tmp_path / "kept" / "clap.audio").rename(tmp_path / "elsewhere")
    done = export()
    assert done.status == 2
    assert done.message.startswith(f"{scored.path}: the cache has no features clap.audio of ")
    assert done.message.endswith("score the run again, or give the cache that it was scored with (--cache)")
    assert not (tmp_path / "out").exists()


def test_a_run_of_another_profile_or_benchmark_is_not_exported(command, export, scored, tiny, tmp_path):
    record = scored.read_metrics()
    other = record.benchmark.model_copy(update={"fingerprint": "another"})
    scored.write(record.model_copy(update={"benchmark": other}))
    assert "answers tiny 2.0 (inter), not the benchmark in" in export().message
    signal = record.scoring.model_copy(update={"profile": "signal"})
    scored.write(record.model_copy(update={"scoring": signal}))
    assert "scored by profile signal, whose features other tools do not know" in export().message


@pytest.fixture
def folders(tmp_path):
    """Two feature folders, as av-benchmark leaves them: twelve samples."""
    rng = np.random.default_rng(5)
    names = [f"clip{place:02}" for place in range(12)]

    def side(folder, *features):
        tables = {f: {name: rng.normal(size=SHAPES[f]).astype(np.float32) for name in names} for f in features}
        write_av_benchmark(tmp_path / folder, tables)
        return {feature: np.stack([table[name] for name in names]) for feature, table in tables.items()}

    reference = side("gt", "panns_embedding", "panns_logits", "clap_text", "imagebind_video")
    generated = side("pred", "panns_embedding", "panns_logits", "clap_audio", "imagebind_audio")
    return reference, generated


def test_features_of_the_other_tool_are_scored_by_our_metrics(command, folders):
    reference, generated = folders
    done = command("import-av-benchmark", "gt", "pred", "--json")
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    kl = kl_divergence(reference["panns_logits"], generated["panns_logits"]).mean()
    assert found == {
        "fad": frechet_audio_distance(reference["panns_embedding"], generated["panns_embedding"]),
        "inception_score": inception_score(generated["panns_logits"])[0],
        "kl": pytest.approx(kl, rel=1e-15),
        "clap": pytest.approx(clap_score(reference["clap_text"], generated["clap_audio"]).mean(), rel=1e-15),
        "imagebind": pytest.approx(
            imagebind_score(reference["imagebind_video"], generated["imagebind_audio"]).mean(), rel=1e-15
        ),
        "fad_infinity": None,  # twelve samples are too few
        "fd_vggish": None, "fd_passt": None, "inception_score_passt": None, "kl_passt": None,
    }  # fmt: skip
    reverse = kl_divergence(generated["panns_logits"], reference["panns_logits"]).mean()
    assert found["kl"] != pytest.approx(reverse)  # which side is which


def test_examples_of_vggish_are_rows_of_their_own(command, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for folder in ("gt", "pred"):
        arrays[folder] = rng.normal(size=(3, 8, 128)).astype(np.float32)
        write_av_benchmark(tmp_path / folder, {"vggish_embedding": dict(zip("abc", arrays[folder], strict=True))})
    found = json.loads(command("import-av-benchmark", "gt", "pred", "--json").out)
    expected = frechet_audio_distance(arrays["gt"].reshape(24, 128), arrays["pred"].reshape(24, 128))
    assert found["fd_vggish"] == expected
    assert found["fad"] is None


def test_the_table_shows_a_dash_and_the_reason_where_features_are_absent_or_samples_too_few(command, folders):
    out = command("import-av-benchmark", "gt", "pred").out.splitlines()
    lines = {line.split()[0]: line.split() for line in out}
    assert out[0].split() == ["metric", "value", "better", "why", "no", "value"]
    assert lines["FAD"][2:] == ["lower"]
    assert float(lines["FAD"][1]) > 0
    assert lines["FD-VGG"][1:] == ["–", "lower", "no", "gt/vggish_features.pth"]
    label = get_metric("fad_infinity").label
    (few,) = (line.split() for line in out if line.startswith(f"{label} "))
    assert few[-8:] == ["–", "lower", "needs", "20", "samples,", "there", "are", "12"]


def test_too_few_samples_for_every_metric_are_said_to_be_so(command, tmp_path):
    for folder in ("gt", "pred"):
        write_av_benchmark(tmp_path / folder, {"vggish_embedding": {"a": np.ones((8, 128), np.float32)}})
    done = command("import-av-benchmark", "gt", "pred")
    assert (done.status, done.message) == (2, "pred: no metric has a value: needs 2 samples, there are 1")


@pytest.mark.parametrize("missing", ["gt", "pred"])
def test_a_missing_folder_is_named(command, folders, tmp_path, missing):
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    done = command("import-av-benchmark", "gt", "pred")
    assert (done.status, done.message) == (
        2, f"{missing}: no such folder; give one in which av-benchmark keeps features",
    )  # fmt: skip


def test_a_feature_that_is_not_finite_is_named_with_its_file(command, folders, tmp_path):
    path = tmp_path / "gt" / "clap_laion_text.pth"
    samples = torch.load(path, weights_only=True)
    samples["clip03"][7] = float("nan")
    torch.save(samples, path)
    done = command("import-av-benchmark", "gt", "pred")
    expected = 'gt/clap_laion_text.pth: sample "clip03": clap_text is not finite; extract it again'
    assert (done.status, done.message) == (2, expected)


def test_names_that_av_benchmark_cuts_are_a_warning_of_one_line(export, monkeypatch):
    monkeypatch.setattr("metrics.interop.CUT_LENGTHS", frozenset(range(200)))
    done = export()
    assert done.status == 0
    (line,) = done.err.splitlines()
    assert line.startswith("warning: av-benchmark cuts and thus loses 4 names, such as ")


def test_folders_of_different_samples_are_refused(command, folders, tmp_path):
    path = tmp_path / "pred" / "pann_features.pth"
    samples = torch.load(path, weights_only=True)
    torch.save({name: features for name, features in samples.items() if name != "clip03"}, path)
    done = command("import-av-benchmark", "gt", "pred")
    assert done.status == 2
    assert done.message == "fad: samples that are in one folder only (1): clip03; extract them in both"


def test_a_damaged_feature_file_is_one_line(command, folders, tmp_path):
    path = tmp_path / "gt" / "clap_laion_text.pth"
    whole = path.read_bytes()
    for damaged in (whole[:700], b"garbage\n" * 40, b"\x80\x05garbage", b""):
        path.write_bytes(damaged)
        done = command("import-av-benchmark", "gt", "pred")
        assert (done.status, done.message) == (
            2,
            "gt/clap_laion_text.pth: cannot be opened as tensors alone: it is damaged or holds code; "
            "extract the features again",
        )


def test_folders_without_features_are_one_line(command, tmp_path):
    (tmp_path / "empty").mkdir()
    done = command("import-av-benchmark", "empty", "empty")
    assert (done.status, done.message) == (2, "empty: no features to compare with those of empty")


def test_scores_of_runs_are_appended_as_kadtk_writes_them(command, tmp_path):
    runs = [write_run(tmp_path, name, settings=Settings(profile="paper")) for name in ("oracle", "noise")]
    for _ in range(2):
        done = command("export-kadtk", *[run.path for run in runs], "--out", "scores/kad.csv")
        assert (done.status, done.out) == (0, "scores/kad.csv: 2 scores appended\n")
    table = pd.read_csv(tmp_path / "scores" / "kad.csv", float_precision="round_trip")
    assert list(table.columns) == ["model", "baseline", "eval", "score", "time"]
    assert table["eval"].to_list() == [str(run.path / "audio") for run in runs] * 2
    assert table["score"].to_list() == [run.read_metrics().metrics["kad"].value for run in runs] * 2
    assert table.iloc[0][["model", "baseline"]].to_list() == ["panns-cnn14-16k", "demo 1.0 inter"]
    assert table["time"][0] == 1767323045.0  # 2026-01-02T03:04:05 UTC


def test_a_run_without_the_paper_s_networks_gives_kadtk_nothing(command, tmp_path):
    good = write_run(tmp_path, "oracle", settings=Settings(profile="paper"))
    signal = write_run(tmp_path, "noise")
    assert "scored by profile signal" in command("export-kadtk", good.path, signal.path, "--out", "kad.csv").message
    record = good.read_metrics()
    none = MetricValue(value=None, n=1, unit="", better="lower", version=1, reason="needs 2 samples, there are 1")
    good.write(record.model_copy(update={"metrics": {**record.metrics, "kad": none}}))
    assert command("export-kadtk", good.path, "--out", "kad.csv").message.endswith(
        "has no KAD: needs 2 samples, there are 1"
    )
    assert not (tmp_path / "kad.csv").exists()


def test_scores_of_kadtk_are_shown_beside_our_own(command, tmp_path):
    run = write_run(tmp_path, "oracle", settings=Settings(profile="paper"))
    own = run.read_metrics().metrics["kad"].value
    audio = run.path / "audio"
    (tmp_path / "kad.csv").write_text(
        f"model,baseline,eval,score,time\npanns-cnn14-16k,ref,{audio},1.25,2\npanns-cnn14-16k,ref,mine,-1.5e-07,3\n"
    )
    found = json.loads(command("import-kadtk", "kad.csv", "--run", run.path, "--json").out)
    assert [(row["evaluated"], row["score"], row["own_kad"]) for row in found] == [
        (str(audio), 1.25, own), ("mine", -1.5e-07, None),
    ]  # fmt: skip
    shown = command("import-kadtk", "kad.csv").out.splitlines()
    assert shown[0].split() == ["model", "baseline", "evaluated", "kadtk", "own", "KAD"]
    assert shown[-1].split() == ["panns-cnn14-16k", "ref", "mine", "-0.0000", "–"]


def test_a_score_file_of_another_form_is_one_line(command, tmp_path):
    (tmp_path / "kad.csv").write_text("a,b\n1,2\n")
    assert command("import-kadtk", "kad.csv").message == "kad.csv: expected the heading model,baseline,eval,score,time"


def test_scores_are_not_appended_to_another_table(command, tmp_path):
    run = write_run(tmp_path, "oracle", settings=Settings(profile="paper"))
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    done = command("export-kadtk", run.path, "--out", "table.csv")
    assert (done.status, done.message) == (2, "table.csv: expected the heading model,baseline,eval,score,time")
    assert (tmp_path / "table.csv").read_text() == "a,b\n1,2\n"
    assert command("export-kadtk", run.path, "--out", "new.csv").out == "new.csv: 1 score appended\n"


def test_kadtk_is_compared_with_runs_that_are_there_and_scored_by_its_network(command, tmp_path):
    (tmp_path / "kad.csv").write_text("model,baseline,eval,score,time\nm,ref,mine,1.25,2\n")
    signal = write_run(tmp_path, "oracle")
    done = command("import-kadtk", "kad.csv", "--run", signal.path)
    assert (done.status, done.out) == (2, "")
    assert done.message.startswith(f"{signal.path}: scored by profile signal, ")
    done = command("import-kadtk", "kad.csv", "--run", "nope")
    assert (done.status, done.out) == (2, "")
    assert done.message.startswith("nope/metrics.json: no such file")


def test_a_score_that_is_not_a_number_is_null_in_json(command, tmp_path):
    (tmp_path / "kad.csv").write_text("model,baseline,eval,score,time\nm,ref,mine,nan,inf\n")
    out = command("import-kadtk", "kad.csv", "--json").out
    (row,) = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert (row["score"], row["time"]) == (None, None)


def test_a_record_without_kad_or_the_key_of_a_backbone_is_one_line(command, export, scored, tmp_path):
    record = scored.read_metrics()
    others = {name: value for name, value in record.metrics.items() if name != "kad"}
    scored.write(record.model_copy(update={"metrics": others}))
    done = command("export-kadtk", scored.path, "--out", "kad.csv")
    assert done.message == f"{scored.metrics_json}: has no entry for KAD; remove it and score the run again"
    keys = {name: key for name, key in KEYS.items() if name != "panns"}
    scored.write(record.model_copy(update={"scoring": record.scoring.model_copy(update={"backbones": keys})}))
    done = export()
    assert done.status == 2
    assert done.message == f"{scored.metrics_json}: has no key of backbone panns; remove it and score the run again"


PAGE = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")


def printed(beginning, **instead):
    """The words of the one command of the page that begins so, with some of them replaced."""
    (line,) = {line for line in PAGE.splitlines() if line.startswith(f"python -m benchmark {beginning}")}
    return [instead.get(word, word) for word in shlex.split(line)[3:]]


def test_the_page_s_export_to_av_benchmark_gives_the_files_that_it_shows(command, scored, tiny, tmp_path):
    place = {"results/runs/vgg-monoaudio/inter/selva": scored.path, "data/vgg-monoaudio": tiny.path}
    done = command(*printed("export-av-benchmark", **place), "--cache", "kept")
    assert (done.status, done.err) == (0, "")
    shown = re.findall(r"(?m)^av/\w+/\w+\.pth$", PAGE)
    of_targets = {"av/reference/imagebind_audio.pth", "av/reference/synchformer_audio.pth"}  # this cache has them too
    assert set(done.out.splitlines()[1:]) == {*shown, *of_targets}


def test_the_page_names_all_files_that_av_benchmark_opens_and_this_suite_writes_on_request():
    on_request = {_LAYOUTS[feature].file for feature in _EXTENDED_SOUNDS}
    table = PAGE.split("That is not all that av-benchmark opens")[1].split("Then, in av-benchmark")[0]
    assert {*on_request, "clap_ms_text.pth", "clap_ms_audio.pth"} <= set(re.findall(r"`(\w+\.pth)`", table))


def test_the_page_s_import_from_av_benchmark_scores_two_folders(command, folders):
    done = command(*printed("import-av-benchmark"))
    assert (done.status, done.err) == (0, "")
    shown = [line.rstrip() for line in PAGE.splitlines()]
    assert [line.rstrip() for line in done.out.splitlines() if line.rstrip() not in shown] == []


def test_the_page_s_commands_for_kadtk_append_a_score_and_show_it_beside_our_own(command, tmp_path):
    run = write_run(tmp_path, "selva", settings=Settings(profile="paper"))
    place = {"results/runs/vgg-monoaudio/inter/selva": run.path}
    assert command(*printed("export-kadtk", **place)).out == "kad.csv: 1 score appended\n"
    assert "kad.csv: 1 score appended" in PAGE
    done = command(*printed("import-kadtk", **place))
    own = f"{run.read_metrics().metrics['kad'].value:.4f}"
    assert (done.status, done.out.split()[-2:]) == (0, [own, own])
