"""Scoring: every metric has its row, with a value, an interval and a count, or with the reason why not."""

import zlib

import numpy as np
import pytest

from benchmark.evidence import count_samples, taken
from benchmark.runs import ScoringRecord
from benchmark.scoring import score
from metrics.registry import list_metrics

N = 24
SETTINGS = ScoringRecord(
    profile="paper", reference_video="target", bandwidth_from="generated", resample_by="source", resamples=200,
    bootstrap_seed=0, backbones={},
)  # fmt: skip
EXTENDED = SETTINGS.model_copy(update={"extended": True})


def rows_of(name):
    """Random rows of 24 samples; each feature has a width of its own, so that no mix-up goes unnoticed."""
    random, feature = np.random.default_rng(zlib.crc32(name.encode())), name.partition(".")[2]
    if feature == "offset_logits":
        return random.normal(size=(N, 2, 21))
    if feature == "onset_seconds":  # samples 3 and 7 have none
        return [np.sort(random.uniform(0, 8, size=0 if k in (3, 7) else 4)) for k in range(N)]
    if feature == "onsets":
        return [np.sort(random.uniform(0, 8, size=(3, 3)) * [22_050, 0.1, 0.1], axis=0) for _ in range(N)]
    if feature == "vggish":
        return random.normal(size=(N, 4, 3))
    if feature in ("onset_times", "flow_peaks"):
        return [np.sort(random.uniform(0, 8, size=40)) for _ in range(N)]
    if feature == "levels":
        return random.uniform(0, 1, size=(N, 3))
    if feature == "aesthetics":
        return random.uniform(1, 10, size=(N, 4))
    if feature == "speech_share" or feature.startswith("judge_"):
        return random.uniform(0, 1, size=N)
    if feature == "unasked_speech":
        return np.arange(N) % 6 != 0
    if feature in ("unasked_music", "unasked_sources"):
        return random.uniform(size=(N, rows_of("generated.logits").shape[1])) < 0.5
    features = sorted({name.partition(".")[2] for name in taken(list_metrics(extended=True))})
    return random.normal(size=(N, 4 + features.index(feature)))


@pytest.fixture
def evidence():
    """Random evidence of everything that a metric takes which is always scored."""
    return {name: rows_of(name) for name in sorted(taken(list_metrics()))}


@pytest.fixture
def extended():
    """The same with what the extended metrics take."""
    return {name: rows_of(name) for name in sorted(taken(list_metrics(extended=True)))}


@pytest.fixture
def groups():
    """Two clips per sample, of twelve."""
    return np.array([[f"clip{k % 12}", f"clip{(5 * k + 1) % 12}"] for k in range(N)], dtype=object)


def first(evidence, count):
    """The same evidence of the first samples alone."""
    return {name: rows[:count] for name, rows in evidence.items()}


def test_every_metric_of_the_registry_has_its_row_with_unit_and_direction(evidence, groups):
    scores = score(evidence, groups, SETTINGS)
    assert list(scores.values) == [metric.name for metric in list_metrics()]
    for metric in list_metrics():
        row = scores.values[metric.name]
        assert (row.unit, row.better, row.version, row.n) == (metric.unit, metric.better, metric.version, N)
        assert row.value is not None


def test_metrics_are_given_what_they_measure(evidence, groups):
    """Each against the function itself, called by hand with the arguments in the documented order."""
    import metrics
    from metrics.selectivity import audio_selectivity, class_selectivity, text_selectivity

    values = score(evidence, groups, SETTINGS).values
    e = evidence
    text = text_selectivity(e["prompt.clap"], e["paired_label.clap"], e["generated.clap"])
    audio = audio_selectivity(e["target.clap"], e["paired.clap"], e["generated.clap"])
    classes = class_selectivity(e["target.logits"], e["paired.logits"], e["generated.logits"])
    expected = {
        "fad": metrics.frechet_audio_distance(e["target.embedding"], e["generated.embedding"]),
        "kad": metrics.kernel_audio_distance(e["target.kad_embedding"], e["generated.kad_embedding"]),
        "inception_score": metrics.inception_score(e["generated.logits"])[0],
        "kl": metrics.kl_divergence(e["target.logits"], e["generated.logits"]).mean(),
        "clap": metrics.clap_score(e["prompt.clap"], e["generated.clap"]).mean(),
        "imagebind": metrics.imagebind_score(e["video.imagebind"], e["generated.imagebind"]).mean(),
        "desync": metrics.desync(e["pair.offset_logits"]).mean(),
        "text_win_rate": text.win.mean(),
        "text_margin": text.margin.mean(),
        "audio_win_rate": audio.win.mean(),
        "audio_margin": audio.margin.mean(),
        "class_win_rate": classes.win.mean(),
        "class_margin": classes.margin.mean(),
    }
    assert {name: values[name].value for name in expected} == pytest.approx(expected, rel=1e-12)
    assert values["inception_score"].standard_deviation == metrics.inception_score(e["generated.logits"])[1]


