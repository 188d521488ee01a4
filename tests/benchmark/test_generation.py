"""Generating: every sample once, whatever batches, restarts and moods the model has."""

import hashlib
import linecache
import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from baselines import GenerationError, UnknownModel, get_model, register_model, registry
from benchmark import generate
from benchmark.generation import check_request, sample_seed
from benchmark.runs import RunDirectory, UnusableRun
from foundation import media
from vgg_monoaudio.dataset import BenchmarkError, load_benchmark

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def ids(tiny):
    return [sample.sample_id for sample in tiny.benchmark.samples("inter")]


@pytest.fixture
def asked(models):
    """What every call of every model asked for, as lists of sample ids."""
    models.ASKED.clear()
    return models.ASKED


def test_every_sample_gets_one_whole_file_and_the_record_says_so(tiny, tmp_path, ids):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path, seed=5)

    assert run.path == tmp_path / "tiny" / "inter" / "humming"
    assert sorted(path.name for path in run.path.rglob("*.*")) == sorted([*(f"{i}.wav" for i in ids), "run.json"])
    for name in ids:
        audio = media.read_audio_native(run.audio(name))
        assert (audio.samples.shape, audio.sample_rate) == ((1, 80_000), 16_000)
    record = run.read_run()
    assert record.status == "finished"
    assert (record.counts.expected, record.counts.generated, record.failures) == (4, 4, [])
    assert (record.model.name, record.model.kind, record.model.sample_rate) == ("humming", "model", 16_000)
    assert (record.seed, record.duration_seconds) == (5, 5.0)
    assert record.benchmark.fingerprint == tiny.benchmark.fingerprint("inter")


def test_a_sample_s_seed_follows_from_run_seed_and_name_alone():
    digest = hashlib.sha256(b"3/bell__gong").digest()
    assert sample_seed(3, "bell__gong") == int.from_bytes(digest[:8], "big") // 2
    assert 0 <= sample_seed(3, "bell__gong") < 2**63
    assert len({sample_seed(s, n) for s in (0, 1) for n in ("a", "b")}) == 4


def test_every_request_says_what_the_sample_asks_for(tiny, tmp_path, models, monkeypatch):
    seen = []
    hum = models.Humming._hum
    monkeypatch.setattr(models.Humming, "_hum", lambda self, request: seen.append(request) or hum(self, request))
    generate(tiny.path, "humming", subset="inter", runs=tmp_path, seed=5)
    for request, sample in zip(seen, tiny.benchmark.samples("inter"), strict=True):
        assert (request.sample_id, request.video, request.prompt) == (sample.sample_id, sample.video, sample.label)
        assert (request.duration, request.negative_prompt) == (5.0, "")
        assert request.seed == sample_seed(5, sample.sample_id)


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_answers_do_not_depend_on_the_batch_size(tiny, tmp_path, look, asked, batch_size):
    one = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "one")
    assert [len(call) for call in asked] == [1, 1, 1, 1]
    asked.clear()
    many = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "many", batch_size=batch_size)
    assert [len(call) for call in asked] == {2: [2, 2], 3: [3, 1], 8: [4]}[batch_size]
    assert look.audio(one) == look.audio(many)
    assert look.untimed(one.run_json) == look.untimed(many.run_json)


def test_a_second_call_asks_nothing_and_writes_nothing(tiny, tmp_path, look, asked):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    before = look.written(tmp_path)
    asked.clear()
    generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert asked == []
    assert look.written(run.path.parents[2]) == before


def test_a_run_that_was_interrupted_goes_on_with_what_is_missing(tiny, tmp_path, look, models, monkeypatch, asked, ids):
    whole = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "whole")
    asked.clear()
    hum = models.Humming._hum

    def interrupted(self, request):
        if request.sample_id == ids[2]:
            raise KeyboardInterrupt
        return hum(self, request)

    monkeypatch.setattr(models.Humming, "_hum", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path / "cut")
    run = RunDirectory.locate(tmp_path / "cut", "tiny", "inter", "humming")
    cut = run.read_run()
    assert (cut.status, cut.reason, cut.counts.generated, cut.failures) == ("failed", "interrupted", 2, [])
    assert sorted(look.audio(run)) == sorted(ids[:2])

    monkeypatch.setattr(models.Humming, "_hum", hum)
    asked.clear()
    generate(tiny.path, "humming", subset="inter", runs=tmp_path / "cut")
    assert asked == [[ids[2]], [ids[3]]]
    assert look.audio(run) == look.audio(whole)
    assert look.untimed(run.run_json) == look.untimed(whole.run_json)


