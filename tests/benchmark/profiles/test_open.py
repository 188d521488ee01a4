"""Profile `open` by hand: a tiny PE-AV against transformers' own processor and model, stand-ins for the rest.

PE-AV is read from a folder in the published layout, filled with seeded weights.
"""

import hashlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from support.network_stand_ins import stand_in
from support.packs import kept_below
from support.seeded_weights import off_by
from support.tiny_pe_av import VIDEO_SETTINGS, official_network, write_folder
from torchaudio.functional import resample

import metrics
from benchmark import Choices, evaluate, generate
from benchmark.evidence import taken
from benchmark.profiles import checkpoints_of, front_ends, load_profile
from benchmark.profiles.licences import licences_of
from benchmark.profiles.open import OpenProfile
from benchmark.profiles.paper import PaperProfile
from foundation import media
from foundation.checkpoints import CHECKPOINTS, EXTENDED_METRICS, OPEN_PROFILE, PAPER_PROFILE, MissingCheckpoint
from foundation.files import file_sha256
from metrics.backbones import load_backbone, pe_av
from metrics.registry import list_metrics
from metrics.selectivity import audio_selectivity, text_selectivity

SECONDS = 5.0  # of the benchmark `tiny`
TOLERANCE = 1e-4  # of the largest value: the reference runs all samples in one batch, with masks
MODELS = ("oracle", "mixture", "distractor", "silence")
SHARED = ("panns.audio", "panns.kadtk", "synchformer.audio", "synchformer.video")


@pytest.fixture(scope="module")
def official():
    return official_network()


@pytest.fixture(scope="module")
def weights(official, tmp_path_factory):
    """A folder with PE-AV as it is published, and files of the other names with nothing in them."""
    folder = tmp_path_factory.mktemp("weights")
    for name in dict.fromkeys((*OPEN_PROFILE, *PAPER_PROFILE, *EXTENDED_METRICS)):
        (folder / CHECKPOINTS[name].filename).parent.mkdir(parents=True, exist_ok=True)
        (folder / CHECKPOINTS[name].filename).write_text(name)
    write_folder((folder / CHECKPOINTS["pe-av"].filename).parent, official)
    return folder


def load(name, **options):
    return (load_backbone if name == "pe_av" else stand_in)(name, **options)


def profile_of(kind, weights, **options):
    return load_profile(kind, device="cpu", weights_dir=weights, allow_unverified=True, **options)


