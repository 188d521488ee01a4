"""Every public function shows how it is called, and what it shows is so."""

import doctest
from importlib import import_module

import pytest

import metrics
from foundation.names import load
from metrics.registry import list_metrics

METRICS = {metric.target for metric in list_metrics(extended=True)}
FUNCTIONS = [
    *sorted(METRICS),
    "benchmark.folders:score_folders",
    "metrics.selectivity:selectivity",
    "metrics.streaming.of_samples:ClapScore",
    "metrics.streaming.of_samples:DeSync",
    "metrics.streaming.of_samples:KLDivergence",
    "metrics.streaming.of_sets:FrechetAudioDistance",
    "metrics.streaming.of_sets:InceptionScore",
    "metrics.streaming.of_sets:KernelAudioDistance",
    "metrics.uncertainty.bootstrap:bootstrap_mean",
    "metrics.uncertainty.bootstrap:bootstrap_score",
    "metrics.uncertainty.bootstrap:bootstrap_set_statistic",
    "metrics.uncertainty.set_difference:set_difference",
    "metrics.uncertainty.significance:holm",
    "metrics.uncertainty.significance:paired_difference",
    "vgg_monoaudio.dataset:load_benchmark",
    "vgg_monoaudio.pairing:exhaustive_pairs",
    "vgg_monoaudio.pairing:filter_intra_class",
    "vgg_monoaudio.pairing:sample_inter_class",
    "baselines.registry:load_model",
]
MODULES = sorted({target.partition(":")[0] for target in FUNCTIONS})


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_public_function_shows_an_example(target):
    assert ">>> " in load(target).__doc__


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0  # pytest shows what was expected and what came


def test_what_the_package_of_metrics_offers_is_among_them():
    shown = {load(target) for target in FUNCTIONS}
    assert {getattr(metrics, name) for name in metrics.__all__} <= shown