def test_a_run_that_cannot_go_on_says_why_and_keeps_what_is_known_of_its_samples(
    tiny, tmp_path, models, monkeypatch, ids
):
    hum = models.Humming._hum

    def refuses(self, request):
        if request.sample_id in (ids[0], ids[3]):
            raise GenerationError("no")
        return hum(self, request)

    monkeypatch.setattr(models.Humming, "_hum", refuses)
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert [failure.sample for failure in run.read_run().failures] == [ids[0], ids[3]]

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device", "x.wav")

    monkeypatch.setattr(models.Humming, "_hum", hum)
    with monkeypatch.context() as disk:
        disk.setattr(media, "write_audio", full)
        with pytest.raises(OSError, match="No space left"):
            generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    record = run.read_run()
    assert (record.status, record.reason) == ("failed", "OSError: [Errno 28] No space left on device: 'x.wav'")
    assert (record.counts.generated, [failure.sample for failure in record.failures]) == (2, [ids[0], ids[3]])

    generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    record = run.read_run()
    assert (record.status, record.reason, record.failures, record.counts.generated) == ("finished", None, [], 4)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("refuses", "video has 7.4 s of 8.0 s"),
        ("breaks", "KeyError: 'frames'"),
        ("leaves", "SystemExit: 0"),
        ("nan", "sample 7 of the waveform is not finite"),
        ("short", "the answer has 79999 samples, expected 80000 (5 s at 16000 Hz)"),
        ("stereo", "the answer is float32 (2, 80000), expected floats (samples,)"),
        ("integers", "the answer is int16 (80000,), expected floats (samples,)"),
        ("nothing", "the answer is object (), expected floats (samples,)"),
        ("three parts", "the answer is not an array: ValueError"),
        ("no rate", "the model's sample rate is None; expected Hz"),
        ("ragged", "the answer is not an array: ValueError"),
    ],
)
def test_a_bad_answer_costs_its_sample_alone(tiny, tmp_path, look, ids, mood, reason, batch_size):
    options = {"bad": ids[1], "mood": mood}
    good = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options, batch_size=batch_size)

    record = run.read_run()
    assert record.status == "finished"
    (failure,) = record.failures
    assert (failure.sample, failure.stage) == (ids[1], "generate")
    assert failure.reason.startswith(reason)
    assert (record.counts.expected, record.counts.generated) == (4, 3)
    others = {name: digest for name, digest in look.audio(good).items() if name != ids[1]}
    assert look.audio(run) == others


def test_a_sample_that_failed_is_asked_again_by_the_next_call(tiny, tmp_path, models, monkeypatch, asked, ids):
    options = {"bad": ids[1], "mood": "refuses"}
    generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options)
    asked.clear()
    monkeypatch.setitem(models.MOODS, "refuses", models.MOODS["fine"])
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options=options)
    assert asked == [[ids[1]]]
    assert (run.read_run().failures, run.read_run().counts.generated) == ([], 4)


@pytest.mark.parametrize("model", ["moody", "forgetful"])
def test_a_batch_that_fails_is_asked_one_by_one(tiny, tmp_path, look, asked, ids, caplog, model):
    good = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    asked.clear()
    options = {"bad": ids[0], "mood": "breaks"} if model == "moody" else {}
    run = generate(tiny.path, model, subset="inter", runs=tmp_path, options=options, batch_size=3)
    first, second = [ids[:3], *([i] for i in ids[:3])], [[ids[3]]]
    assert asked == first + second
    assert "a batch of 3 failed" in caplog.text
    expected = look.audio(good)
    if model == "moody":
        del expected[ids[0]]
    assert look.audio(run) == expected


