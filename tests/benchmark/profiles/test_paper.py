"""Profile `paper` by hand: every row of evidence and every column, with stand-ins for the networks.

What is expected is worked out here from the files alone, by the habits of the reference tools: which file, at which
rate, which window, which frames. The networks themselves are compared with the references in `tests/metrics`.
"""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from support.checkpoint_files import write_tokenizer
from support.network_stand_ins import SEGMENTS, offsets, stand_in, summary, text_embedding
from support.packs import kept_below
from torchaudio.functional import resample
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as picture

import metrics
from baselines import register_model, registry
from benchmark import Choices, evaluate, generate
from benchmark.evidence import taken
from benchmark.features import FeatureStore
from benchmark.profiles import Features, load_profile
from benchmark.profiles.paper import PaperProfile
from benchmark.scoring import score
from foundation import extras, media
from foundation.checkpoints import CHECKPOINTS, PAPER_PROFILE
from foundation.devices import numerics
from foundation.files import file_sha256
from metrics.backbones import clap, imagebind, synchformer
from metrics.registry import list_metrics
from metrics.selectivity import audio_selectivity, class_selectivity, text_selectivity

SECONDS, RATE = 5.0, 24_000  # of the benchmark `tiny`; of the generated sounds, which no backbone takes as they are
SAMPLES = 2  # of its four
KADTK = {
    "resampling_method": "sinc_interp_kaiser",
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "beta": 14.769656459379492,
}


class Whistling:
    """A model whose sounds are all different, off centre, loud in other places, and at a rate of their own."""

    sample_rate = RATE

    def generate(self, request):
        random = np.random.default_rng(request.seed)
        time = np.arange(round(request.duration * RATE)) / RATE
        tone = np.sin(2 * np.pi * random.uniform(200, 3000) * time) * np.sin(random.uniform(1, 4) * time)
        return (0.05 + 0.3 * tone + 0.02 * random.standard_normal(time.size)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder of files with the official names and nothing in them, and a tokenizer that splits into letters."""
    folder = tmp_path_factory.mktemp("weights")
    for name in PAPER_PROFILE:
        (folder / CHECKPOINTS[name].filename).parent.mkdir(parents=True, exist_ok=True)
        (folder / CHECKPOINTS[name].filename).write_text(name)
    write_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def asked():
    """Every question to a network, filled by `runs`: which call of which network, and how torch was set."""
    return []


def watched(asked):
    """The stand-ins, which note how they are run."""

    def noting(name, call, function):
        def noted(*given):
            allowed = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
            asked.append((f"{name}.{call}", len(given[0]), allowed, torch.is_inference_mode_enabled()))
            return function(*given)

        return noted

    def load(name, **options):
        calls = vars(stand_in(name, **options))
        return SimpleNamespace(**{call: noting(name, call, function) for call, function in calls.items()})

    return load


@pytest.fixture(scope="module")
def runs(tiny, weights, tmp_path_factory, asked):
    """Two runs scored by the profile in one cache, one of them twice: evidence, record and columns of each."""
    folder, caught = tmp_path_factory.mktemp("paper"), []
    with pytest.MonkeyPatch.context() as patch, numerics("fast"):
        patch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
        register_model("whistling")(Whistling)
        patch.setattr("benchmark.profiles.networks.load_backbone", watched(asked))
        evidence = PaperProfile.evidence
        patch.setattr(PaperProfile, "evidence", lambda *given: caught.append(evidence(*given)) or caught[-1])
        scored = {}
        for model, video in (("whistling", "target"), ("mixture", "target"), ("whistling", "composed")):
            run = generate(tiny.path, model, subset="inter", runs=folder / "runs", limit=SAMPLES)
            profile = load_profile("paper", device="cpu", weights_dir=weights, allow_unverified=True)
            choices = Choices(profile="paper", resamples=40, reference_video=video)
            record = evaluate(
                run, tiny.path, choices, profile=profile, cache=folder / "cache", workers=0, allow_missing=True
            )
            columns = pd.read_parquet(run.samples_parquet)[:SAMPLES]
            scored[model, video] = SimpleNamespace(run=run, evidence=caught[-1], record=record, columns=columns)
    return scored


@pytest.fixture(scope="module")
def expected(tiny, runs, weights):
    """The evidence of the three, by hand."""
    return {key: by_hand(tiny, found.run, key[1], weights) for key, found in runs.items()}


def by_hand(tiny, run, reference_video, weights):
    samples = tiny.benchmark.samples("inter")[:SAMPLES]
    sounds = {
        "target": [sample.target_audio for sample in samples],
        "paired": [sample.paired_audio for sample in samples],
        "generated": [run.audio(sample.sample_id) for sample in samples],
    }
    videos = [sample.target_video if reference_video == "target" else sample.video for sample in samples]
    pictures = {path: shown(path) for path in dict.fromkeys(videos)}
    found = {f"{who}.{kind}": rows for who, paths in sounds.items() for kind, rows in heard(paths).items()}
    found["video.imagebind"] = np.concatenate([pictures[path]["imagebind"] for path in videos])
    offset_rows = []
    for path, audio in zip(videos, found.pop("generated.segments"), strict=True):
        video, audio = torch.from_numpy(pictures[path]["segments"]), torch.from_numpy(audio)[None]
        both = [offsets(video[:, cut], audio[:, cut]) for cut in (slice(0, 14), slice(SEGMENTS - 14, SEGMENTS))]
        offset_rows.append(torch.cat(both).numpy())
    found["pair.offset_logits"] = np.stack(offset_rows)
    found["prompt.clap"] = texts([sample.label for sample in samples], weights)
    found["paired_label.clap"] = texts([sample.paired_label for sample in samples], weights)
    return found


def heard(paths):
    """What the networks make of sounds, read with soundfile instead of the product's reader."""
    found = {kind: [] for kind in ("embedding", "logits", "kad_embedding", "clap", "imagebind", "segments")}
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        wave = torch.from_numpy(samples.T.copy())
        mono = wave.mean(dim=0)
        centred = mono - mono.mean()
        panns = stand_in("panns").audio(resample(centred, rate, 16_000)[: int(SECONDS * 16_000)][None])
        sixteen_bits = (resample(mono, rate, 16_000, **KADTK) * 32768).round().clamp(-32768, 32767) / 32768
        clap = resample(centred, rate, 48_000)[: int(SECONDS * 48_000)]
        found["embedding"].append(panns.embedding)
        found["logits"].append(panns.logits)
        found["kad_embedding"].append(summary(sixteen_bits[None], 4).half().float())
        found["clap"].append(stand_in("clap").audio(clap[None]))
        found["imagebind"].append(stand_in("imagebind").audio(imagebind.prepare_audio(wave, rate, SECONDS)[None]))
        found["segments"].append(summary(synchformer.prepare_audio(wave, rate, SECONDS)[None], SEGMENTS, 6, 2))
    return {kind: torch.cat(rows).numpy() for kind, rows in found.items()}


def shown(path):
    """What the networks make of a film: 25 frames a second for Synchformer, one every two seconds for ImageBind."""

    def scaled(frame):
        one = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None]
        return picture.resize(one, [224], interpolation=InterpolationMode.BICUBIC, antialias=True)[0].numpy()

    (read,) = media.read_video_streams(path, [media.FrameRequest(25, transform=scaled)], seconds=SECONDS)
    quick = torch.from_numpy(read)
    assert len(quick) == 125
    slow = quick[[24, 74]]  # the frames that ffmpeg's filter takes at half a frame per second
    return {
        "imagebind": stand_in("imagebind").video(imagebind.prepare_video(slow)[None]).numpy(),
        "segments": summary(synchformer.prepare_video(quick)[None], SEGMENTS, 8, 2).numpy(),
    }


