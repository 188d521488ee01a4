"""Scoring: every metric has its row, with a value, an interval and a count, or with the reason why not."""

from dataclasses import fields, replace

import numpy as np
import pytest

from benchmark.runs import ScoringRecord
from benchmark.scoring import Evidence, ExtendedEvidence, score
from metrics.registry import list_metrics

N, CLASSES = 24, 6
SETTINGS = ScoringRecord(
    profile="paper", reference_video="target", bandwidth_from="generated", resample_by="source", resamples=200,
    bootstrap_seed=0, backbones={},
)  # fmt: skip


@pytest.fixture
def evidence():
    """Random evidence of 24 samples, each kind of its own width, so that no mix-up goes unnoticed."""
    random = np.random.default_rng(11)
    widths = {
        "reference_embedding": 5, "generated_embedding": 5, "reference_kad_embedding": 4, "generated_kad_embedding": 4,
        "reference_logits": CLASSES, "paired_logits": CLASSES, "generated_logits": CLASSES,
        "target_text": 7, "paired_text": 7, "generated_text_space": 7, "target_audio": 7, "paired_audio": 7,
        "video": 8, "generated_video_space": 8,
    }  # fmt: skip
    assert {field.name for field in fields(Evidence)} == {*widths, "offset_logits", "extended"}
    return Evidence(
        **{name: random.normal(size=(N, width)) for name, width in widths.items()},
        offset_logits=random.normal(size=(N, 2, 21)),
    )


EXTENDED = SETTINGS.model_copy(update={"extended": True})


@pytest.fixture
def extended(evidence):
    """The same with evidence for the extended metrics; samples 3 and 7 have no reference onsets."""
    random = np.random.default_rng(12)
    shapes = {
        "reference_vggish": (N, 4, 3), "generated_vggish": (N, 4, 3), "reference_passt": (N, 5),
        "generated_passt": (N, 5), "reference_passt_logits": (N, 6), "generated_passt_logits": (N, 6),
    }  # fmt: skip
    arrays = {name: random.normal(size=shape) for name, shape in shapes.items()}
    heard = [random.uniform(0, 8, size=0 if k in (3, 7) else 4) for k in range(N)]
    found = [np.sort(random.uniform(0, 8, size=(3, 3)) * [22_050, 0.1, 0.1], axis=0) for _ in range(N)]
    return replace(evidence, extended=ExtendedEvidence(**arrays, reference_onsets=heard, generated_onsets=found))


@pytest.fixture
def groups():
    """Two clips a sample, of twelve."""
    return np.array([[f"clip{k % 12}", f"clip{(5 * k + 1) % 12}"] for k in range(N)], dtype=object)


def first(evidence, count):
    """The same evidence of the first samples alone."""
    there = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    return replace(evidence, **{name: rows[:count] for name, rows in there.items() if rows is not None})


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
    text = text_selectivity(e.target_text, e.paired_text, e.generated_text_space)
    audio = audio_selectivity(e.target_audio, e.paired_audio, e.generated_text_space)
    classes = class_selectivity(e.reference_logits, e.paired_logits, e.generated_logits)
    expected = {
        "fad": metrics.frechet_audio_distance(e.reference_embedding, e.generated_embedding),
        "kad": metrics.kernel_audio_distance(e.reference_kad_embedding, e.generated_kad_embedding),
        "inception_score": metrics.inception_score(e.generated_logits)[0],
        "kl": metrics.kl_divergence(e.reference_logits, e.generated_logits).mean(),
        "clap": metrics.clap_score(e.target_text, e.generated_text_space).mean(),
        "imagebind": metrics.imagebind_score(e.video, e.generated_video_space).mean(),
        "desync": metrics.desync(e.offset_logits).mean(),
        "text_win_rate": text.win.mean(),
        "text_margin": text.margin.mean(),
        "audio_win_rate": audio.win.mean(),
        "audio_margin": audio.margin.mean(),
        "class_win_rate": classes.win.mean(),
        "class_margin": classes.margin.mean(),
    }
    assert {name: values[name].value for name in expected} == pytest.approx(expected, rel=1e-12)
    assert values["inception_score"].standard_deviation == metrics.inception_score(e.generated_logits)[1]