def test_answers_beyond_full_scale_are_clipped_and_said_to_be(tiny, tmp_path, ids, caplog):
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options={"bad": ids[1], "mood": "loud"})
    assert "moody: 1 answers exceed full scale and are clipped; peak" in caplog.text
    assert np.abs(media.read_audio_native(run.audio(ids[1])).samples).max() == 1.0


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"seed": 1}, "with seed 0, not 1"),
        ({"options": {"level": 0.3}}, "with other options"),
        ({"subset": "inter", "model": "deviced"}, "with other options"),
    ],
)
def test_answers_to_another_question_are_not_taken_for_these(tiny, tmp_path, look, change, differs):
    asked = {"model": "humming", "subset": "inter", "runs": tmp_path, "run_name": "mine"}
    run = generate(tiny.path, **asked)
    before = look.audio(run)
    with pytest.raises(UnusableRun, match=rf"{differs}; pass --fresh .*: --run-name .* --runs"):
        generate(tiny.path, **{**asked, **change})
    assert look.audio(run) == before
    generate(tiny.path, **{**asked, **change, "run_name": "other"})
    assert look.audio(run) == before
    generate(tiny.path, **{**asked, **change}, fresh=True)
    assert (look.audio(run) == before) is (change.get("model") == "deviced")  # which hums alike
    assert set(look.audio(run)) == set(before)


def test_audio_that_no_record_vouches_for_is_not_adopted(tiny, tmp_path, look):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    run.run_json.unlink()
    with pytest.raises(UnusableRun, match=r"holds audio but no run\.json.*pass --fresh"):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    generate(tiny.path, "humming", subset="inter", runs=tmp_path, fresh=True)
    assert run.read_run().counts.generated == 4


def test_a_run_does_not_go_on_with_other_weights(tiny, tmp_path, look):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"first")
    options = {"file": str(weights), "stop_after": 2}
    with pytest.raises(KeyboardInterrupt):
        generate(tiny.path, "weighted", subset="inter", runs=tmp_path, options=options)
    run = RunDirectory.locate(tmp_path, "tiny", "inter", "weighted")
    before = look.audio(run)
    assert len(before) == 2
    weights.write_bytes(b"second")
    with pytest.raises(UnusableRun, match="answers made with another network checkpoint; pass --fresh"):
        generate(tiny.path, "weighted", subset="inter", runs=tmp_path, options=options)
    assert look.audio(run) == before
    weights.write_bytes(b"first")
    generate(tiny.path, "weighted", subset="inter", runs=tmp_path, options=options)
    assert len(look.audio(run)) == 4


def test_recorded_sounds_are_read_anew_every_time(tiny, tmp_path, look, ids):
    folder = tmp_path / "mine"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100 * 6)).astype(np.float32)
    for place, name in enumerate(ids):
        media.write_audio(folder / f"{name}.wav", noise[0] * (place + 1) / 8, 44_100)
    asked = {"model": "recorded", "subset": "inter", "runs": tmp_path / "runs", "options": {"folder": str(folder)}}
    run = generate(tiny.path, **asked)
    first = look.audio(run)
    audio = media.read_audio_native(run.audio(ids[0]))
    assert (audio.samples.shape, audio.sample_rate) == ((1, 5 * 44_100), 44_100)  # its own rate; cut to 5 s
    assert run.read_run().model.sample_rate is None

    media.write_audio(folder / f"{ids[0]}.wav", noise[1], 44_100)
    (folder / f"{ids[1]}.wav").unlink()
    generate(tiny.path, **asked)
    second = look.audio(run)
    assert second[ids[0]] != first[ids[0]]
    assert ids[1] not in second  # what was read from a file that is gone must not be scored
    assert {name: second[name] for name in ids[2:]} == {name: first[name] for name in ids[2:]}
    assert [failure.reason for failure in run.read_run().failures] == [f"no file {ids[1]}.* in {folder}"]


def test_a_limit_keeps_what_is_known_of_the_others(tiny, tmp_path, ids):
    asked = {"model": "moody", "subset": "inter", "runs": tmp_path, "options": {"bad": ids[3], "mood": "refuses"}}
    run = generate(tiny.path, **asked, limit=2)
    assert (run.read_run().counts.expected, run.read_run().counts.generated) == (4, 2)
    generate(tiny.path, **asked)
    assert (run.read_run().counts.generated, len(run.read_run().failures)) == (3, 1)
    run.audio(ids[0]).unlink()
    generate(tiny.path, **asked, limit=1)
    assert (run.read_run().counts.generated, len(run.read_run().failures)) == (3, 1)