def test_kad_takes_its_own_embedding_and_its_bandwidth_from_the_set_asked_for(evidence, groups):
    from metrics import kernel_audio_distance
    from metrics.kad import ResampledKernel
    from metrics.uncertainty.bootstrap import bootstrap_score

    shared = evidence | {f"{who}.kad_embedding": evidence[f"{who}.embedding"] for who in ("target", "generated")}
    given = {"own": evidence, "shared": shared}
    rows = {
        (kind, source): score(given[kind], groups, SETTINGS.model_copy(update={"bandwidth_from": source})).values["kad"]
        for kind in given
        for source in ("generated", "reference")
    }
    assert len({row.value for row in rows.values()}) == len({row.ci95 for row in rows.values()}) == 4
    for (kind, source), row in rows.items():
        pair = [given[kind][f"{who}.kad_embedding"] for who in ("target", "generated")]
        assert row.value == pytest.approx(kernel_audio_distance(*pair, bandwidth_from=source), rel=1e-12)
        scorer = ResampledKernel(*pair, bandwidth_from=source)
        interval = bootstrap_score(scorer, groups=groups, resamples=200, seed=0, level=0.95)
        assert row.ci95 == pytest.approx(interval.ends, rel=1e-12)


def test_scores_of_samples_are_columns_whose_mean_is_the_value(evidence, groups):
    scores = score(evidence, groups, SETTINGS)
    assert set(scores.columns) == {metric.name for metric in list_metrics() if metric.per == "sample"}
    for name, column in scores.columns.items():
        assert column.shape == (N,)
        assert scores.values[name].value == pytest.approx(column.mean(), rel=1e-12)


def test_every_value_lies_in_its_interval_and_set_wise_ones_have_one_too(evidence, groups):
    values = score(evidence, groups, SETTINGS).values
    without = {name for name, row in values.items() if row.ci95 is None}
    assert without == {metric.name for metric in list_metrics() if metric.per == "set" and not metric.resampler}
    assert "fad_infinity" in without
    for row in values.values():
        if row.ci95 is not None:
            low, high = row.ci95
            assert low <= row.value <= high
            assert low < high
            assert row.reason is None


def test_intervals_are_drawn_by_source_where_groups_are_given(evidence, groups):
    by_source = score(evidence, groups, SETTINGS).values
    by_sample = score(evidence, None, SETTINGS).values
    other = score(evidence, groups[::-1], SETTINGS).values
    for name in ("fad", "kad", "inception_score", "kl", "clap"):
        assert by_source[name].value == by_sample[name].value == other[name].value
        assert len({by_source[name].ci95, by_sample[name].ci95, other[name].ci95}) == 3


def test_intervals_follow_from_the_seed(evidence, groups):
    once, again = (score(evidence, groups, SETTINGS).values for _ in range(2))
    other = score(evidence, groups, SETTINGS.model_copy(update={"bootstrap_seed": 1})).values
    assert once == again
    assert once["kl"].ci95 != other["kl"].ci95


def test_a_metric_without_its_backbone_has_a_reason_in_place_of_a_value(evidence, groups):
    blind = {name: rows for name, rows in evidence.items() if not name.endswith(".imagebind")}
    scores = score(blind, groups, SETTINGS.model_copy(update={"profile": "signal"}))
    row = scores.values["imagebind"]
    assert (row.value, row.ci95, row.n, row.reason) == (None, None, N, "profile signal has no counterpart")
    assert "imagebind" not in scores.columns
    full = score(evidence, groups, SETTINGS).values
    assert {**scores.values, "imagebind": full["imagebind"]} == full


@pytest.mark.parametrize("count", [1, 2, 9, 10, 19, 20])
def test_a_metric_that_needs_more_samples_has_a_reason_in_place_of_a_value(evidence, groups, count):
    values = score(first(evidence, count), groups[:count], SETTINGS).values
    for metric in list_metrics():
        row = values[metric.name]
        assert row.n == count
        if count < metric.minimum_samples:
            reason = f"needs {metric.minimum_samples} samples, there are {count}"
            assert (row.value, row.ci95, row.reason) == (None, None, reason)
        else:
            assert row.value is not None


def test_an_interval_that_cannot_be_estimated_says_why(evidence, groups):
    row = score(first(evidence, 2), groups[:2], SETTINGS).values["kl"]  # three clips
    assert row.value is not None
    assert row.ci95 is None
    assert row.reason == "no interval: 3 groups cannot support a 95 % interval"