def test_kad_takes_its_own_embedding_where_there_is_one_and_its_bandwidth_from_the_set_asked_for(evidence, groups):
    from metrics import kernel_audio_distance
    from metrics.uncertainty import bootstrap

    shared = replace(evidence, reference_kad_embedding=None, generated_kad_embedding=None)
    rows = {
        (own, source): score(given, groups, SETTINGS.model_copy(update={"bandwidth_from": source})).values["kad"]
        for own, given in ((True, evidence), (False, shared))
        for source in ("generated", "reference")
    }
    assert len({row.value for row in rows.values()}) == len({row.ci95 for row in rows.values()}) == 4
    e = evidence
    pairs = {
        True: (e.reference_kad_embedding, e.generated_kad_embedding),
        False: (e.reference_embedding, e.generated_embedding),
    }
    for (own, source), row in rows.items():
        assert row.value == pytest.approx(kernel_audio_distance(*pairs[own], bandwidth_from=source), rel=1e-12)
        interval = bootstrap.bootstrap_kernel(
            *pairs[own], bandwidth_from=source, groups=groups, resamples=200, seed=0, level=0.95
        )
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
    assert without == {"fad_infinity"}
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
    blind = replace(evidence, video=None, generated_video_space=None)
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

    more, values = extended.extended, score(extended, groups, EXTENDED).values
    rows = (more.reference_vggish.reshape(-1, 3), more.generated_vggish.reshape(-1, 3))
    assert values["fd_vggish"].value == pytest.approx(frechet_audio_distance(*rows))
    assert values["fd_passt"].value == pytest.approx(frechet_audio_distance(more.reference_passt, more.generated_passt))
    mean, deviation = inception_score(more.generated_passt_logits)
    row = values["inception_score_passt"]
    assert (row.value, row.standard_deviation) == pytest.approx((mean, deviation))
    logits = (more.reference_passt_logits, more.generated_passt_logits)
    assert values["kl_passt"].value == pytest.approx(kl_divergence(*logits).mean())
    onsets = onset_scores(more.reference_onsets, more.generated_onsets)
    assert values["onset_accuracy"].value == pytest.approx(np.nanmean(onsets.accuracy))
    assert values["onset_average_precision"].value == pytest.approx(np.nanmean(onsets.average_precision))


def test_samples_without_a_score_are_left_out_and_counted(extended, groups):
    scores = score(extended, groups, EXTENDED)
    assert scores.values["onset_accuracy"].n == N - 2
    assert np.flatnonzero(np.isnan(scores.columns["onset_accuracy"])).tolist() == [3, 7]
    nobody = replace(extended, extended=replace(extended.extended, reference_onsets=[np.zeros(0)] * N))
    row = score(nobody, groups, EXTENDED).values["onset_accuracy"]
    assert (row.value, row.n, row.reason) == (None, 0, "no sample has this score")


def test_the_examples_of_a_file_are_resampled_together(extended, groups):
    # The same examples four times over say no more than once: the interval must not shrink.
    one = {name: getattr(extended.extended, name)[:, :1] for name in ("reference_vggish", "generated_vggish")}
    four = {name: np.repeat(array, 4, axis=1) for name, array in one.items()}
    widths = []
    for arrays in (one, four):
        low, high = score(
            replace(extended, extended=replace(extended.extended, **arrays)), None, EXTENDED
        ).values["fd_vggish"].ci95  # fmt: skip
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.1)  # divisors n - 1 and 4 n - 1 differ a little


def test_extended_metrics_without_evidence_say_so(evidence, groups):
    assert score(evidence, groups, EXTENDED).values["fd_passt"].reason == "profile paper has no counterpart"