@pytest.fixture(scope="module")
def scored(tiny, weights, tmp_path_factory):
    """Four controls scored by the profile in one cache: evidence, record and columns of each."""
    folder, caught = tmp_path_factory.mktemp("open"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.profiles.networks.load_backbone", load)
        evidence = OpenProfile.evidence
        patch.setattr(OpenProfile, "evidence", lambda *given: caught.append(evidence(*given)) or caught[-1])
        found = {}
        for model in MODELS:
            run = generate(tiny.path, model, subset="inter", runs=folder / "runs")
            record = evaluate(
                run, tiny.path, Choices(profile="open", resamples=40), profile=profile_of("open", weights),
                cache=folder / "cache", workers=0,
            )  # fmt: skip
            columns = pd.read_parquet(run.samples_parquet)
            found[model] = SimpleNamespace(run=run, evidence=caught[-1], record=record, columns=columns)
    return SimpleNamespace(cache=folder / "cache", **found)


@pytest.fixture(scope="module")
def reference(tiny, scored, official, weights):
    """What transformers' own processor and model make of the mixture's samples, read without the front ends."""
    samples = tiny.benchmark.samples("inter")
    paths = {
        "target": [sample.target_audio for sample in samples],
        "paired": [sample.paired_audio for sample in samples],
        "generated": [scored.mixture.run.audio(sample.sample_id) for sample in samples],
    }
    found = {f"{who}.clap": heard(files, official) for who, files in paths.items()}
    found["generated.imagebind"] = found["generated.clap"]
    found["video.imagebind"] = seen([sample.target_video for sample in samples], official)
    found["prompt.clap"] = read([sample.label for sample in samples], official, weights)
    found["paired_label.clap"] = read([sample.paired_label for sample in samples], official, weights)
    return found


def heard(paths, official):
    from transformers import PeAudioFeatureExtractor

    sounds = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = torch.from_numpy(samples.mean(axis=1))
        sounds.append(resample(mono, rate, 48_000)[: int(SECONDS * 48_000)].numpy())
    given = PeAudioFeatureExtractor()(sounds, sampling_rate=48_000, return_tensors="pt")
    with torch.inference_mode():
        encoder = official.audio_video_encoder.embedder.audio_encoder
        pooled = encoder(given["input_values"], padding_mask=given["padding_mask"]).pooler_output
        return official.audio_model.audio_head(pooled)


def seen(paths, official):
    from transformers.models.pe_video.video_processing_pe_video import PeVideoVideoProcessor

    films = [torch.from_numpy(media.read_video(path, fps=25, seconds=SECONDS)) for path in paths]
    metadata = [{"total_num_frames": len(film), "fps": 25.0} for film in films]
    given = PeVideoVideoProcessor(**VIDEO_SETTINGS)(films, video_metadata=metadata, return_tensors="pt")
    with torch.inference_mode():
        pooled = official.audio_video_encoder.embedder.video_encoder(given["pixel_values_videos"]).pooler_output
        return official.video_model.video_head(pooled)


def read(texts, official, weights):
    from transformers import PreTrainedTokenizerFast

    file = weights / CHECKPOINTS["pe-av-tokenizer"].filename
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file), pad_token="[PAD]")
    given = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = official.audio_model.text_model(**given).last_hidden_state
        return official.audio_model.text_audio_head(states[:, 0])


NAMES = (
    "target.clap", "paired.clap", "generated.clap", "generated.imagebind", "video.imagebind", "prompt.clap",
    "paired_label.clap",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_what_the_published_processor_and_model_make_of_that_file(scored, reference, name):
    assert off_by(torch.from_numpy(np.asarray(scored.mixture.evidence[name])), reference[name]) < TOLERANCE


def test_the_reference_tells_files_and_texts_apart(reference):
    """Else equality would prove nothing."""
    for one, other in (("target.clap", "paired.clap"), ("target.clap", "generated.clap")):
        assert off_by(reference[one], reference[other]) > 10 * TOLERANCE
    assert off_by(reference["prompt.clap"], reference["paired_label.clap"]) > 10 * TOLERANCE
    films = reference["video.imagebind"]
    assert off_by(films[:1], films[-1:]) > 10 * TOLERANCE


def test_columns_are_cosines_of_these_embeddings(scored, reference):
    hand = {name: rows.numpy() for name, rows in reference.items()}
    text = text_selectivity(hand["prompt.clap"], hand["paired_label.clap"], hand["generated.clap"])
    audio = audio_selectivity(hand["target.clap"], hand["paired.clap"], hand["generated.clap"])
    wanted = {
        "clap": metrics.clap_score(hand["prompt.clap"], hand["generated.clap"]),
        "imagebind": metrics.imagebind_score(hand["video.imagebind"], hand["generated.imagebind"]),
        "text_margin": text.margin,
        "audio_margin": audio.margin,
    }
    for name, scores in wanted.items():
        np.testing.assert_allclose(scored.mixture.columns[name], scores, atol=TOLERANCE, err_msg=name)


def test_the_profile_has_evidence_for_every_column_that_profile_paper_has(scored):
    assert set(scored.mixture.evidence) >= taken(list_metrics())
    for name, value in scored.mixture.record.metrics.items():
        few = value.reason is not None and value.reason.startswith("needs ")
        assert few or value.value is not None, (name, value.reason)
    every = list_metrics(extended=True)
    rows = {profile: {row.name for row in profile.needed_rows(every)} for profile in (OpenProfile, PaperProfile)}
    assert {name.partition(".")[0] for name in rows[OpenProfile] ^ rows[PaperProfile]} == {"clap", "imagebind", "pe_av"}


def test_metrics_by_name_are_scored_with_the_networks_they_need_from_the_command_line(
    command, tiny, weights, tmp_path, monkeypatch
):
    loaded = []
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(weights))
    monkeypatch.setattr(
        "benchmark.profiles.networks.load_backbone", lambda name, **o: loaded.append(name) or load(name)
    )
    run = generate(tiny.path, "mixture", subset="inter", runs=tmp_path / "runs")
    asked = ("--benchmark", tiny.path, "--profile", "open", "--metrics", "fd_vggish,class_margin")
    options = ("--device", "cpu", "--workers", 0, "--cache", tmp_path / "cache", "--resamples", 40)
    refused = command("evaluate", run.path, *asked, *options)
    assert (refused.status, loaded) == (2, [])
    assert "--allow-unverified" in refused.err
    done = command("evaluate", run.path, *asked, *options, "--allow-unverified")
    assert (done.status, set(loaded)) == (0, {"vggish", "panns"})
    record = run.read_metrics()
    assert (record.scoring.profile, record.scoring.unverified_weights) == ("open", True)
    assert {name: value.value is None for name, value in record.metrics.items()} == dict.fromkeys(
        ("fd_vggish", "class_margin"), False
    )


