import json

import pytest

from benchmark.report import MixedRuns, export_model_index
from metrics.registry import list_metrics


def test_the_export_holds_every_value_of_metrics_json(world, tmp_path):
    runs = [world.write_run(tmp_path, "tiny-foley", subset) for subset in ("inter", "intra")]
    (entry,) = export_model_index(runs)["model-index"]
    assert entry["name"] == "tiny-foley"
    assert [result["dataset"]["config"] for result in entry["results"]] == ["inter", "intra"]
    for run, result in zip(runs, entry["results"], strict=True):
        stored = run.read_metrics().metrics
        shown = {metric["type"]: metric for metric in result["metrics"]}
        assert set(shown) == {name for name, value in stored.items() if value.value is not None}
        for name, metric in shown.items():
            assert metric["value"] == stored[name].value
            assert metric["args"]["ci95"] == list(stored[name].ci95)
            assert metric["args"]["profile"] == "signal"


def test_the_export_is_read_by_the_hub_library_of_model_cards(world, tmp_path):
    hub = pytest.importorskip("huggingface_hub.repocard_data", reason="no huggingface_hub")
    name, results = hub.model_index_to_eval_results(
        json.loads(json.dumps(export_model_index([world.write_run(tmp_path, "tiny-foley")])))["model-index"]
    )
    assert name == "tiny-foley"
    assert len(results) == len([metric for metric in list_metrics() if metric.name != "imagebind"])


def test_the_export_wants_one_model_with_trained_weights(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("tiny-foley", "old-foley")]
    with pytest.raises(ValueError, match="name one of old-foley, tiny-foley"):
        export_model_index(runs)
    assert export_model_index(runs, "old-foley")["model-index"][0]["name"] == "old-foley"
    random = world.write_run(tmp_path / "r", "grand-foley", "inter", world.Settings(untrained=True))
    with pytest.raises(ValueError, match="random weights"):
        export_model_index([random])


def test_every_metric_says_how_it_was_scored_and_over_how_many_samples(world, tmp_path):
    settings = world.Settings(reference_video="composed", bandwidth_from="reference", failed=(2,))
    (entry,) = export_model_index([world.write_run(tmp_path, "tiny-foley", "inter", settings)])["model-index"]
    (result,) = entry["results"]
    assert result["dataset"]["args"] == {"version": "1.0", "samples": 5, "scored": 4}
    assert result["dataset"]["revision"] == "manifest-inter"
    kl = next(metric for metric in result["metrics"] if metric["type"] == "kl")
    assert kl["name"] == "KL (lower is better)"
    assert kl["args"] == {
        "profile": "signal",
        "reference_video": "composed",
        "bandwidth_from": "reference",
        "unit": "nat",
        "n": 4,
        "ci95": kl["args"]["ci95"],
        "definition": 1,
        "unverified_weights": False,
    }


def test_a_value_without_interval_is_exported_without_one(world, tmp_path):
    run = world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(intervals=False, unverified=True))
    (entry,) = export_model_index([run])["model-index"]
    metrics = entry["results"][0]["metrics"]
    assert {metric["args"]["ci95"] for metric in metrics} == {None}
    assert {metric["args"]["unverified_weights"] for metric in metrics} == {True}


def test_runs_whose_numbers_cannot_be_compared_are_not_exported_together(world, tmp_path):
    runs = [
        world.write_run(tmp_path / "a", "tiny-foley"),
        world.write_run(tmp_path / "b", "tiny-foley", "intra", world.Settings(profile="paper")),
    ]
    with pytest.raises(MixedRuns, match="their profile differs"):
        export_model_index(runs)


def test_a_name_that_no_run_has_is_refused_with_the_names_there_are(world, tmp_path):
    with pytest.raises(ValueError, match="model 'big-foley': name one of tiny-foley"):
        export_model_index([world.write_run(tmp_path, "tiny-foley")], "big-foley")