def test_a_score_that_is_not_finite_is_no_value(evidence, groups, monkeypatch):
    monkeypatch.setattr("metrics.fad.frechet_audio_distance", lambda reference, generated: float("nan"))
    row = score(evidence, groups, SETTINGS).values["fad"]
    assert (row.value, row.ci95, row.reason) == (None, None, "the score is not finite (nan)")


def test_extended_metrics_have_rows_only_when_asked_for(extended, evidence, groups):
    plain, more = score(extended, groups, SETTINGS), score(extended, groups, EXTENDED)
    assert list(plain.values) == [metric.name for metric in list_metrics()]
    assert list(more.values) == [metric.name for metric in list_metrics(extended=True)]
    assert (
        {name: more.values[name] for name in plain.values} == plain.values == score(evidence, groups, SETTINGS).values
    )
    for name in more.values.keys() - plain.values.keys():
        low, high = more.values[name].ci95
        assert low <= more.values[name].value <= high


def test_extended_metrics_are_given_what_their_names_say(extended, groups):
    from metrics import frechet_audio_distance, inception_score, kl_divergence
    from metrics.onset import onset_scores

    e, values = extended, score(extended, groups, EXTENDED).values
    rows = (e["target.vggish"].reshape(-1, 3), e["generated.vggish"].reshape(-1, 3))
    assert values["fd_vggish"].value == pytest.approx(frechet_audio_distance(*rows))
    assert values["fd_passt"].value == pytest.approx(frechet_audio_distance(e["target.passt"], e["generated.passt"]))
    mean, deviation = inception_score(e["generated.passt_logits"])
    row = values["inception_score_passt"]
    assert (row.value, row.standard_deviation) == pytest.approx((mean, deviation))
    logits = (e["target.passt_logits"], e["generated.passt_logits"])
    assert values["kl_passt"].value == pytest.approx(kl_divergence(*logits).mean())
    onsets = onset_scores(e["target.onset_seconds"], e["generated.onsets"])
    assert values["onset_accuracy"].value == pytest.approx(np.nanmean(onsets.accuracy))
    assert values["onset_average_precision"].value == pytest.approx(np.nanmean(onsets.average_precision))


def test_samples_without_a_score_are_left_out_and_counted(extended, groups):
    scores = score(extended, groups, EXTENDED)
    assert scores.values["onset_accuracy"].n == N - 2
    assert np.flatnonzero(np.isnan(scores.columns["onset_accuracy"])).tolist() == [3, 7]
    silent = extended | {"target.onset_seconds": [np.zeros(0)] * N}
    row = score(silent, groups, EXTENDED).values["onset_accuracy"]
    assert (row.value, row.n, row.reason) == (None, 0, "no sample has this score")


def test_the_examples_of_a_file_are_resampled_together(extended, groups):
    # The same examples four times over say no more than once: the interval must not shrink.
    one = {name: extended[name][:, :1] for name in ("target.vggish", "generated.vggish")}
    four = {name: np.repeat(array, 4, axis=1) for name, array in one.items()}
    widths = []
    for arrays in (one, four):
        low, high = score(extended | arrays, None, EXTENDED).values["fd_vggish"].ci95
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.1)  # divisors n - 1 and 4 n - 1 differ a little


def test_extended_metrics_without_evidence_say_so(evidence, groups):
    assert score(evidence, groups, EXTENDED).values["fd_passt"].reason == "profile paper has no counterpart"


def test_where_none_of_what_was_asked_for_is_there_each_metric_says_why():
    settings = SETTINGS.model_copy(update={"metrics": ("judge_recall",)})
    found = score({}, None, settings, absent={"pair.judge_recall": "no judge"})
    assert (found.values["judge_recall"].reason, found.values["judge_recall"].n, found.columns) == ("no judge", 0, {})
    with pytest.raises(ValueError, match="expected at least one array, got none"):
        score({}, None, settings)


def test_evidence_that_no_metric_takes_is_refused_with_what_was_meant(evidence):
    with pytest.raises(ValueError, match=r'no metric takes "generated\.embeding"; did you mean generated\.embedding'):
        count_samples({"generated.embeding": evidence["generated.embedding"]})
    with pytest.raises(ValueError, match="expected at least one array, got none"):
        count_samples({})


def test_evidence_of_different_numbers_of_samples_is_refused(evidence, groups):
    assert count_samples(evidence) == N
    short = evidence | {"generated.logits": evidence["generated.logits"][1:]}
    with pytest.raises(ValueError, match=r"one row per sample, got 24 of .* and 23 of generated\.logits"):
        score(short, groups, SETTINGS)