def test_a_device_is_handed_to_models_that_know_of_devices(tiny, tmp_path, look):
    plain = generate(tiny.path, "deviced", subset="inter", runs=tmp_path)
    loud = generate(tiny.path, "deviced", subset="inter", runs=tmp_path / "loud", device="loud")
    assert look.audio(plain) != look.audio(loud)
    generate(tiny.path, "humming", subset="inter", runs=tmp_path / "loud", device="loud")


def test_models_are_not_shown_the_truth(tiny, tmp_path):
    with pytest.raises(ValueError, match="model 'curious' needs the option 'references'"):
        generate(tiny.path, "curious", subset="inter", runs=tmp_path)
    assert not (tmp_path / "tiny").exists()


def test_what_a_killed_writer_left_is_removed_and_never_counted(tiny, tmp_path, look, killed_writers):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path, limit=3)
    left = killed_writers(run.path / "audio", "gong__bell.wav")
    left.write_bytes(b"RIFF")
    generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert not left.exists()
    assert run.read_run().counts.generated == 4


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        ("orcle", {}, UnknownModel, "unknown model 'orcle'; did you mean oracle"),
        ("humming", {"levle": 1}, ValueError, "model 'humming' has no option 'levle'; it has: level"),
        ("recorded", {}, ValueError, "model 'recorded' needs the option 'folder'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(tiny, tmp_path, model, options, error, message):
    with pytest.raises(error, match=message):
        generate(tiny.path, model, subset="inter", runs=tmp_path / "runs", options=options)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("run_name", ["..", ".", "", "a b/c", "../humming", "/tmp/elsewhere", "a\\b"])
def test_a_run_name_that_leads_elsewhere_is_refused_and_nothing_is_deleted(tiny, tmp_path, look, run_name):
    generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs", limit=1)
    before = look.written(tmp_path)
    with pytest.raises(ValueError, match=r"^--run-name: expected the name of one folder, got "):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs", run_name=run_name, fresh=True)
    assert look.written(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subset": "inner"}, r"^subset: .*tiny has inter and intra, not 'inner'$"),
        ({"limit": 0}, "^limit: expected 1 or more, got 0$"),
        ({"limit": -1}, "^limit: expected 1 or more, got -1$"),
        ({"batch_size": -1}, "^batch_size: expected 1 or more, got -1$"),
        ({"model": Path}, "^model: expected a name or an address, got the class Path; register the class with @regist"),
        ({"model": 3}, "^model: expected a name or an address, got 3; "),
    ],
)
def test_an_argument_that_means_nothing_is_named(tiny, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        generate(**{"benchmark": tiny.path, "model": "humming", "subset": "inter", "runs": tmp_path / "runs", **change})
    assert not (tmp_path / "runs").exists()


def test_fresh_keeps_the_old_answers_until_the_model_is_built(tiny, tmp_path, look):
    asked = {"model": "weighted", "subset": "inter", "runs": tmp_path / "runs", "fresh": True}
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"network")
    run = generate(tiny.path, **asked, options={"file": str(weights)})
    before = look.written(tmp_path / "runs")
    weights.unlink()
    with pytest.raises(FileNotFoundError):
        generate(tiny.path, **asked, options={"file": str(weights)})
    assert look.written(tmp_path / "runs") == before
    (run.path / "stray").touch()
    weights.write_bytes(b"other network")
    generate(tiny.path, **asked, options={"file": str(weights)})
    assert (run.read_run().counts.generated, (run.path / "stray").exists()) == (4, False)


@pytest.mark.parametrize(
    ("attributes", "recorded"),
    [
        ({"weights": "net.pt"}, {"weights_sha256": {}, "unverified_weights": False}),
        ({"weights": {"net": "/x", "other": None}}, {"weights_sha256": {}, "unverified_weights": False}),
        ({"notes": "half the steps"}, {"notes": ["half the steps"]}),
        ({"notes": [1, 2]}, {"notes": ["1", "2"]}),
        ({"notes": 7}, {"notes": ["7"]}),
        ({"notes": None}, {"notes": []}),
        ({"untrained": True}, {"untrained": True}),
    ],
)
def test_attributes_of_a_model_that_mean_something_else_do_no_harm(tiny, tmp_path, attributes, recorded):
    run = generate(tiny.path, "talkative", subset="inter", runs=tmp_path, options={"attributes": attributes}, limit=1)
    record = run.read_run()
    assert record.counts.generated == 1
    assert {name: getattr(record.model, name) for name in recorded} == recorded