def test_controls_are_in_their_order(scored):
    values = {model: getattr(scored, model).record.metrics for model in MODELS}
    assert [values[model]["audio_win_rate"].value for model in ("oracle", "distractor")] == [1.0, 0.0]
    for name in ("audio_margin", "class_margin"):
        oracle, mixture, distractor = (values[model][name].value for model in MODELS[:3])
        assert oracle > mixture > distractor, name
    assert values["oracle"]["fad"].value < values["mixture"]["fad"].value < values["silence"]["fad"].value


def test_silence_has_scores(scored):
    assert np.isfinite(scored.silence.evidence["generated.clap"]).all()
    assert scored.silence.columns[["clap", "imagebind", "audio_margin"]].notna().all(axis=None)


def test_features_do_not_depend_on_the_batch(weights, monkeypatch):
    monkeypatch.setattr("benchmark.profiles.networks.load_backbone", load)
    profile = profile_of("open", weights)
    by_name = {extractor.name: extractor for extractor in (*profile.audio, *profile.video)}
    random = np.random.default_rng(3)
    sounds = [media.Audio(random.normal(0, 0.1, (1, 24_000)).astype(np.float32), 24_000) for _ in range(3)]
    prepared = [front_ends.prepare_pe_av_audio(sound, 1.0) for sound in sounds]
    films = [{"frames": random.integers(0, 256, (16, 3, 336, 336), dtype=np.uint8)} for _ in range(2)]
    for name, inputs in (("pe_av.audio", prepared), ("pe_av.video", films)):
        together = by_name[name].network(inputs)
        for one, both in zip(inputs, together, strict=True):
            (alone,) = by_name[name].network([one])
            np.testing.assert_allclose(alone["embedding"], both["embedding"], atol=1e-5)


def test_features_of_the_networks_that_both_profiles_have_are_kept_once(scored, tiny, weights, monkeypatch):
    def keys(profile):
        return {extractor.name: extractor.key for extractor in (*profile.audio, *profile.video)}

    paper, open_ = (keys(profile_of(kind, weights)) for kind in ("paper", "open"))
    assert paper.keys() & open_.keys() == {*SHARED}
    assert {name: paper[name] for name in SHARED} == {name: open_[name] for name in SHARED}

    def kept():
        return {(one.extractor, one.sha256) for one in kept_below(scored.cache) if one.extractor.split(".")[0] in both}

    both, loaded = ("panns", "synchformer"), []
    before = kept()
    monkeypatch.setattr(
        "benchmark.profiles.networks.load_backbone", lambda name, **o: loaded.append(name) or load(name)
    )
    monkeypatch.setattr(PaperProfile, "_embed_text", lambda self, text: np.full(3, len(text), dtype=np.float32))
    record = evaluate(
        scored.mixture.run, tiny.path, Choices(profile="paper", resamples=40), profile=profile_of("paper", weights),
        cache=scored.cache, workers=0,
    )  # fmt: skip
    assert (set(loaded), kept()) == ({"clap", "imagebind"}, before)
    for name in ("fad", "kad", "kl", "desync", "class_margin"):
        assert record.metrics[name] == scored.mixture.record.metrics[name], name


