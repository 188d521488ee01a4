import pytest

from benchmark.report import MixedRuns, collect
from benchmark.report.results import Results
from benchmark.runs import ControlRecord, RunDirectory, UnusableRun


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"benchmark": "other"}, "their benchmark differs", id="benchmark"),
        pytest.param({"version": "2.0"}, "their benchmark version differs", id="version"),
        pytest.param({"fingerprint": "another"}, "their manifest of subset inter differs", id="manifest"),
        pytest.param({"profile": "paper"}, "their profile differs", id="profile"),
        pytest.param({"reference_video": "composed"}, "their reference video differs", id="reference video"),
        pytest.param({"bandwidth_from": "reference"}, "KAD its bandwidth differs", id="bandwidth"),
        pytest.param({"frame_rule": "drop"}, "their frame rule differs", id="frame rule"),
        pytest.param({"resample_by": "sample"}, "their unit of resampling differs", id="resampling"),
        pytest.param({"backbones": {"signal": "v2"}}, "their backbone signal differs", id="backbone"),
        pytest.param({"metric_version": 2}, "their definition of metric fad differs", id="metric"),
    ],
)
def test_runs_whose_numbers_cannot_be_compared_are_refused_by_name(world, tmp_path, change, message):
    one = world.write_run(tmp_path / "a", "oracle")
    two = world.write_run(tmp_path / "b", "tiny-foley", "inter", world.Settings(**change))
    with pytest.raises(MixedRuns, match=message) as refusal:
        collect([one, two])
    assert str(one.path) in str(refusal.value)
    assert str(two.path) in str(refusal.value)


def test_answers_of_two_definitions_of_a_control_do_not_share_a_table(world, tmp_path):
    first, second = world.write_run(tmp_path, "noise", "inter"), world.write_run(tmp_path, "noise", "intra")
    assert len(collect([first, second]).rows) == 2
    for record in (second.read_run(), second.read_metrics()):
        later = ControlRecord(**record.model.model_dump(), definition="2")
        second.write(record.model_copy(update={"model": later}))
    assert isinstance(second.read_metrics().model, ControlRecord)
    with pytest.raises(MixedRuns, match="their definition of control noise differs") as refusal:
        collect([first, second])
    assert f"1: {first.path}" in str(refusal.value)
    assert len(collect([second, world.write_run(tmp_path, "oracle", "inter")]).rows) == 2  # of which there is one


def test_a_refusal_says_how_to_report_apart(world, tmp_path):
    runs = [
        world.write_run(tmp_path, "oracle"),
        world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(profile="paper")),
    ]
    with pytest.raises(MixedRuns, match="report them separately, for example with --profile signal"):
        collect(runs)


@pytest.mark.parametrize("profiles", [("open", "paper"), ("signal", "open")])
def test_runs_of_two_profiles_are_refused_with_the_reason(world, tmp_path, profiles):
    one, two = (
        world.write_run(tmp_path / profile, "oracle", "inter", world.Settings(profile=profile, backbones={}))
        for profile in profiles
    )
    with pytest.raises(MixedRuns) as refusal:
        collect([one, two])
    assert str(refusal.value).splitlines() == [
        "these runs cannot share a table, their profile differs:",
        f"  {profiles[0]}: {one.path}",
        f"  {profiles[1]}: {two.path}",
        "each profile has networks of its own, so one column has other numbers in each",
        f"report them separately, for example with --profile {profiles[0]}",
    ]


@pytest.mark.parametrize("version", ["2.0", "2.0+reserves.1a2b3c4d"])
def test_runs_on_two_versions_of_a_benchmark_are_each_read_and_never_joined(world, tmp_path, version):
    earlier, later = (world.write_run(tmp_path / place, model) for place, model in (("a", "oracle"), ("b", "noise")))
    record = later.read_metrics()
    later.write(record.model_copy(update={"benchmark": record.benchmark.model_copy(update={"version": version})}))
    for run in (earlier, later):
        assert len(collect([run]).rows) == 1
    with pytest.raises(MixedRuns, match=r"their benchmark version differs:\n  1\.0: .*\n  2\.0"):
        collect([earlier, later])


def test_the_two_subsets_may_have_different_manifests(world, tmp_path):
    results = collect([world.write_run(tmp_path, "oracle", subset) for subset in ("intra", "inter")])
    assert results.subsets == ("inter", "intra")
    assert results.benchmarks["inter"].samples == 5
    assert results.benchmarks["intra"].samples == 2


def test_models_come_before_controls_and_controls_in_the_order_of_the_registry(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("noise", "tiny-foley", "oracle")]
    assert [row.model for row in collect(runs).rows] == ["tiny-foley", "oracle", "noise"]


def test_runs_of_one_name_are_told_apart_by_the_options_in_which_they_differ(world, tmp_path):
    options = [{"steps": 25, "num_sup_tokens": count} for count in (0, 5)]
    runs = [
        world.write_run(tmp_path / str(place), "selva", "inter", world.Settings(options=option))
        for place, option in enumerate(options)
    ]
    assert [row.model for row in collect(runs).rows] == ["selva (num_sup_tokens=0)", "selva (num_sup_tokens=5)"]


def test_a_run_goes_by_the_name_that_its_directory_was_given(world, tmp_path):
    run = world.write_run(tmp_path, "recorded", folder="our-model-v2")
    assert [row.model for row in collect([run]).rows] == ["our-model-v2"]
    moved = RunDirectory(run.path.rename(tmp_path / "downloads"))
    assert [row.model for row in collect([moved]).rows] == ["recorded"]