def test_untrained_that_is_not_a_truth_value_is_refused(tiny, tmp_path):
    options = {"attributes": {"untrained": "no"}}
    with pytest.raises(ValueError, match=r"^model 'talkative': untrained: expected True or False, got 'no'$"):
        generate(tiny.path, "talkative", subset="inter", runs=tmp_path / "runs", options=options)
    assert not (tmp_path / "runs").exists()


def test_a_class_of_a_notebook_does_not_go_on_with_the_answers_of_another_cell(tiny, tmp_path, models, monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))

    def run_cell(pitch: int, place: str) -> None:
        text = (
            "@register_model('cell')\nclass Cell(Humming):\n"
            f"    pitch = {pitch}\n    def generate(self, request): return self._hum(request)\n"
        )
        if place.startswith("cell"):  # as IPython does
            monkeypatch.setitem(linecache.cache, place, (len(text), None, text.splitlines(keepends=True), place))
        names = {"__name__": "__main__", "register_model": register_model, "Humming": models.Humming}
        exec(compile(text, place, "exec"), names)

    asked = {"model": "cell", "subset": "inter", "runs": tmp_path}
    for place in ("cell 1", "cell 2"):
        run_cell(200, place)
        run = generate(tiny.path, **asked, limit=1)
    run_cell(300, "cell 3")
    with pytest.raises(UnusableRun, match=r"answers of cell made with another version of its file; pass --fresh"):
        generate(tiny.path, **asked)
    run_cell(300, "<stdin>")
    with pytest.raises(UnusableRun, match=r"answers of cell made with another version of its file; pass --fresh"):
        generate(tiny.path, **asked)
    generate(tiny.path, **asked, fresh=True)
    assert "source_sha256" not in run.run_json.read_text()


def test_progress_counts_samples(tiny, tmp_path):
    seen = []
    generate(
        tiny.path, "humming", subset="inter", runs=tmp_path, batch_size=3, progress=lambda *step: seen.append(step)
    )
    assert seen == [("generate", 0, 4), ("generate", 3, 4), ("generate", 4, 4)]


def test_controls_answer_from_the_benchmark_s_own_sounds(tiny, tmp_path, ids):
    samples = tiny.benchmark.samples("inter")
    truth = {"oracle": "target_audio", "distractor": "paired_audio"}
    for control, sound in truth.items():
        run = generate(tiny.path, control, subset="inter", runs=tmp_path)
        for sample in samples:
            expected = media.read_audio_native(getattr(sample, sound)).samples
            np.testing.assert_array_equal(media.read_audio_native(run.audio(sample.sample_id)).samples, expected)


def test_answers_of_an_earlier_definition_of_a_control_are_kept_and_not_gone_on_with(tiny, tmp_path, look):
    asked = {"model": "shuffled", "subset": "inter", "runs": tmp_path}
    entry = get_model("shuffled")
    with pytest.MonkeyPatch.context() as before:
        before.setattr("benchmark.job.get_model", lambda _: replace(entry, revision=""))
        run = generate(tiny.path, **asked)
    answers = look.audio(run)
    assert run.read_run().model.name == "shuffled"
    assert "definition" not in run.read_run().model.model_dump()
    with pytest.raises(UnusableRun, match="holds answers of shuffled by its definition 1, not 2; pass --fresh"):
        generate(tiny.path, **asked)
    assert look.audio(run) == answers
    assert generate(tiny.path, **asked, fresh=True).read_run().model.definition == "2"


def test_the_public_verbs_stay_functions_when_their_modules_are_imported(tmp_path: Path):
    import importlib

    import benchmark

    for module in ("benchmark.generation", "benchmark.evaluation", "benchmark.cli.running"):
        importlib.import_module(module)
    assert callable(benchmark.generate)
    assert callable(benchmark.evaluate)


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def emptied(path):
    path.write_bytes(b"")


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [cut, emptied, zeroed])
def test_a_damaged_sound_counts_as_not_generated_and_is_made_again(tiny, tmp_path, look, asked, ids, caplog, damage):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    whole = look.audio(run)
    for name in ids[1:3]:
        damage(run.audio(name))
    asked.clear()
    generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert asked == [[ids[1]], [ids[2]]]
    assert look.audio(run) == whole
    (warning,) = caplog.messages
    assert warning.startswith(f"{run.audio(ids[1])}: ")
    assert warning.endswith("; generated again (and 1 others)")


