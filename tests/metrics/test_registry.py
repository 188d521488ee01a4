import dataclasses
import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

import metrics
from foundation.names import load
from metrics.aesthetics import Aesthetics
from metrics.levels import SoundLevels
from metrics.onset import OnsetScores
from metrics.registry import GROUPS, chosen_metrics, get_metric, list_metrics, metric_names
from metrics.selectivity import Selectivity
from metrics.uncertainty.resampling import whole_set

PAPER_COLUMNS = ["FAD", "KAD", "IS", "KL", "CLAP", "IB", "DeSync"]
ALL = list_metrics(extended=True)
RESULTS = (Selectivity, OnsetScores, Aesthetics, SoundLevels)  # what functions with several scores return


def test_headline_metrics_are_the_columns_of_the_papers_tables_in_their_order():
    headline = list_metrics(headline=True)
    assert [row.label for row in headline] == PAPER_COLUMNS
    assert [row.better for row in headline] == ["lower", "lower", "higher", "lower", "higher", "higher", "lower"]
    assert [row.decimals for row in headline] == [1, 3, 2, 2, 3, 4, 3]
    assert "".join(row.arrow for row in headline) == "↓↓↑↓↑↑↓"


def test_groups_stand_together_in_the_order_of_the_tables():
    order = [GROUPS.index(row.group) for row in ALL]
    assert order == sorted(order)
    assert [row for group in GROUPS for row in list_metrics(group, extended=True)] == list(ALL)
    assert {*list_metrics(headline=True), *list_metrics(headline=False)} == set(list_metrics())


def test_extended_metrics_are_listed_only_when_asked_for():
    extended = [row for row in ALL if row not in list_metrics()]
    assert {row.label for row in extended} >= {"FD-VGG", "FD-PaSST", "IS-PaSST", "KL-PaSST", "Onset acc", "Onset AP"}
    assert list_metrics("Extended") == tuple(row for row in extended if row.group == "Extended")
    assert all(row.extended for row in extended)
    assert not any(row.headline for row in extended)


def test_names_and_labels_are_unique():
    rows = ALL
    assert len({row.name for row in rows}) == len({row.label for row in rows}) == len(rows)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_every_row_leads_to_a_documented_function(row):
    function = row.load()
    assert callable(function)
    assert "Raises:" in inspect.getdoc(function)
    assert row.description.endswith(".")
    assert row.field is None or any(row.field in {f.name for f in dataclasses.fields(kind)} for kind in RESULTS)
    assert get_metric(row.name) is row


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_minimum_number_of_samples_is_enough_and_one_less_is_not(row):
    shapes = {"offset_logits": (2, 21), "onsets": (5, 3), "aesthetics": (4,), "levels": (3,)}  # of one sample
    shapes |= dict.fromkeys(("speech_share", "unasked_speech"), ())
    shapes |= dict.fromkeys(("judge_recall", "judge_precision", "judge_faithfulness"), ())

    def arguments(n):
        made = []
        for place, feature in enumerate(name.partition(".")[2] for name in row.takes):
            numbers = np.sort(np.random.default_rng(place).uniform(size=(n, *shapes.get(feature, (6,)))))
            made.append(numbers > 0.5 if feature.startswith("unasked") else numbers)  # flags
        return made

    row.load()(*arguments(row.minimum_samples))
    with pytest.raises(ValueError, match=r"needs at least|cannot fill"):
        row.load()(*arguments(row.minimum_samples - 1))


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_row_names_evidence_by_whose_it_is_and_settings_that_a_record_has(row):
    from benchmark.runs import ScoringRecord

    assert row.takes
    for name in row.takes:
        assert re.fullmatch(r"(generated|target|paired|prompt|paired_label|video|pair)\.[a-z_]+", name)
    assert {*row.settings, *dict(row.fixed)} <= set(ScoringRecord.model_fields)


@pytest.mark.parametrize("row", [row for row in ALL if row.resampler], ids=lambda row: row.name)
def test_a_resampler_takes_what_the_function_takes_and_scores_the_whole_set_alike(row):
    rows = [np.random.default_rng(i).normal(size=(40, 6)) for i in range(len(row.takes))]
    scorer = load(row.resampler)(*rows, **dict(row.fixed))
    result = row.load()(*rows, **dict(row.fixed))
    value = result[0] if isinstance(result, tuple) else result
    assert scorer(whole_set(scorer.samples)) == pytest.approx([value], rel=1e-9)
    assert scorer.needs.met(whole_set(scorer.samples)).all()
    for name in (*row.settings, *dict(row.fixed)):
        assert name in inspect.signature(load(row.resampler)).parameters
        assert name in inspect.signature(row.load()).parameters
    assert row.per == "set"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("kld", "did you mean kl"), ("CLAP", "did you mean clap"), ("IS", "did you mean inception_score"),
     ("wer", "there are fad, ")],
)  # fmt: skip
def test_unknown_name_is_answered_with_what_is_close(name, hint):
    with pytest.raises(ValueError, match=f'no metric is called "{name}"; {hint}'):
        get_metric(name)


def test_metrics_are_chosen_by_name_or_label_in_the_order_of_the_tables():
    assert [row.name for row in chosen_metrics(("Onset AP", "clap", "FAD"))] == [
        "fad",
        "clap",
        "onset_average_precision",
    ]
    assert chosen_metrics() == list_metrics()
    assert chosen_metrics(extended=True) == ALL


def test_a_metric_that_is_named_twice_is_refused():
    with pytest.raises(ValueError, match='metrics: "fad" and "FAD" both mean fad; name each once'):
        metric_names(["fad", "kl", "FAD"])


def test_a_name_without_a_list_around_it_is_not_taken_for_its_letters():
    with pytest.raises(ValueError, match=r'metrics: expected a list of names, got "fad"; write \["fad"\]'):
        metric_names("fad")


def test_a_metric_that_only_describes_has_no_direction():
    row = dataclasses.replace(get_metric("kl"), better="neither")
    assert (row.arrow, row.heading, row.direction, row.sign) == ("", "KL", "", 0)
    row = get_metric("kl")
    assert (row.heading, row.direction, row.sign) == ("KL ↓", "lower is better", -1)
    assert get_metric("clap").sign == 1


def test_rows_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_metric("fad").decimals = 2


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, metrics.registry as r; r.list_metrics(); print(*sorted(m.partition('.')[0] for m in sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "scipy", "sklearn", "pandas", "transformers", "av", "matplotlib"} & set(loaded)


def test_package_offers_functions_even_where_a_module_has_the_same_name():
    code = (
        "import metrics.desync, metrics.inception_score, metrics.clap_score, metrics.imagebind_score\n"
        "import metrics\n"
        "assert all(callable(getattr(metrics, name)) for name in metrics.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    promised = {"frechet_audio_distance", "kernel_audio_distance", "inception_score", "kl_divergence"}
    assert set(metrics.__all__) >= promised | {"clap_score", "imagebind_score", "desync"}