@pytest.mark.parametrize("changed", ["pe-av", "pe-av-config", "pe-av-tokenizer"])
def test_features_of_pe_av_are_others_with_any_other_file_of_it(weights, tmp_path, changed):
    before = profile_of("open", weights).backbones()
    folder = tmp_path / "weights"
    for name in OPEN_PROFILE:
        (folder / CHECKPOINTS[name].filename).parent.mkdir(parents=True, exist_ok=True)
        (folder / CHECKPOINTS[name].filename).write_bytes((weights / CHECKPOINTS[name].filename).read_bytes())
    assert profile_of("open", folder).backbones() == before
    (folder / CHECKPOINTS[changed].filename).write_text("another")
    after = profile_of("open", folder).backbones()
    assert {name for name in before if before[name] != after[name]} == {"pe_av"}


@pytest.mark.parametrize("missing", ["pe-av", "pe-av-config", "pe-av-tokenizer"])
def test_a_missing_file_is_named_with_the_columns_that_need_it_before_work_begins(tmp_path, missing):
    for name in OPEN_PROFILE:
        if name != missing:
            (tmp_path / CHECKPOINTS[name].filename).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / CHECKPOINTS[name].filename).write_text(name)
    with pytest.raises(MissingCheckpoint, match=rf'checkpoint "{missing}".* CLAP, IB, Text .*\(profile open\)'):
        profile_of("open", tmp_path)
    profile_of("open", tmp_path, metrics=["fad", "desync"])  # which need none of it


def test_its_weights_are_listed_and_every_one_of_them_may_be_used_in_a_company():
    assert set(checkpoints_of("open", list_metrics())) == {*OPEN_PROFILE}
    every = checkpoints_of("open", list_metrics(extended=True))
    assert set(every) == {*OPEN_PROFILE, *EXTENDED_METRICS}
    assert {CHECKPOINTS[name].licence for name in every} == {"Apache-2.0", "CC BY 4.0", "MIT"}


def test_licences_are_those_of_the_files_and_of_what_packages_bring():
    found = licences_of(("synchformer", "pe_av", "silero", "panns", "onset", "levels"))
    assert list(found.items()) == [
        ("panns", "CC BY 4.0"), ("pe-av", "Apache-2.0"), ("silero", "MIT"), ("synchformer", "MIT")
    ]  # fmt: skip


def test_every_sound_film_and_text_is_given_to_pe_av_once(scored, tiny):
    samples = tiny.benchmark.samples("inter")
    sounds = {s.target_audio for s in samples} | {s.paired_audio for s in samples}
    sounds |= {getattr(scored, model).run.audio(s.sample_id) for model in MODELS for s in samples}
    wanted = {
        "pe_av.audio": {file_sha256(path) for path in sounds},
        "pe_av.video": {file_sha256(s.target_video) for s in samples},
        "pe_av.text": {hashlib.sha256(s.label.encode()).hexdigest() for s in samples},
    }
    found = {name: {kept.sha256 for kept in kept_below(scored.cache / name)} for name in wanted}
    assert found == wanted


def test_a_tokenizer_is_read_once_for_many_texts(weights, monkeypatch):
    from tokenizers import Tokenizer

    pe_av._cutter.cache_clear()
    opened, original = [], Tokenizer.from_file
    monkeypatch.setattr(
        "tokenizers.Tokenizer", SimpleNamespace(from_file=lambda path: opened.append(path) or original(path))
    )
    for text in ("ringing bell", "croaking frog"):
        pe_av.tokenize(text, weights / CHECKPOINTS["pe-av-tokenizer"].filename)
    assert len(opened) == 1