@pytest.mark.parametrize("damage", [cut, emptied, zeroed])
def test_a_damaged_record_is_made_again_with_all_that_it_vouched_for(tiny, tmp_path, look, asked, ids, caplog, damage):
    """The sounds might answer another seed: nothing says so any more."""
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path, seed=7)
    run.run_json.write_text(run.run_json.read_text()[:500])
    damage(run.run_json)
    left = run.run_json.read_bytes()
    whole = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "whole")
    asked.clear()
    again = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert again == run
    assert asked == [[name] for name in ids]
    assert look.audio(run) == look.audio(whole)
    assert look.untimed(run.run_json) == look.untimed(whole.run_json)
    assert (run.path / "run.json.damaged").read_bytes() == left
    (warning,) = caplog.messages
    assert warning.startswith(f"{run.run_json}: empty, cut or damaged, so it is not known what the sounds beside it")


def test_a_sound_that_a_damaged_record_vouched_for_is_not_adopted_after_a_second_accident(
    tiny, tmp_path, look, models, monkeypatch, ids
):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path, seed=7)
    emptied(run.run_json)
    hum = models.Humming._hum

    def interrupted(self, request):
        if request.sample_id == ids[1]:
            raise KeyboardInterrupt
        return hum(self, request)

    with monkeypatch.context() as patch:
        patch.setattr(models.Humming, "_hum", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert sorted(look.audio(run)) == ids[:1]
    generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert look.audio(run) == look.audio(generate(tiny.path, "humming", subset="inter", runs=tmp_path / "whole"))


@pytest.mark.parametrize(
    ("model", "pattern"), [("humming", "inter/video/*.mp4"), ("oracle", "sources/*.wav")], ids=["scene", "sound"]
)
def test_a_model_is_not_shown_what_was_not_built(tiny, tmp_path, asked, model, pattern):
    other = tmp_path / "tiny"
    shutil.copytree(tiny.path, other)
    replaced, by, *_ = sorted(other.glob(pattern))
    shutil.copyfile(by, replaced)
    with pytest.raises(BenchmarkError, match=rf"^{replaced}: not the file that was built .*build the benchmark again$"):
        generate(other, model, subset="inter", runs=tmp_path / "runs")
    assert asked == []
    assert not (tmp_path / "runs").exists()


def test_fresh_leaves_a_folder_that_is_no_run_and_asks_no_model(tiny, tmp_path, look):
    work = tmp_path / "runs" / "tiny" / "inter" / "weighted"
    work.mkdir(parents=True)
    (work / "thesis.tex").write_text("years of work")
    before = look.written(tmp_path)
    with pytest.raises(UnusableRun, match=r"weighted: has no record of a run and holds thesis\.tex, which no run has"):
        generate(tiny.path, "weighted", subset="inter", runs=tmp_path / "runs", fresh=True, options={"file": "absent"})
    assert look.written(tmp_path) == before


def test_a_request_is_refused_for_the_folder_that_it_would_replace_before_any_model_is_asked(tiny, tmp_path):
    work = tmp_path / "tiny" / "inter" / "weighted"
    work.mkdir(parents=True)
    (work / "thesis.tex").write_text("years of work")
    with pytest.raises(UnusableRun, match=r"holds thesis\.tex, which no run has"):
        check_request(
            load_benchmark(tiny.path), "weighted", subset="inter", runs=tmp_path, fresh=True, options={"file": "absent"}
        )


def test_recorded_floats_reach_the_score_as_they_are_and_16_bits_stay_16_bits(tiny, tmp_path, ids, caplog):
    sound = np.linspace(-1.5, 1.5, 80_000, dtype=np.float32)
    (tmp_path / "mine").mkdir()
    for place, name in enumerate(ids):
        soundfile.write(tmp_path / "mine" / f"{name}.wav", sound, 16_000, subtype="FLOAT" if place else "PCM_16")
    run = generate(
        tiny.path, "recorded", subset="inter", runs=tmp_path, options={"folder": str(tmp_path / "mine")}
    )  # fmt: skip
    kept = {name: media.read_audio_native(run.audio(name)).samples[0] for name in ids}
    np.testing.assert_array_equal(kept[ids[1]], sound)
    coarse = media.read_audio_native(tmp_path / "mine" / f"{ids[0]}.wav").samples[0]
    np.testing.assert_array_equal(kept[ids[0]], coarse)
    assert caplog.text == ""


@pytest.mark.parametrize("workers", [0, None, 2])
def test_answers_do_not_depend_on_who_decodes(tiny, tmp_path, look, workers):
    one = generate(tiny.path, "watching", subset="inter", runs=tmp_path / "one", workers=0)
    other = generate(tiny.path, "watching", subset="inter", runs=tmp_path / "other", workers=workers, batch_size=2)
    assert look.audio(one) == look.audio(other)
    assert look.untimed(one.run_json) == look.untimed(other.run_json)


def test_a_scene_that_cannot_be_decoded_costs_its_own_sample(tiny, tmp_path, ids, monkeypatch, models):
    prepare = models.Watching.prepare

    def refusing(request):
        if request.sample_id == ids[1]:
            raise GenerationError(f"{request.sample_id}: too dark")
        return prepare(request)

    monkeypatch.setattr(models.Watching, "prepare", staticmethod(refusing))
    run = generate(tiny.path, "watching", subset="inter", runs=tmp_path, batch_size=4)
    (failure,) = run.read_run().failures
    assert (failure.sample, failure.reason) == (ids[1], f"{ids[1]}: too dark")
    assert [name for name in ids if run.audio(name).is_file()] == [name for name in ids if name != ids[1]]


@pytest.mark.parametrize(("model", "batches"), [("watching", [3, 1]), ("humming", [1, 1, 1, 1])])
def test_auto_is_what_the_model_says_fits_and_else_one(tiny, tmp_path, asked, model, batches):
    generate(tiny.path, model, subset="inter", runs=tmp_path, batch_size="auto")
    assert [len(call) for call in asked] == batches


def test_a_size_of_batch_that_is_no_number_is_named(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"^batch_size: expected a whole number or \"auto\", got 'all'$"):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path, batch_size="all")