def test_a_run_whose_folder_is_made_of_the_model_s_name_goes_by_the_name_as_registered(world, tmp_path):
    run = world.write_run(tmp_path, "team/net:2", folder="team-net-2")
    (row,) = collect([run]).rows
    assert (row.model, row.key) == ("team/net:2", "team-net-2")


def test_options_that_differ_only_between_subsets_do_not_split_a_model(world, tmp_path):
    runs = [
        world.write_run(tmp_path, "recorded", subset, world.Settings(options={"folder": f"answers/{subset}"}))
        for subset in ("inter", "intra")
    ]
    assert {row.model for row in collect(runs).rows} == {"recorded"}


def test_the_same_model_twice_is_refused_with_both_paths(world, tmp_path):
    runs = [world.write_run(tmp_path / name, "tiny-foley") for name in ("first", "second")]
    with pytest.raises(MixedRuns, match="tiny-foley appears twice on subset inter") as refusal:
        collect(runs)
    assert all(str(run.path) in str(refusal.value) for run in runs)


def test_a_run_that_was_not_scored_is_refused_by_path(tmp_path):
    with pytest.raises(UnusableRun, match=r"metrics\.json: no such file"):
        collect([RunDirectory(tmp_path / "nothing")])


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match="at least one finished run"):
        collect([])


def test_results_can_be_narrowed_to_some_models_and_to_a_subset(world, tmp_path):
    runs = [world.write_run(tmp_path, model, subset) for model in ("oracle", "noise") for subset in ("inter", "intra")]
    results = collect(runs)
    assert [row.model for row in results.of("intra")] == ["oracle", "noise"]
    assert {row.model for row in results.only({"noise"}).rows} == {"noise"}
    assert results.only({"noise"}).scoring == results.scoring


def test_results_without_runs_have_the_name_of_the_paper_s_benchmark(world, tmp_path):
    assert Results((), {}, None).name == "vgg-monoaudio"
    assert collect([world.write_run(tmp_path, "oracle")]).name == "demo"


@pytest.mark.parametrize(
    ("folder", "key"),
    [
        ("our model (v2)", "our-model--v2"),
        ("selva_s.16k", "selva_s.16k"),
        ("Geräusch", "Geräusch"),
        (".hidden", "hidden"),
    ],
)
def test_a_key_is_safe_in_a_path_and_in_an_address(world, tmp_path, folder, key):
    (row,) = collect([world.write_run(tmp_path, "tiny-foley", folder=folder)]).rows
    assert (row.model, row.key) == (folder, key)


@pytest.mark.parametrize(
    ("change", "partial", "ranked"),
    [({}, False, True), ({"failed": (0,)}, True, False), ({"untrained": True}, False, False)],
)
def test_only_trained_models_scored_on_every_sample_are_ranked(world, tmp_path, change, partial, ranked):
    (row,) = collect([world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(**change))]).rows
    assert (row.partial, row.ranked) == (partial, ranked)
    (control,) = collect([world.write_run(tmp_path, "oracle", "inter", world.Settings(**change))]).rows
    assert not control.ranked


@pytest.mark.parametrize("settings", [{"unverified": True}, {}])
def test_weights_that_were_not_verified_are_known_from_model_or_scoring(world, tmp_path, settings):
    run = world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(**settings))
    assert collect([run]).rows[0].unverified == bool(settings)
    record = run.read_metrics()
    scoring = record.scoring.model_copy(update={"unverified_weights": True})
    run.write(record.model_copy(update={"scoring": scoring}))
    assert collect([run]).rows[0].unverified


def test_options_of_every_kind_are_shown_where_they_distinguish(world, tmp_path):
    options = [{"null_clip": True, "sizes": [1, 2]}, {"sizes": [1, 2]}, {"null_clip": None, "sizes": []}]
    runs = [
        world.write_run(tmp_path / str(place), "selva", "inter", world.Settings(options=option))
        for place, option in enumerate(options)
    ]
    assert [row.model for row in collect(runs[:2]).rows] == ["selva", "selva (null_clip=true)"]
    shown = {row.model for row in collect(runs[1:]).rows}
    assert shown == {"selva (sizes=[1, 2])", "selva (sizes=[])"}  # an option that is null is one that was not given


def test_a_refusal_names_every_value_that_was_found_with_one_run_each(world, tmp_path):
    runs = [
        world.write_run(tmp_path / name, "oracle", "inter", world.Settings(version=version))
        for name, version in (("a", "1.0"), ("b", "1.0"), ("c", "2.0"))
    ]
    with pytest.raises(MixedRuns) as refusal:
        collect(runs)
    lines = str(refusal.value).splitlines()
    assert lines[1:] == [f"  1.0: {runs[0].path}", f"  2.0: {runs[2].path}", "report them separately"]


def test_intervals_of_two_confidences_do_not_share_a_table(world, tmp_path):
    runs = [world.write_run(tmp_path / name, model) for name, model in (("a", "oracle"), ("b", "tiny-foley"))]
    record = runs[1].read_metrics()
    scoring = record.scoring.model_copy(update={"confidence": 0.9})
    runs[1].write(record.model_copy(update={"scoring": scoring}))
    with pytest.raises(MixedRuns, match="their confidence of the intervals differs"):
        collect(runs)
