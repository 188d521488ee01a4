"""Where a run stands, read without touching it."""

import pytest
from support.trained_weights import SCORED_ON, scoring

from baselines.selva.training.recipe import read_recipe
from baselines.selva.training.run_folder import RunFolder
from baselines.selva.training.status import Measured, status


@pytest.fixture
def run(tmp_path):
    return RunFolder.begun(tmp_path / "run", read_recipe("sup-5"), "s" * 64, {})


def walk(run, stage="encoder", steps=200):
    """A stage that has done some steps; the loss falls by 0.001 a step, a step takes half a second."""
    curve = run.stage(stage).curve
    for step in range(1, steps + 1):
        curve.append(step, {"loss": 1 - step / 1000, "seconds": 0.5})
    return curve


def test_a_run_that_has_just_begun_has_all_steps_before_it(run):
    found = status(run.path)
    assert (found.recipe, found.holder) == ("sup-5", None)
    encoder = found.stages["encoder"]
    assert (encoder.step, encoder.steps, encoder.finished) == (0, 50_000, False)
    assert (encoder.loss, encoder.validation, encoder.hours_left, encoder.checkpoint) == (None, None, None, None)
    assert found.lines()[1:] == [
        "encoder    not begun, 50,000 steps to go",
        "generator  not begun, 25,000 steps to go",
    ]


def test_step_losses_speed_and_what_is_left_come_from_the_curve(run):
    walk(run)
    stage = status(run.path).stages["encoder"]
    assert stage.step == 200
    assert stage.loss == pytest.approx(0.8)
    assert stage.recent_loss == pytest.approx(1 - (101 + 200) / 2 / 1000)  # the mean of steps 101 to 200
    assert stage.seconds_per_step == 0.5
    assert stage.hours_left == pytest.approx(49_800 * 0.5 / 3600)


def test_what_of_the_recipe_was_changed_on_the_way_is_said_in_one_line(run):
    walk(run)
    run.note("encoder", 200)
    recipe = read_recipe("sup-5")
    longer = recipe.model_copy(
        update={"summary": "longer", "encoder": recipe.encoder.model_copy(update={"steps": 60_000})}
    )
    RunFolder.begun(run.path, longer, "s" * 64, {})
    found = status(run.path)
    assert found.lines()[1] == "recipe changed on the way: encoder.steps 50000 to 60000 at 200 + 0 steps"
    assert [change.key for change in found.changes] == ["summary", "encoder.steps"]


def test_one_long_step_does_not_move_the_speed(run):
    walk(run).append(201, {"loss": 0.5, "seconds": 900.0})
    assert status(run.path).stages["encoder"].seconds_per_step == 0.5


def test_the_last_validation_and_the_last_scores_are_shown_with_their_steps(run):
    curve = walk(run)
    curve.append(100, {"validation_loss": 0.7})
    curve.append(200, {"validation_loss": 0.6})
    curve.append(200, {"score_kl": 2.0, "score_desync": 0.7})
    stage = status(run.path).stages["encoder"]
    assert stage.validation == Measured(200, {"validation_loss": 0.6})
    assert stage.scores == Measured(200, {"kl": 2.0, "desync": 0.7})
    assert "           how it was scored is not recorded" in status(run.path).lines()
    assert "validation loss 0.6 (step 200); 0.5 s a step; 6.92 h left" in stage.line()
    assert "           scores of step 200: kl 2, desync 0.7" in status(run.path).lines()


def test_a_validation_that_failed_is_said_and_hides_no_earlier_scores(run):
    curve = walk(run)
    curve.append(100, {"score_kl": 2.0})
    curve.append(200, {"score_validation_failed": 1.0})
    stage = status(run.path).stages["encoder"]
    assert stage.scores == Measured(100, {"kl": 2.0})
    assert stage.failed_validation == 200
    said = "validation at step 200 failed; validation/encoder/step-200/validation.json says why"
    assert f"           {said}" in status(run.path).lines()
    curve.append(300, {"score_kl": 1.5})
    assert status(run.path).stages["encoder"].failed_validation is None


def test_a_stage_whose_first_step_is_not_done_yet_has_begun(run):
    run.stage("encoder").curve.append(0, {"validation_loss": 0.7})
    assert status(run.path).stages["encoder"].line().startswith("at step 0 of 50,000; validation loss 0.7 (step 0)")


@pytest.mark.parametrize(("seconds", "words"), [(0.5, "1 min left"), (36, "50 min left"), (360, "8.3 h left")])
def test_short_times_are_told_in_minutes(run, seconds, words):
    run.stage("encoder").curve.append(49_917, {"loss": 1.0, "seconds": seconds})
    assert words in status(run.path).stages["encoder"].line()


def test_only_whole_checkpoints_and_snapshots_count(run):
    walk(run)
    places = run.stage("encoder")
    for name, whole in (("step-100", True), ("step-150", False), (".step-200.x.partial", True)):
        (places.checkpoints / name).mkdir(parents=True)
        if whole:
            (places.checkpoints / name / "checkpoint.json").write_text("{}")
    places.snapshots.mkdir()
    for name in ("00000100.safetensors", "00000050.safetensors", ".00000150.safetensors.x.partial"):
        (places.snapshots / name).write_text("")
    stage = status(run.path).stages["encoder"]
    assert stage.checkpoint == 100
    assert stage.snapshots == (50, 100)
    assert "goes on from step 100" in stage.line()


def test_a_finished_stage_says_so(run):
    run.note("encoder", 50_000, finished=True)
    stage = status(run.path).stages["encoder"]
    assert stage.finished
    assert stage.line().startswith("finished step 50,000 of 50,000")


def test_who_is_at_work_is_named_and_nothing_is_written(run):
    walk(run)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    with run.hold():
        assert "process" in status(run.path).holder
        assert "is at work on it" in status(run.path).lines()[0]
    assert status(run.path).lines()[0].endswith(f"nobody is at work on it, last saved {run.read_record().updated}")
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match="not a training run"):
        status(tmp_path)


def test_scores_are_shown_with_how_the_last_of_them_were_measured(run):
    first, second = scoring(profile="paper"), scoring()
    for way in (first, second):
        RunFolder.begun(run.path, read_recipe("sup-5"), "s" * 64, {}, scoring=way)
        walk(run).append(200, {"score_kl": 2.0}, scoring=way.id)
    found = status(run.path)
    assert found.stages["encoder"].scoring == second
    place = found.lines().index("           scores of step 200: kl 2")
    assert found.lines()[place + 1] == f"           scored on {SCORED_ON}"