@pytest.mark.parametrize("limit", ["auto", 2.5, True])
def test_a_limit_that_is_no_whole_number_is_not_offered_auto(tiny, tmp_path, limit):
    with pytest.raises(ValueError, match=rf"^limit: expected a whole number, got {limit!r}$"):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path, limit=limit)


def test_answers_are_written_while_the_model_is_at_the_next(tiny, tmp_path, monkeypatch):
    """The first answer's file is awaited from inside the model, which would wait for ever if it were written after."""
    from threading import Event

    written = Event()
    write = media.write_audio

    def noted(path, *arguments, **options):
        write(path, *arguments, **options)
        written.set()

    class Waiting:
        sample_rate = 16_000
        asked = 0

        def generate(self, request):
            Waiting.asked += 1
            assert Waiting.asked == 1 or written.wait(30)
            return np.zeros(round(16_000 * request.duration), np.float32)

    monkeypatch.setattr(media, "write_audio", noted)
    register_model("waiting")(Waiting)
    run = generate(tiny.path, "waiting", subset="inter", runs=tmp_path)
    assert run.read_run().failures == []


def test_an_answer_that_cannot_be_written_ends_the_run_with_its_reason(tiny, tmp_path, ids, monkeypatch):
    write = media.write_audio

    def full(path, *arguments, **options):
        if path.stem == ids[2]:
            raise OSError(28, "No space left on device", str(path))
        write(path, *arguments, **options)

    monkeypatch.setattr(media, "write_audio", full)
    with pytest.raises(OSError, match="No space left"):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    record = RunDirectory.locate(tmp_path, "tiny", "inter", "humming").read_run()
    assert record.status == "failed"
    assert "No space left" in record.reason
    monkeypatch.setattr(media, "write_audio", write)
    assert generate(tiny.path, "humming", subset="inter", runs=tmp_path).read_run().counts.generated == 4