def texts(labels, weights):
    from transformers import RobertaTokenizerFast

    tokenizer = RobertaTokenizerFast.from_pretrained(weights / "roberta-base")
    coded = tokenizer(labels, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    return text_embedding(coded["input_ids"], coded["attention_mask"]).numpy()


CASES = [("whistling", "target"), ("mixture", "target"), ("whistling", "composed")]
NAMES = sorted(taken(list_metrics()))


def test_the_stand_ins_tell_everything_apart(expected):
    """Else equality would prove nothing: no two kinds of evidence, files or reference videos give the same rows."""
    first = expected["whistling", "target"]
    assert set(first) >= set(NAMES)
    for feature in ("logits", "clap"):
        for one, other in (("target", "generated"), ("target", "paired"), ("paired", "generated")):
            assert not np.allclose(first[f"{one}.{feature}"], first[f"{other}.{feature}"], rtol=1e-2)
    assert not np.allclose(first["prompt.clap"], first["paired_label.clap"], rtol=1e-1)
    assert not np.allclose(first["generated.kad_embedding"], first["generated.embedding"], rtol=1e-3)
    windows = first["pair.offset_logits"]
    assert (np.abs(windows[:, 0] - windows[:, 1]).max(axis=1) > 1e-2).all()
    for name in ("video.imagebind", "pair.offset_logits"):
        assert not np.allclose(first[name], expected["whistling", "composed"][name], rtol=1e-2)
    assert not np.allclose(first["pair.offset_logits"], expected["mixture", "target"]["pair.offset_logits"], rtol=1e-2)


def test_columns_of_the_wrong_sound_would_be_others(expected):
    first = expected["whistling", "target"]
    wrong = {**first, **{f"generated.{kind}": first[f"target.{kind}"] for kind in ("clap", "imagebind", "logits")}}
    here, there = columns_by_hand(first), columns_by_hand(wrong)
    for name in ("kl", "clap", "imagebind", "text_margin", "audio_margin", "class_margin"):
        assert np.abs(here[name] - there[name]).max() > 0.02, name


@pytest.mark.usefixtures("runs")
def test_every_network_runs_in_float32_without_gradients_whatever_was_set(asked):
    assert {call for call, *_ in asked} == {
        "panns.audio", "clap.audio", "clap.text", "imagebind.audio", "imagebind.video", "synchformer.audio",
        "synchformer.video", "synchformer.offset_logits",
    }  # fmt: skip
    assert {(allowed, inference) for *_, allowed, inference in asked} == {((False, False), True)}


def test_features_keep_the_names_keys_and_order_that_they_were_always_kept_under(weights):
    profile = PaperProfile(device="cpu", weights_dir=weights, allow_unverified=True)
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in PAPER_PROFILE}  # each file holds its name
    assert [(extractor.name, extractor.key) for extractor in (*profile.audio, *profile.video)] == [
        (name, f"v1-{hashes[name.partition('.')[0]]}")
        for name in (
            "panns.audio", "panns.kadtk", "clap.audio", "imagebind.audio", "synchformer.audio", "imagebind.video",
            "synchformer.video",
        )
    ]  # fmt: skip
    assert profile.backbones() == {name: f"v1-{hashes[name]}" for name in ("panns", "clap", "imagebind", "synchformer")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_evidence_is_what_the_networks_make_of_that_file(runs, expected, case, name):
    got, want = np.asarray(runs[case].evidence[name]), expected[case][name]
    assert got.shape == want.shape
    turned = ("pair.offset_logits", "clap", "imagebind")  # sines, which turn many times: rounding is turned with them
    tolerance = 1e-3 if name.endswith(turned) else 2e-6 * np.abs(want).max()  # else float32 sums
    if name.endswith("kad_embedding"):  # half precision: a value between two of its steps may fall on either side
        assert np.array_equal(got, got.astype(np.float16).astype(np.float32))
        tolerance = 1e-3 * np.abs(want).max()
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def test_networks_are_given_what_a_metric_takes_of_a_file_and_nothing_else(tiny, runs):
    first = runs["whistling", "target"].run
    samples = tiny.benchmark.samples("inter")[:SAMPLES]
    targets, paired = {s.target_audio for s in samples}, {s.paired_audio for s in samples}
    answers = {found.run.audio(s.sample_id) for found in runs.values() for s in samples}
    videos = {s.target_video for s in samples} | {s.video for s in samples}  # the last run is held against the scene
    wanted = {
        "panns.audio": targets | paired | answers,
        "panns.kadtk": targets | answers,
        "clap.audio": targets | paired | answers,
        "imagebind.audio": answers,
        "synchformer.audio": answers,
        "imagebind.video": videos,
        "synchformer.video": videos,
    }
    cache = first.path.parents[3] / "cache"
    found = {name: {kept.sha256 for kept in kept_below(cache / name)} for name in wanted}
    assert found == {name: {file_sha256(path) for path in paths} for name, paths in wanted.items()}


def columns_by_hand(e):
    text = text_selectivity(e["prompt.clap"], e["paired_label.clap"], e["generated.clap"])
    audio = audio_selectivity(e["target.clap"], e["paired.clap"], e["generated.clap"])
    classes = class_selectivity(e["target.logits"], e["paired.logits"], e["generated.logits"])
    return {
        "kl": metrics.kl_divergence(e["target.logits"], e["generated.logits"]),
        "clap": metrics.clap_score(e["prompt.clap"], e["generated.clap"]),
        "imagebind": metrics.imagebind_score(e["video.imagebind"], e["generated.imagebind"]),
        "desync": metrics.desync(e["pair.offset_logits"]),
        "text_win_rate": text.win,
        "text_margin": text.margin,
        "audio_win_rate": audio.win,
        "audio_margin": audio.margin,
        "class_win_rate": classes.win,
        "class_margin": classes.margin,
    }


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_column_is_that_of_the_evidence_by_hand(runs, expected, case):
    record, columns = runs[case].record, runs[case].columns
    hand = expected[case]
    wanted = columns_by_hand(hand)
    assert set(wanted) == {metric.name for metric in list_metrics() if metric.per == "sample"}
    for name, scores in wanted.items():
        np.testing.assert_allclose(columns[name], scores, rtol=1e-3, atol=1e-3, err_msg=name)
        assert record.metrics[name].value == pytest.approx(scores.mean(), rel=1e-3, abs=1e-3), name
    distance = metrics.frechet_audio_distance(hand["target.embedding"], hand["generated.embedding"])
    assert record.metrics["fad"].value == pytest.approx(distance, rel=1e-3)
    kernel = metrics.kernel_audio_distance(hand["target.kad_embedding"], hand["generated.kad_embedding"])
    assert record.metrics["kad"].value == pytest.approx(kernel, rel=1e-2)


def test_the_scores_that_ask_for_more_samples_take_the_generated_sounds_too(runs, expected):
    found, hand = runs["whistling", "target"], expected["whistling", "target"]
    many = {name: np.tile(np.asarray(rows), (10,) + (1,) * (np.ndim(rows) - 1)) for name, rows in hand.items()}
    many = {name: rows for name, rows in many.items() if name in NAMES}
    values = score(many, None, found.record.scoring).values
    assert values["inception_score"].value == pytest.approx(metrics.inception_score(many["generated.logits"])[0])
    infinite = metrics.fad_infinity(many["target.embedding"], many["generated.embedding"])
    assert values["fad_infinity"].value == pytest.approx(infinite[0] if isinstance(infinite, tuple) else infinite)


@pytest.mark.parametrize(("size", "asked_for"), [(1, [2] * 6), (4, [8, 4]), (256, [12])])
def test_offsets_are_voted_on_in_batches_and_every_file_is_read_once_a_batch(
    weights, tmp_path, monkeypatch, size, asked_for
):
    asked, read = [], []
    monkeypatch.setattr("benchmark.profiles.networks.load_backbone", watched(asked))
    monkeypatch.setattr("benchmark.profiles.text_and_sync.batch_size", lambda *_: size)
    profile, store = PaperProfile(device="cpu", weights_dir=weights, allow_unverified=True), FeatureStore(tmp_path)
    by_name, random = {e.name: e for e in (*profile.audio, *profile.video)}, np.random.default_rng(8)
    films, sounds = [Path("a.mp4"), Path("b.mp4")], [Path(f"{n}.wav") for n in range(3)]
    sha256 = {path: hashlib.sha256(str(path).encode()).hexdigest() for path in (*films, *sounds)}
    segments = {path: random.normal(size=(SEGMENTS, 8 if path in films else 6, 2)) for path in sha256}
    for path, found in segments.items():
        part = "video" if path in films else "audio"
        store.write(by_name[f"synchformer.{part}"], sha256[path], {"segments": found.astype(np.float32)})
    questions = [SimpleNamespace(reference_video=film, generated=sound) for sound in sounds for film in films]
    questions.append(questions[0])  # the same pair again

    original = FeatureStore.read
    monkeypatch.setattr(FeatureStore, "read", lambda self, *given: read.append(given) or original(self, *given))
    logits = profile._offsets(questions, by_name, Features(store, sha256))
    assert [count for call, count, *_ in asked if call == "synchformer.offset_logits"] == asked_for
    of_segments = [sha for extractor, sha in read if extractor.name != "synchformer.offsets"]
    assert len(of_segments) == {1: 12, 4: 4 + 3, 256: 5}[size]
    for question, found in zip(questions, logits, strict=True):
        seen, heard = (
            torch.from_numpy(segments[path]).float() for path in (question.reference_video, question.generated)
        )
        for window, cut in zip(found, (slice(0, 14), slice(SEGMENTS - 14, SEGMENTS)), strict=True):
            np.testing.assert_allclose(window, offsets(seen[None, cut], heard[None, cut])[0], atol=1e-5)

    profile._offsets(questions, by_name, Features(store, sha256))
    assert len(asked) == len(asked_for)  # nothing is voted on twice


def test_a_missing_package_is_told_of_before_weights_are_looked_for(tmp_path, monkeypatch):
    there = extras.is_installed
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "panns_inference" and there(package))
    with pytest.raises(extras.MissingPackage, match="panns needs the package panns_inference; to get it: pip install"):
        PaperProfile(weights_dir=tmp_path, metrics=("fad",))


def test_the_key_of_clap_tells_whose_network_computes_and_keeps_its_weights_hash(monkeypatch):
    def key(own):
        monkeypatch.setattr(clap, "implementation", lambda: "own" if own else "laion-clap")
        profile = PaperProfile.__new__(PaperProfile)
        profile._located = {"clap": SimpleNamespace(digests=SimpleNamespace(sha256="a" * 64))}
        return profile._key("clap")

    assert key(own=False) == f"v1-{'a' * 64}"
    assert key(own=True) == f"v1.own1-{'a' * 64}"
    assert key(own=True).partition("-")[2] == "a" * 64
