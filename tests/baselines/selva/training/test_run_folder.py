"""The folder of a run: what it was started with stands in it, and it goes on under the same alone."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.trained_weights import SCORED_ON, scoring

from baselines.mmaudio.weights import WeightFile
from baselines.selva.training.recipe import OPEN, read_recipe
from baselines.selva.training.run_folder import RunFolder, RunHeld
from foundation.holders import Holder
from foundation.locks import lock_path

HASHES = {"synchformer": "a" * 64, "generator": "b" * 64}


@pytest.fixture
def smoke():
    return read_recipe("smoke")


@pytest.fixture
def begun(tmp_path, smoke):
    """Begin, or go on with, one and the same run, but for what is said; it has come to its first stage each time."""

    def begin(recipe=smoke, store="s" * 64, weights=HASHES, **options):
        folder = RunFolder.begun(tmp_path / "run", recipe, store, weights, **options)
        folder.stage("encoder").path.mkdir(exist_ok=True)
        return folder

    return begin


def test_a_new_run_states_recipe_choices_store_and_weights(begun, smoke, tmp_path):
    file = WeightFile(tmp_path / "synchformer.pth", "c" * 64, verified=True)
    folder = begun(weights={"synchformer": file, "generator": "b" * 64}, clips={"train": 10, "validation": 2})
    record = json.loads((folder.path / "run.json").read_text())
    assert record["recipe"]["encoder"]["batch"] == smoke.encoder.batch
    assert record["recipe_fingerprint"] == smoke.fingerprint
    assert set(record["choices"]) == set(OPEN)
    assert record["store"] == {"fingerprint": "s" * 64, "path": None, "clips": {"train": 10, "validation": 2}}
    assert record["starting_weights"]["synchformer"] == {"sha256": "c" * 64, "verified": True, "path": str(file.path)}
    assert record["starting_weights"]["generator"] == {"sha256": "b" * 64, "verified": False, "path": None}
    assert record["stages"]["encoder"] == {"steps": smoke.encoder.steps, "step": 0, "finished": False}
    assert record["attempts"][0]["packages"]["torch"]


def test_a_run_goes_on_and_keeps_how_far_it_is(begun):
    begun().note("encoder", 4)
    again = begun(device="other")
    again.note("encoder", 8, finished=True)
    record = again.read_record()
    assert (record.stages["encoder"].step, record.stages["encoder"].finished) == (8, True)
    assert record.stages["generator"].step == 0
    assert [attempt.device for attempt in record.attempts] == ["cpu", "other"]


def test_a_run_that_came_to_no_stage_begins_anew_with_other_files(smoke, tmp_path):
    RunFolder.begun(tmp_path / "run", smoke, "s" * 64, {"video_encoder": "e" * 64})  # which turned out not to fit
    record = RunFolder.begun(tmp_path / "run", smoke, "t" * 64, HASHES).read_record()
    assert {part: file.sha256 for part, file in record.starting_weights.items()} == HASHES
    assert (record.store.fingerprint, len(record.attempts)) == ("t" * 64, 1)


def test_the_weights_of_a_stage_that_comes_later_are_added(begun):
    begun(weights={"synchformer": "a" * 64})
    record = begun(weights={"generator": "b" * 64}).read_record()
    assert {part: file.sha256 for part, file in record.starting_weights.items()} == HASHES


def test_a_recipe_may_differ_in_what_the_weights_do_not_depend_on_and_the_record_says_so(begun, smoke):
    begun()
    other = smoke.model_copy(update={"name": "mine", "checkpoint_every": 2})
    for _ in range(2):
        record = begun(recipe=other).read_record()
        assert (record.recipe, record.recipe_fingerprint) == (other, smoke.fingerprint)
        found = [(change.key, change.before, change.now) for change in record.changes]
        assert found == [("name", "smoke", "mine"), ("checkpoint_every", 4, 2)]


def longer(recipe, stage, steps):
    return recipe.model_copy(update={stage: recipe.stage(stage).model_copy(update={"steps": steps})})


def test_a_stage_that_is_given_more_steps_is_no_longer_finished(begun, smoke):
    begun().note("encoder", 8, finished=True)
    more = longer(smoke, "encoder", 20)
    record = begun(recipe=more).read_record()
    standing = record.stages["encoder"]
    assert (standing.steps, standing.step, standing.finished) == (20, 8, False)
    assert record.stages["generator"].steps == smoke.generator.steps
    assert record.recipe_fingerprint == more.fingerprint
    (change,) = record.changes
    assert (change.key, change.before, change.now, change.done) == (
        "encoder.steps", 8, 20, {"encoder": 8, "generator": 0},
    )  # fmt: skip


def test_an_encoder_that_a_generator_learns_behind_is_given_no_more_steps(begun, smoke):
    folder = begun()
    folder.note("encoder", 8, finished=True)
    folder.stage("generator").path.mkdir()
    with pytest.raises(ValueError, match=r"encoder\.steps = 8, .* go on with 20, but its generator .*; put 8 back, or"):
        begun(recipe=longer(smoke, "encoder", 20))
    assert begun(recipe=longer(smoke, "generator", 20)).read_record().stages["encoder"].finished


def test_the_record_of_a_run_that_was_begun_by_an_earlier_version_is_read(begun, smoke):
    path = begun().record_path
    record = json.loads(path.read_text())
    del record["changes"]
    path.write_text(json.dumps(record))
    assert begun().read_record().changes == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda smoke: {"recipe": smoke.model_copy(update={"seed": 7})},
            r"started with recipe: seed = 14159265, and is asked to go on with 7; put 14159265 back, or choose",
        ),
        (
            lambda smoke: {
                "recipe": smoke.model_copy(
                    update={"encoder": smoke.encoder.model_copy(update={"learning_rate": 0.5, "clip": 2.0})}
                )
            },
            r"recipe: encoder\.learning_rate = 0\.0001, and is asked to go on with 0\.5",
        ),
        (lambda _: {"store": "t" * 64}, f"store: fingerprint = {'s' * 64}, and is asked to go on with {'t' * 64}"),
        (
            lambda _: {"weights": {**HASHES, "synchformer": "d" * 64}},
            f"starting weights: synchformer = {'a' * 64}, and is asked to go on with {'d' * 64}",
        ),
        (
            lambda _: {"weights": {**HASHES, "video_encoder": "e" * 64}},
            f"starting weights: video_encoder = none, and is asked to go on with {'e' * 64}",
        ),
        (lambda _: {"untrained": True}, "random weights = False, and is asked to go on with True"),
    ],
)
def test_a_run_of_something_else_is_refused_with_the_first_thing_that_differs(begun, smoke, tmp_path, change, message):
    before = begun().record_path.read_bytes()
    with pytest.raises(ValueError, match=message):
        begun(**change(smoke))
    assert RunFolder(tmp_path / "run").record_path.read_bytes() == before


def test_a_run_with_a_video_encoder_of_ones_own_does_not_go_on_without_it(begun):
    begun(weights={"video_encoder": "e" * 64})
    with pytest.raises(ValueError, match=f"video_encoder = {'e' * 64}, and is asked to go on with none"):
        begun(weights={})


def test_a_folder_that_holds_other_things_is_refused_and_left_alone(begun, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds files, but is not a training run; choose another --out"):
        begun()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_places_are_kept_as_they_are_found_from_any_folder(smoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = {"generator": WeightFile(Path("g.pth"), "b" * 64, verified=True)}
    record = RunFolder.begun("run", smoke, "s" * 64, weights, store=Path("store")).read_record()
    assert record.store.path == str(tmp_path / "store")
    assert record.starting_weights["generator"].path == str(tmp_path / "g.pth")


def test_a_run_that_goes_on_knows_where_its_files_are_by_now(begun, tmp_path):
    for place, verified in (("old", True), ("new", False)):
        weights = {"generator": WeightFile(tmp_path / place, "b" * 64, verified)}
        record = begun(weights=weights).read_record()
    assert record.starting_weights["generator"].path == str(tmp_path / "new")
    assert record.starting_weights["generator"].verified, "the hash is the same, so it is the published one"


@pytest.mark.parametrize("file", ["run.json", "anything"])
def test_a_file_in_place_of_a_run_is_named(tmp_path, file):
    (tmp_path / file).write_text("{}")
    with pytest.raises(ValueError, match=rf"{file}: not a training run .*give the folder that `train run` wrote"):
        RunFolder.opened(tmp_path / file)


def test_a_place_without_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: not a training run \(no run\.json in it\)"):
        RunFolder.opened(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', '{"schema": 2}'])
def test_a_record_that_cannot_be_read_is_named_and_not_replaced(begun, content):
    path = begun().record_path
    path.write_text(content)
    with pytest.raises(ValueError, match=r"run\.json: not the record of a training that this version reads"):
        begun()
    assert path.read_text() == content


def test_a_second_process_is_refused_and_told_who_holds_the_run(begun):
    folder = begun()
    with folder.hold():
        assert "process" in str(folder.holder())
        second = RunFolder(folder.path).hold()
        with pytest.raises(RunHeld, match=r"run: process \d+ on .* is at work on this run; wait for its end"), second:
            pytest.fail("two processes hold one run")
    assert folder.holder() is None
    with folder.hold():
        pass


def test_a_run_whose_holder_was_killed_is_taken_over(begun):
    folder = begun()
    gone = replace(Holder.this(), process_started="before this machine was built")
    lock_path(folder.path).write_bytes(gone.written())
    assert folder.holder() is None
    with folder.hold():
        assert str(folder.holder()).startswith(f"process {os.getpid()} on {Holder.this().host} ")


def test_each_stage_has_its_own_places(begun):
    folder = begun()
    encoder, generator = folder.stage("encoder"), folder.stage("generator")
    assert encoder.curve.path == folder.path / "encoder" / "curve.jsonl"
    assert encoder.snapshots == folder.path / "encoder" / "snapshots"
    assert generator.checkpoints == folder.path / "generator" / "checkpoints"
    assert generator.tensorboard == folder.path / "generator" / "tensorboard"


def test_a_run_keeps_every_way_in_which_it_was_scored_by_its_id(begun):
    first, second = scoring(), scoring(samples=20)
    for way in (first, second, None, first):
        record = begun(scoring=way).read_record()
    assert record.scorings == {first.id: first, second.id: second}


def test_the_record_of_a_run_that_did_not_say_how_it_was_scored_is_read_and_gone_on_with(begun):
    folder = begun()
    record = json.loads(folder.record_path.read_text())
    del record["scorings"]
    folder.record_path.write_text(json.dumps(record))
    assert folder.read_record().scorings == {}
    assert begun(scoring=scoring()).read_record().scorings == {scoring().id: scoring()}


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "0" * 64},
        {"subset": "intra"},
        {"samples": 3},
        {"profile": "paper"},
        {"extended": True},
        {"seed": 1},
        {"others": {"steps": "10"}},
    ],
)
def test_another_way_of_scoring_has_another_id_and_another_line(changes):
    assert scoring(**changes).id != scoring().id
    assert scoring(**changes).line() != scoring().line() == SCORED_ON


def test_a_way_of_scoring_says_that_all_samples_are_asked_for_and_what_is_not_the_usual():
    others = {"random_weights": "True", "steps": "10"}
    line = scoring(samples=1040, profile="paper", extended=True, others=others).line()
    assert line.endswith("all 1,040 samples, profile paper with extended metrics, seed 0, random weights, steps 10")
