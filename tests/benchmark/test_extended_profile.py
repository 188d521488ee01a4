"""Profile `paper` with the extended metrics: from files to columns, with stand-ins for the networks."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch
from support.network_stand_ins import stand_in
from support.packs import kept_below

from benchmark.evaluation import Choices, evaluate
from benchmark.generation import generate
from benchmark.profiles import load_profile
from benchmark.profiles.front_ends import short_side
from benchmark.profiles.paper import PaperProfile
from foundation import media
from foundation.checkpoints import CHECKPOINTS, EXTENDED_METRICS, PAPER_PROFILE, MissingCheckpoint
from metrics import frechet_audio_distance, kl_divergence
from metrics.av_align import av_align, flow_peaks, onset_times
from metrics.backbones import load_backbone
from metrics.levels import measure_levels
from metrics.onset import detect_onsets, onset_scores, onset_seconds
from metrics.registry import list_metrics

if find_spec("hear21passt") is None or find_spec("audiobox_aesthetics") is None:
    pytest.skip("the extra `extended` is not installed", allow_module_level=True)

from metrics.backbones import audiobox, passt, vggish

SECONDS = 5.0  # of the benchmark `tiny`
ADDED = [metric.name for metric in list_metrics(extended=True) if metric.extended]


@pytest.fixture
def weights(tmp_path):
    """A folder of files with the official names and nothing in them."""
    for name in (*PAPER_PROFILE, *EXTENDED_METRICS):
        path = tmp_path / "weights" / CHECKPOINTS[name].filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "weights"


@pytest.fixture
def networks(monkeypatch):
    """Which networks were loaded; none of them is real."""
    loaded = []

    def load(name, **options):
        loaded.append(name)
        return stand_in(name, **options)

    monkeypatch.setattr("benchmark.profiles.networks.load_backbone", load)
    monkeypatch.setattr(PaperProfile, "_embed_text", lambda self, text: np.full(3, len(text), dtype=np.float32))
    return loaded


@pytest.fixture
def run(tiny, tmp_path):
    return generate(tiny.path, "mixture", subset="inter", runs=tmp_path / "runs")


def scored(run, tiny, weights, tmp_path, *, extended):
    profile = load_profile(
        "paper", device="cpu", weights_dir=weights, allow_unverified=True, extended=extended
    )  # fmt: skip
    choices = Choices(profile="paper", resamples=40, extended=extended)
    return evaluate(run, tiny.path, choices, profile=profile, cache=tmp_path / "cache", workers=0)


def files_of(run, tiny) -> tuple[list[media.Audio], list[media.Audio]]:
    samples = tiny.benchmark.samples("inter")
    target = [media.read_audio_native(sample.target_audio) for sample in samples]
    return target, [media.read_audio_native(run.audio(sample.sample_id)) for sample in samples]


def test_extended_columns_are_those_of_the_targets_and_the_generated_audio(run, tiny, weights, networks, tmp_path):
    record = scored(run, tiny, weights, tmp_path, extended=True)

    def heard(module, network, sounds):
        return network.audio(
            torch.stack([module.prepare_audio(s.samples, s.sample_rate, SECONDS) for s in sounds])
        )  # fmt: skip

    target, generated = files_of(run, tiny)
    rows = [heard(vggish, stand_in("vggish"), sounds).reshape(-1, 3).numpy() for sounds in (target, generated)]
    assert record.metrics["fd_vggish"].value == pytest.approx(frechet_audio_distance(*rows), rel=1e-5)
    answers = [heard(passt, stand_in("passt"), sounds) for sounds in (target, generated)]
    embeddings = [answer.embedding.numpy() for answer in answers]
    assert record.metrics["fd_passt"].value == pytest.approx(frechet_audio_distance(*embeddings), rel=1e-5)
    divergence = kl_divergence(*[answer.logits.numpy() for answer in answers])
    onsets = [[detect_onsets(s.samples, s.sample_rate, SECONDS) for s in sounds] for sounds in (target, generated)]
    expected = onset_scores([onset_seconds(found) for found in onsets[0]], onsets[1])
    table = pd.read_parquet(run.samples_parquet)
    np.testing.assert_allclose(table["kl_passt"], divergence, rtol=1e-4)
    np.testing.assert_allclose(table["onset_accuracy"], expected.accuracy)
    np.testing.assert_allclose(table["onset_average_precision"], expected.average_precision)
    heard_by = [audiobox.prepare_audio(s.samples, s.sample_rate, SECONDS) for s in generated]
    np.testing.assert_allclose(table["pq"], stand_in("audiobox").audio(torch.stack(heard_by)).ratings[:, 3], rtol=1e-4)
    levels = np.stack([measure_levels(s.samples, s.sample_rate, SECONDS) for s in generated])
    np.testing.assert_allclose(table[["loudness", "true_peak", "silence_share"]], levels)
    films = [
        media.read_video(sample.target_video, fps=25, seconds=SECONDS) for sample in tiny.benchmark.samples("inter")
    ]
    peaks = [flow_peaks(np.stack([short_side(frame.transpose(1, 2, 0)) for frame in film])) for film in films]
    times = [onset_times(s.samples, s.sample_rate, SECONDS) for s in generated]
    np.testing.assert_allclose(table["av_align"], av_align(times, peaks))
    both = [record.metrics[f"kad_{which}_bandwidth"].value for which in ("generated", "reference")]
    assert (both[0], both[1] == both[0]) == (record.metrics["kad"].value, False)
    assert np.nanmean(expected.accuracy) > 0
    assert record.metrics["inception_score_passt"].reason == "needs 10 samples, there are 4"


def test_the_other_columns_do_not_depend_on_the_extended_ones(run, tiny, weights, networks, tmp_path):
    plain = scored(run, tiny, weights, tmp_path, extended=False)
    assert "vggish" not in networks
    assert "passt" not in networks
    assert set(plain.metrics) == {metric.name for metric in list_metrics()}
    networks.clear()
    more = scored(run, tiny, weights, tmp_path, extended=True)
    assert set(networks) == set(EXTENDED_METRICS)  # the features of the others are kept
    assert {name: value for name, value in more.metrics.items() if name not in ADDED} == plain.metrics
    assert (plain.scoring.extended, more.scoring.extended) == (False, True)
    without_weights = {"onset", "av_onset", "levels", "flow", "silero"}  # the last brings its own
    assert more.scoring.backbones.keys() - plain.scoring.backbones.keys() == {*EXTENDED_METRICS, *without_weights}


def test_extended_and_plain_runs_stand_in_one_table(run, tiny, weights, networks, tmp_path):
    from benchmark.report.results import collect
    from benchmark.report.tables.table import build_table

    other = generate(tiny.path, "oracle", subset="inter", runs=tmp_path / "runs")
    scored(run, tiny, weights, tmp_path, extended=True)
    scored(other, tiny, weights, tmp_path, extended=False)
    table = build_table(collect([run, other]), breadth="full")
    place = [column.metric.name for column in table.columns].index("fd_passt")
    cells = {line.label: line.cells[place] for block in table.blocks for line in block.lines}
    assert cells["mixture"].value is not None
    assert (cells["oracle"].value, cells["oracle"].reason) == (None, "not scored")
    assert table.groups[-1][0] == "Extended"


def test_missing_weights_of_the_extended_metrics_are_named(weights):
    (weights / CHECKPOINTS["passt"].filename).unlink()
    PaperProfile(weights_dir=weights, allow_unverified=True)
    with pytest.raises(MissingCheckpoint, match="FD-PaSST, IS-PaSST, KL-PaSST"):
        PaperProfile(weights_dir=weights, allow_unverified=True, extended=True)


def test_profile_signal_scores_what_needs_no_weights_and_says_why_the_rest_is_not_there(run, tiny, tmp_path):
    choices = Choices(profile="signal", resamples=40, extended=True)
    record = evaluate(run, tiny.path, choices, cache=tmp_path / "cache", workers=0)
    assert set(record.metrics) == {metric.name for metric in list_metrics(extended=True)}
    for name in ("onset_accuracy", "loudness", "av_align", "kad_reference_bandwidth"):
        assert record.metrics[name].value is not None, name
    assert record.metrics["pq"].reason == "profile signal has no counterpart"
    assert record.metrics["fd_passt"].reason == "profile signal has no counterpart"
    assert record.scoring.backbones["onset"].startswith("v")


def test_the_command_line_scores_extended_metrics_where_asked(
    command, run, tiny, weights, networks, tmp_path, monkeypatch
):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(weights))
    asked = ("--benchmark", tiny.path, "--profile", "paper", "--allow-unverified", "--device", "cpu", "--workers", 0)
    done = command("evaluate", run.path, *asked, "--resamples", 40, "--extended")
    assert done.status == 0, done.err
    assert run.read_metrics().metrics["fd_passt"].value is not None


@pytest.mark.slow  # writes 0.6 GB and runs both networks at full size
def test_real_networks_from_official_files_give_every_extended_column(
    run, tiny, weights, networks, tmp_path, monkeypatch
):
    from support.checkpoint_files import write_checkpoint

    for name in EXTENDED_METRICS:
        write_checkpoint(name, weights)
    monkeypatch.setattr(
        "benchmark.profiles.networks.load_backbone",
        lambda name, **options: (load_backbone if name in EXTENDED_METRICS else stand_in)(name, **options),
    )
    record = scored(run, tiny, weights, tmp_path, extended=True)
    for name in ADDED:
        if name.startswith("leakage_"):  # these prompts are in no table of what a prompt asks for
            assert record.metrics[name].reason == "no prompt is known not to ask for it"
        elif name != "inception_score_passt" and not name.startswith("judge_"):  # ten samples; a program of its own
            assert record.metrics[name].value is not None, name
    kept = {one.extractor: one for one in kept_below(tmp_path / "cache")}
    assert kept["vggish.audio"].arrays["embedding"].shape == (5, 128)
    assert kept["passt.audio"].arrays["logits"].shape == (527,)