def test_what_is_answered_when_the_model_is_interrupted_is_kept(tiny, tmp_path, ids, models, monkeypatch):
    hum = models.Humming._hum

    def interrupted(self, request):
        if request.sample_id == ids[3]:
            raise KeyboardInterrupt
        return hum(self, request)

    monkeypatch.setattr(models.Humming, "_hum", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    run = RunDirectory.locate(tmp_path, "tiny", "inter", "humming")
    assert [run.audio(name).is_file() for name in ids] == [True, True, True, False]
    assert run.read_run().counts.generated == 3


def test_the_record_says_how_a_native_model_computed(tiny, tmp_path):
    from support.tiny_models import shrunk

    with shrunk():
        options = {"random_weights": True, "steps": 1, "dtype": "bf16"}
        run = generate(tiny.path, "selva", subset="inter", runs=tmp_path, options=options, limit=1, device="cpu")
    record = run.read_run()
    assert record.precision == "fast"
    assert "computed in bfloat16 and TF32 (precision fast)" in record.model.notes
    with pytest.raises(UnusableRun, match="computed in precision fast, not exact"):
        generate(tiny.path, "selva", subset="inter", runs=tmp_path, options={"random_weights": True, "steps": 1})


def test_a_model_may_answer_with_the_same_buffer_again_and_change_its_rate(tiny, tmp_path, ids):
    class Reusing:
        """Answers at another rate and level each time, all in one piece of memory."""

        def __init__(self):
            self.memory, self.asked = np.zeros(48_000 * 5, np.float32), 0

        def generate(self, request):
            self.asked += 1
            self.sample_rate = 8_000 * self.asked
            answer = self.memory[: round(self.sample_rate * request.duration)]
            answer[:] = 0.1 * self.asked
            return answer

        sample_rate = 8_000

    register_model("reusing")(Reusing)
    run = generate(tiny.path, "reusing", subset="inter", runs=tmp_path)
    assert run.read_run().failures == []
    for place, name in enumerate(ids, start=1):
        heard = media.read_audio_native(run.audio(name))
        assert heard.sample_rate == 8_000 * place
        np.testing.assert_allclose(heard.samples, 0.1 * place, atol=1e-4)


@pytest.mark.parametrize("fits", [0, -3, "many", GenerationError("too dark"), KeyError("frames")])
def test_a_model_that_does_not_know_what_fits_is_asked_one_by_one(tiny, tmp_path, asked, models, monkeypatch, fits):
    def fitting(self, request):
        if isinstance(fits, Exception):
            raise fits
        return fits

    monkeypatch.setattr(models.Watching, "fitting_batch", fitting)
    generate(tiny.path, "watching", subset="inter", runs=tmp_path, batch_size="auto")
    assert [len(call) for call in asked] == [1, 1, 1, 1]


def test_a_model_may_empty_the_lists_that_it_is_given(tiny, tmp_path, models, monkeypatch):
    kept = models.Watching.generate_prepared

    def emptying(self, requests, prepared):
        answers = kept(self, requests, prepared)
        del requests[:], prepared[:]
        return answers

    monkeypatch.setattr(models.Watching, "generate_prepared", emptying)
    run = generate(tiny.path, "watching", subset="inter", runs=tmp_path, batch_size=3)
    assert run.read_run().counts.generated == 4


class Slow:
    """Writes that wait for a word, and say when they have begun."""

    def __init__(self, monkeypatch):
        self.begun, self.go = threading.Event(), threading.Event()
        write = media.write_audio

        def waiting(path, *arguments, **options):
            self.begun.set()
            assert self.go.wait(60)
            write(path, *arguments, **options)

        monkeypatch.setattr(media, "write_audio", waiting)


def interrupt_when(slow, times):
    """Send this process Ctrl-C once a write has begun, so often; then let the writes go on."""

    def send():
        assert slow.begun.wait(60)
        for _ in range(times):
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        slow.go.set()

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize(("times", "kept"), [(1, 4), (2, 1)])
def test_ctrl_c_while_the_last_answers_are_written_waits_for_them_and_again_leaves_them(
    tiny, tmp_path, monkeypatch, request, times, kept
):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start its jobs without one
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    interrupt_when(Slow(monkeypatch), times)
    with pytest.raises(KeyboardInterrupt):
        generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    run = RunDirectory.locate(tmp_path, "tiny", "inter", "humming")
    record = run.read_run()
    assert (record.status, record.reason) == ("failed", "interrupted")
    assert record.counts.generated == kept == len(list(run.path.glob("audio/*.wav")))
