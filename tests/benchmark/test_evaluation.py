"""Evaluating: from audio files to metrics.json and samples.parquet, the same however the work was cut up."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.together import wait_for_a_second

from benchmark import Choices, evaluate, feature_store, generate, read_samples
from benchmark.evaluation import NothingToScore
from benchmark.features import FeatureStore
from benchmark.profiles.signal import SignalProfile
from benchmark.report.samples import read_run_samples
from benchmark.runs import RunDirectory, UnusableRun
from foundation import media
from foundation.files import WriteFailed, file_sha256
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import BenchmarkError

pytestmark = pytest.mark.usefixtures("models")

SIGNAL = Choices(profile="signal", resamples=100)
SOUND_FEATURES = [extractor.name for extractor in SignalProfile().audio]
DERIVED = {"logits", "clap", "offset_logits"}  # by profile signal, apart from what its extractors yield
FEATURES = DERIVED.union(*(extractor.yields for extractor in (*SignalProfile().audio, *SignalProfile().video)))
PER_SAMPLE = [
    metric.name
    for metric in list_metrics()
    if metric.per == "sample" and {name.partition(".")[2] for name in metric.takes} <= FEATURES
]


@pytest.fixture(scope="module")
def scored(tiny, models, tmp_path_factory):
    """A run of the humming model on the inter-class scenes, scored, with its cache."""
    folder = tmp_path_factory.mktemp("scored")
    run = generate(tiny.path, "humming", subset="inter", runs=folder / "runs")
    evaluate(run, tiny.path, SIGNAL, cache=folder / "cache", workers=0)
    return run


@pytest.fixture
def cache(scored, tmp_path):
    """What was computed for `scored`, in a copy."""
    shutil.copytree(scored.path.parents[3] / "cache", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def run(scored, tmp_path):
    """The run that was scored, in a copy that a test may spoil."""
    shutil.copytree(scored.path, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def computed(monkeypatch):
    """Names of the features that are computed."""
    seen = []
    original = FeatureStore.write_many

    def counted(self, extractor, features):
        seen.extend([extractor.name] * len(features))
        original(self, extractor, features)

    monkeypatch.setattr(FeatureStore, "write_many", counted)
    return seen


def table(run):
    return pd.read_parquet(run.samples_parquet)


def score(run, tiny, cache, choices=SIGNAL, **options):
    return evaluate(run, tiny.path, choices, cache=cache, workers=0, **options)


def test_the_record_says_what_was_scored_and_how(scored, tiny):
    record = scored.read_metrics()
    assert record.status == "finished"
    assert (record.counts.expected, record.counts.generated, record.counts.scored) == (4, 4, 4)
    assert record.failures == []
    assert record.scoring.model_dump(exclude={"backbones"}) == {
        "profile": "signal", "reference_video": "target", "bandwidth_from": "generated", "resample_by": "source",
        "resamples": 100, "confidence": 0.95, "bootstrap_seed": 0, "unverified_weights": False,
        "extended": False,
    }  # fmt: skip
    assert record.scoring.backbones == SignalProfile().backbones()
    assert record.scoring.backbones.keys() >= {"signal", "signal.classifier"}
    assert record.model == scored.read_run().model
    assert record.benchmark.fingerprint == tiny.benchmark.fingerprint("inter")
    assert record.metrics["imagebind"].reason == "profile signal has no counterpart"


def test_a_run_of_the_first_samples_is_scored_on_these_and_says_how_many_there_are(tiny, tmp_path):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs", limit=3)
    record = score(run, tiny, tmp_path / "cache")
    assert (record.status, record.counts.expected, record.counts.generated, record.counts.scored) == (
        "partial",
        4,
        3,
        3,
    )
    assert set(record.to_frame()["of"]) == {4}
    reasons = read_samples(run).set_index("sample_id")["reason"]
    last = tiny.benchmark.samples("inter")[3].sample_id
    assert reasons[last] == "not asked for: the run is limited to the first 3 samples"
    run.audio(tiny.benchmark.samples("inter")[0].sample_id).unlink()
    with pytest.raises(UnusableRun, match=r"no generated file for 1 of 4 samples"):
        score(run, tiny, tmp_path / "cache")


def test_a_limit_is_that_of_all_calls_together_and_goes_when_all_were_asked_for(tiny, tmp_path):
    def limit(count):
        run = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs", limit=count)
        return run.read_run().limit

    assert [limit(1), limit(3), limit(2), limit(None), limit(2)] == [1, 3, 3, None, None]
    assert '"limit"' not in RunDirectory.locate(tmp_path / "runs", "tiny", "inter", "humming").run_json.read_text()


def test_a_run_that_was_complete_is_so_although_the_first_samples_were_asked_for_again(tiny, tmp_path):
    asked = {"subset": "inter", "runs": tmp_path / "runs"}
    run = generate(tiny.path, "humming", **asked)
    for sample in tiny.benchmark.samples("inter")[::3]:
        run.audio(sample.sample_id).unlink()
    generate(tiny.path, "humming", **asked, limit=1)
    with pytest.raises(UnusableRun, match=r"no generated file for 1 of 4 samples"):
        score(run, tiny, tmp_path / "cache")


def test_the_table_of_samples_has_a_row_per_sample_in_manifest_order(scored, tiny):
    rows = table(scored)
    manifest = tiny.benchmark.manifests["inter"]
    assert rows["sample_id"].tolist() == manifest["filename"].tolist()
    for column in ("label", "paired_label", "target_id", "paired_id", "target_category", "target_side"):
        assert rows[column].tolist() == manifest[column].tolist()
    assert rows.columns[8:].tolist() == ["status", "reason", *PER_SAMPLE]
    assert set(rows["status"]) == {"scored"}
    for name in PER_SAMPLE:
        assert rows[name].mean() == pytest.approx(scored.read_metrics().metrics[name].value, rel=1e-12)


def test_the_oracle_is_the_reference_itself(tiny, tmp_path, cache):
    run = generate(tiny.path, "oracle", subset="intra", runs=tmp_path)
    values = score(run, tiny, cache).metrics
    assert values["fad"].value == pytest.approx(0, abs=1e-6)
    assert values["kl"].value == pytest.approx(0, abs=1e-9)
    assert values["audio_win_rate"].value == values["class_win_rate"].value == values["text_win_rate"].value == 1


def test_a_second_call_computes_nothing_and_writes_nothing(run, tiny, cache, computed, look, monkeypatch):
    before = look.written(run.path) | look.written(cache)
    monkeypatch.setattr("benchmark.profiles.gathering.extract", None)
    assert score(run, tiny, cache) == run.read_metrics()
    assert computed == []
    assert look.written(run.path) | look.written(cache) == before


def test_features_that_are_there_are_read_once_for_an_evaluation(run, tiny, cache, monkeypatch):
    read, original = [], feature_store.read_record
    monkeypatch.setattr(
        feature_store, "read_record", lambda one: read.append((one.pack.path, one.start)) or original(one)
    )
    run.metrics_json.unlink()
    score(run, tiny, cache)
    assert len(read) == len(set(read)) > 12


def test_many_answers_are_hashed_by_threads(run, tiny, cache, monkeypatch):
    before = run.read_metrics()
    seen = wait_for_a_second(monkeypatch, "benchmark.evaluation.content_sha256", file_sha256)
    assert score(run, tiny, cache) == before
    assert {path.name for path in seen} == {path.name for path in (run.path / "audio").iterdir()}


def test_features_are_computed_for_what_is_new_alone(run, tiny, cache, computed, tmp_path):
    score(generate(tiny.path, "humming", subset="intra", runs=tmp_path), tiny, cache)
    assert sorted(computed) == sorted(SOUND_FEATURES * 4)  # the sounds and films of the sources were there
    computed.clear()
    oracle = generate(tiny.path, "oracle", subset="inter", runs=tmp_path)
    score(oracle, tiny, cache)
    assert computed == []  # its sounds are the sources'


def test_scoring_without_the_cache_gives_the_same_bytes(run, tiny, tmp_path, look):
    before = look.untimed(run.metrics_json), look.tree(run.path)["samples.parquet"]
    run.metrics_json.unlink()
    run.samples_parquet.unlink()
    score(run, tiny, tmp_path / "empty")
    assert (look.untimed(run.metrics_json), look.tree(run.path)["samples.parquet"]) == before


@pytest.mark.parametrize(("workers", "batch_size"), [(1, 3), (2, 2), (None, 8)])
def test_numbers_do_not_depend_on_workers_and_batches(scored, tiny, tmp_path, look, workers, batch_size):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path, batch_size=batch_size)
    evaluate(run, tiny.path, SIGNAL, cache=tmp_path / "cache", workers=workers)
    assert look.untimed(run.metrics_json) == look.untimed(scored.metrics_json)
    assert look.untimed(run.run_json) == look.untimed(scored.run_json)
    assert look.tree(run.path)["samples.parquet"] == look.tree(scored.path)["samples.parquet"]


@pytest.mark.parametrize(
    ("choices", "moved"),
    [
        (Choices(profile="signal", resamples=100, reference_video="composed"), {"desync"}),
        (Choices(profile="signal", resamples=100, bandwidth_from="reference"), {"kad"}),
        (Choices(profile="signal", resamples=100, resample_by="sample"), set()),
        (Choices(profile="signal", resamples=100, seed=1), set()),
    ],
    ids=["reference video", "bandwidth", "resampling", "seed"],
)
def test_other_choices_are_scored_again_and_move_what_they_should(run, tiny, cache, choices, moved):
    before = run.read_metrics()
    after = score(run, tiny, cache, choices)
    assert after.fingerprint != before.fingerprint
    assert after == run.read_metrics()
    assert after.scoring != before.scoring
    values = {name: row.value for name, row in before.metrics.items()}
    assert {name for name, row in after.metrics.items() if row.value != values[name]} == moved


def test_intervals_are_drawn_by_the_clips_that_scenes_share(run, tiny, cache, monkeypatch):
    from benchmark import evaluation

    given = []
    original = evaluation.score

    def spied(evidence, groups, settings, **where):
        given.append(groups)
        return original(evidence, groups, settings, **where)

    monkeypatch.setattr(evaluation, "score", spied)
    run.metrics_json.unlink()
    score(run, tiny, cache)
    manifest = tiny.benchmark.manifests["inter"]
    assert given[0].tolist() == manifest[["target_id", "paired_id"]].to_numpy().tolist()
    score(run, tiny, cache, Choices(profile="signal", resamples=100, resample_by="sample"))
    assert given[1] is None


def test_large_sets_are_scored_where_the_profile_s_networks_run(run, tiny, cache, monkeypatch):
    asked = []
    monkeypatch.setattr("metrics.placement.Device", asked.append)
    for device in ("cpu", "cuda:3"):
        monkeypatch.setattr(SignalProfile, "device", device)
        run.metrics_json.unlink()
        score(run, tiny, cache)
    assert asked == ["cuda:3"]


def test_a_sample_the_model_failed_on_is_listed_and_moves_no_other(scored, tiny, tmp_path, cache):
    names = table(scored)["sample_id"].tolist()
    options = {"bad": names[1], "mood": "refuses"}
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options)
    record = score(run, tiny, cache)
    assert record.status == "partial"
    assert (record.counts.expected, record.counts.generated, record.counts.scored) == (4, 3, 3)
    (failure,) = record.failures
    assert (failure.sample, failure.stage, failure.reason) == (names[1], "generate", "video has 7.4 s of 8.0 s")
    assert {row.n for row in record.metrics.values()} == {3}
    rows, whole = table(run).set_index("sample_id"), table(scored).set_index("sample_id")
    assert rows.index.tolist() == names
    assert (rows.loc[names[1], "status"], rows.loc[names[1], "reason"]) == ("failed", "video has 7.4 s of 8.0 s")
    assert rows.loc[names[1], PER_SAMPLE].isna().all()
    pd.testing.assert_frame_equal(rows.drop(names[1])[PER_SAMPLE], whole.drop(names[1])[PER_SAMPLE])


def test_another_reason_for_the_same_failure_is_recorded(scored, tiny, tmp_path, cache, models, monkeypatch):
    """No number moves, but the record must not go on saying what is no longer so."""
    options = {"bad": table(scored)["sample_id"][1], "mood": "refuses"}
    score(generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options), tiny, cache)
    monkeypatch.setitem(models.MOODS, "refuses", models.MOODS["breaks"])
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options)
    assert [failure.reason for failure in score(run, tiny, cache).failures] == ["KeyError: 'frames'"]


def broken(path):
    path.write_bytes(b"RIFF and so on")


def halved(path):
    path.write_bytes(path.read_bytes()[:70_000])


def shortened(path):
    sound = media.read_audio_native(path).samples[0]
    media.write_audio(path, sound[: -len(sound) // 50], 16_000)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (broken, "not a media file, or damaged"),
        (halved, "truncated: "),
        (shortened, "4.900 s of sound, 5 s are scored"),
    ],
)
def test_a_generated_file_that_cannot_be_used_is_refused_or_on_demand_left_out(run, tiny, cache, spoil, reason):
    whole = table(run).set_index("sample_id")
    name = whole.index[2]
    spoil(run.audio(name))
    before = run.metrics_json.read_bytes()
    with pytest.raises(
        UnusableRun, match=rf"1 generated files cannot be scored.*{name}\.wav: {reason}.*--allow-missing"
    ):
        score(run, tiny, cache)
    assert run.metrics_json.read_bytes() == before

    record = score(run, tiny, cache, allow_missing=True)
    assert (record.status, record.counts.generated, record.counts.scored) == ("partial", 4, 3)
    (failure,) = record.failures
    assert (failure.sample, failure.stage) == (name, "evaluate")
    assert reason in failure.reason
    rows = table(run).set_index("sample_id")
    assert rows.loc[name, "status"] == "failed"
    pd.testing.assert_frame_equal(rows.drop(name)[PER_SAMPLE], whole.drop(name)[PER_SAMPLE])


def test_a_generated_file_that_is_gone_is_refused_or_on_demand_left_out(run, tiny, cache):
    name = table(run)["sample_id"][3]
    run.audio(name).unlink()
    with pytest.raises(
        UnusableRun, match=rf"no generated file for 1 of 4 samples, the first is {name}; .*--allow-missing"
    ):
        score(run, tiny, cache)
    record = score(run, tiny, cache, allow_missing=True)
    assert (record.counts.generated, record.counts.scored) == (3, 3)
    assert [(f.sample, f.stage, f.reason) for f in record.failures] == [(name, "generate", "no generated file")]


def test_a_file_that_changed_is_scored_again(run, tiny, cache, computed):
    before = run.read_metrics()
    path = run.audio(table(run)["sample_id"][0])
    media.write_audio(path, np.zeros(80_000, np.float32), 16_000)
    after = score(run, tiny, cache)
    assert computed == SOUND_FEATURES
    assert after.metrics["kl"].value != before.metrics["kl"].value


def test_nothing_left_to_score_is_an_error(run, tiny, cache):
    for path in run.path.glob("audio/*.wav"):
        broken(path)
    with pytest.raises(NothingToScore, match=r"none of 4 samples can be scored: .*not a media file, or damaged"):
        score(run, tiny, cache, allow_missing=True)


def test_a_run_of_another_build_of_the_benchmark_is_refused(run, tiny, cache, tmp_path):
    other = tmp_path / "tiny"
    shutil.copytree(tiny.path, other)
    manifest = other / "inter" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",left,", ",right,", 1))
    with pytest.raises(UnusableRun, match=r"earlier build of tiny 2\.0 \(inter\); .* has changed; .*--fresh"):
        evaluate(run, other, SIGNAL, cache=cache)


def test_a_run_of_another_version_is_refused_though_the_samples_are_the_same(run, tiny, cache, tmp_path):
    with pytest.raises(UnusableRun, match=r"of tiny 2\.0 \(inter\); .* holds tiny 2\.1; generate again with --fresh"):
        evaluate(run, newer(tiny.path, tmp_path), SIGNAL, cache=cache)


def newer(path, folder):
    """A copy of a benchmark whose record alone tells that it is of version 2.1."""
    shutil.copytree(path, folder / "newer")
    record = folder / "newer" / "benchmark.json"
    record.write_text(record.read_text().replace('"version": "2.0"', '"version": "2.1"'))
    return folder / "newer"


def test_a_source_of_the_benchmark_that_is_damaged_is_not_scored_around(run, tiny, tmp_path):
    other = tmp_path / "tiny"
    shutil.copytree(tiny.path, other)
    source = sorted((other / "sources").glob("*.wav"))[1]
    broken(source)
    run.metrics_json.unlink()
    with pytest.raises(BenchmarkError, match=rf"^{source}: not the file that was built"):
        evaluate(run, other, SIGNAL, cache=tmp_path / "empty", workers=0, allow_missing=True)


REFERENCES = {  # what is replaced, and by which choice it takes part
    "a target's sound": ("sources/*.wav", "target"),
    "a target's film": ("sources/*.mp4", "target"),
    "a scene": ("inter/video/*.mp4", "composed"),
}


@pytest.mark.parametrize("scored_before", [True, False], ids=["scored before", "not scored"])
@pytest.mark.parametrize(("pattern", "reference_video"), REFERENCES.values(), ids=REFERENCES)
def test_a_reference_that_was_replaced_stops_the_evaluation_by_name(
    run, tiny, tmp_path, pattern, reference_video, scored_before
):
    """Its bytes are those of another, whole file, so nothing else would tell."""
    other = tmp_path / "tiny"
    shutil.copytree(tiny.path, other)
    replaced, by, *_ = sorted(other.glob(pattern))
    shutil.copyfile(by, replaced)
    choices = Choices(profile="signal", resamples=100, reference_video=reference_video)
    if scored_before:
        score(run, tiny, tmp_path / "cache", choices)
    else:
        run.metrics_json.unlink()
    recorded, found = file_sha256(tiny.path / replaced.relative_to(other)), file_sha256(by)
    with pytest.raises(BenchmarkError) as refusal:
        evaluate(run, other, choices, cache=tmp_path / "cache", workers=0, allow_missing=True)
    assert str(refusal.value) == (
        f"{replaced}: not the file that was built (its SHA-256 is {found[:12]}…, recorded is {recorded[:12]}…); put "
        "that file back, or build the benchmark again"
    )


def test_a_scene_that_takes_no_part_does_not_stop_the_evaluation(run, tiny, cache, tmp_path):
    other = tmp_path / "tiny"
    shutil.copytree(tiny.path, other)
    broken(next((other / "inter" / "video").iterdir()))
    assert evaluate(run, other, SIGNAL, cache=cache, workers=0) == run.read_metrics()


def test_metrics_never_stand_beside_the_samples_of_other_numbers(run, tiny, cache, monkeypatch):
    """Killed between its two files, and then asked the first question again."""
    composed = Choices(profile="signal", resamples=100, reference_video="composed")
    target = table(run)

    def killed(self, record):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            score(run, tiny, cache, composed)
    score(run, tiny, cache)
    pd.testing.assert_frame_equal(table(run), target)


def test_metrics_and_samples_of_two_scorings_are_refused_by_readers_and_scored_again(run, tiny, cache, caplog):
    """What a process leaves that is killed between its two renames."""
    first, samples = run.metrics_json.read_bytes(), run.samples_parquet.read_bytes()
    score(run, tiny, cache, Choices(profile="signal", resamples=100, reference_video="composed"))
    run.metrics_json.write_bytes(first)
    with pytest.raises(UnusableRun, match=r"samples\.parquet: belongs to another scoring of the run .*; score the run"):
        read_run_samples(run)
    score(run, tiny, cache)
    assert "samples.parquet: belongs to another scoring of the run" in caplog.text
    assert "it is scored again now" in caplog.text
    assert run.samples_parquet.read_bytes() == samples
    assert len(read_run_samples(run).scored_ids) == 4


def emptied(content):
    return b""


def cut(content):
    return content[: len(content) // 2]


def overwritten(content):
    return content[:100] + bytes(20) + content[120:]


@pytest.mark.parametrize("damage", [emptied, cut, overwritten])
@pytest.mark.parametrize("name", ["metrics.json", "samples.parquet"])
def test_a_damaged_result_is_seen_and_made_again(run, tiny, cache, look, caplog, name, damage):
    before = look.untimed(run.metrics_json), table(run)
    path = run.path / name
    path.write_bytes(damage(path.read_bytes()))
    score(run, tiny, cache)
    warning, *more = [line for line in caplog.messages if str(path) in line]
    assert more == []
    assert warning.endswith("it is scored again now")
    assert look.untimed(run.metrics_json) == before[0]
    pd.testing.assert_frame_equal(table(run), before[1])


@pytest.mark.parametrize("name", ["metrics.json", "samples.parquet"])
def test_the_old_record_stays_until_the_new_one_is_whole(run, tiny, cache, monkeypatch, look, name):
    """On a disk that is full when one of the two is brought to it."""
    before = look.tree(run.path)
    composed = Choices(profile="signal", resamples=100, reference_video="composed")

    def full(descriptor):
        if f".{Path(name).stem}." in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if not Path("/proc/self/fd").exists():
        pytest.skip("the names of descriptors are seen on Linux alone")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WriteFailed, match=rf"{name}: cannot be written: No space left on device; free some space"):
            score(run, tiny, cache, composed)
    assert look.tree(run.path) == before
    assert score(run, tiny, cache, composed).scoring.reference_video == "composed"


def test_a_record_of_another_version_is_refused_and_not_replaced(run, tiny, cache):
    run.metrics_json.write_text('{"schema": 2}')
    with pytest.raises(UnusableRun, match=r"metrics\.json: schema 2, .*remove it and score the run again"):
        score(run, tiny, cache)


def test_a_profile_that_is_loaded_already_is_used_and_must_be_the_one_chosen(run, tiny, cache, monkeypatch):
    run.metrics_json.unlink()
    monkeypatch.setattr("benchmark.evaluation.load_profile", None)
    assert score(run, tiny, cache, profile=SignalProfile()).status == "finished"
    with pytest.raises(ValueError, match="choices name paper, the one given is signal"):
        score(run, tiny, cache, Choices(profile="paper"), profile=SignalProfile())
    with pytest.raises(ValueError, match="was loaded for other metrics than the choices ask for"):
        score(run, tiny, cache, Choices(profile="signal", extended=True), profile=SignalProfile())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"choices": "signal"}, r"choices: expected benchmark\.Choices, got 'signal'; choose one by its name with Cho"),
        ({"choices": {"profile": "signal"}}, r"choices: expected benchmark\.Choices, got \{'profile': 'signal'\}; "),
        (
            {"profile": "signal"},
            r"profile: expected a loaded profile, as load_profile returns it, got 'signal'; choose",
        ),
        ({"profile": SignalProfile}, "profile: expected a loaded profile, as load_profile returns it, got <class"),
    ],
)
def test_choices_and_a_profile_of_another_type_are_refused_in_one_line(run, tiny, given, message):
    with pytest.raises(TypeError, match=message):
        evaluate(run, tiny.path, **given)


@pytest.mark.parametrize("profile", ["signal", "paper"])
def test_an_option_that_no_profile_has_is_refused_before_anything_is_read(run, tiny, cache, profile):
    with pytest.raises(TypeError, match="there is no option 'devise'; did you mean device"):
        evaluate(run, tiny.path, Choices(profile=profile), cache=cache, devise="cpu")
    with pytest.raises(TypeError, match="there is no option 'worker'; did you mean workers"):
        evaluate(run, tiny.path, Choices(profile=profile), cache=cache, worker=0)


def test_metrics_json_is_json_that_others_can_read(scored):
    def refuse(name):
        raise AssertionError(name)

    record = json.loads(scored.metrics_json.read_text(), parse_constant=refuse)  # no NaN, no Infinity
    assert record["schema"] == 1
    assert record["metrics"]["fad"]["value"] > 0
