"""Whole runs of narrow networks: what is trained and kept, what stops a run, and that nothing is lost by it."""

import errno
import os
import shutil
import signal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from support.small_training_runs import course_of, narrow, narrow_store, small_recipe, trained
from support.trained_weights import SCORED_ON, scoring

from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training import ema, loop, running, steps
from baselines.selva.training.batches import TrainingBatches, ValidationBatches
from baselines.selva.training.checkpoints import Checkpoints
from baselines.selva.training.loop import LossNotFinite
from baselines.selva.training.reading import ReadingFailed
from baselines.selva.training.run_folder import STAGES, RunFolder, RunHeld
from baselines.selva.training.starting import Start
from baselines.selva.training.store import DamagedClip, Store
from baselines.selva.video_encoder import TextVideoEncoder
from foundation.files import WriteFailed
from foundation.partials import partial_name

ROUNDING = 2e-5  # of a loss: sums of gradients in another order, through five steps of Adam


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """A run that nothing disturbed."""
    return trained(store, tmp_path_factory.mktemp("undisturbed") / "run")


def first_stage(store, out, recipe=None, **options):
    return trained(store, out, recipe, stages=["encoder"], **options)


def check_same(run, other, rel=1e-6, stages=("encoder", "generator")):
    course, expected = course_of(run), course_of(other)
    for stage in stages:
        losses = expected.losses[stage]
        assert [step for step, _ in course.losses[stage]] == [step for step, _ in losses]
        assert [value for _, value in course.losses[stage]] == pytest.approx([value for _, value in losses], rel=rel)


@pytest.fixture
def courses(monkeypatch):
    """The networks of each stage as they come to the loop, by stage, with a copy of what they were."""
    seen = {}

    class Watched(loop.Loop):
        def __init__(self, accelerator, course, manner):
            before = {name: value.clone() for name, value in course.step.network.state_dict().items()}
            seen[course.stage] = course.step, before
            super().__init__(accelerator, course, manner)

    monkeypatch.setattr(running, "Loop", Watched)
    return seen


def test_after_ten_steps_every_frozen_entry_is_what_it_was_to_the_bit(store, tmp_path, courses):
    recipe = small_recipe(encoder__steps=10, generator__steps=10, validate_every=10, checkpoint_every=10)
    trained(store, tmp_path / "run", recipe)
    for stage in ("encoder", "generator"):
        step, before = courses[stage]
        after = step.network.state_dict()
        moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
        assert moved == set(step.trained), stage
    encoder = courses["encoder"][0].network.state_dict()
    looked_through = courses["generator"][0].encoder.state_dict()
    trained_names = set(courses["encoder"][0].trained)
    assert all(torch.equal(looked_through[name], encoder[name]) for name in encoder if name not in trained_names)
    assert any(not torch.equal(looked_through[name], encoder[name]) for name in trained_names)  # averages


def test_a_run_measures_every_step_and_the_held_out_clips_now_and_then(run):
    for stage, end in (("encoder", 5), ("generator", 4)):
        rows = run.stage(stage).curve.read()
        measured = [row for row in rows if "loss" in row.values]
        assert [row.step for row in measured] == list(range(1, end + 1))
        assert [row.values["learning_rate"] for row in measured[:3]] == pytest.approx([0.00025, 0.0005, 0.00075])
        assert all(row.values["gradient_norm"] > 0 for row in measured)
        assert [row.step for row in rows if "validation_loss" in row.values] == [0, 3, end]
        assert list(run.stage(stage).tensorboard.glob("events.*"))
        assert run.read_record().stages[stage].finished


def test_a_step_descends_by_the_mean_loss_of_its_clips(store, run):
    with narrow():
        start = Start(small_recipe(), store, video_encoder=None, weights={"random_weights": True})
        step = steps.EncoderStep(start.encoder(), start.teacher())
        loss = step(TrainingBatches(store, small_recipe(), "encoder")[0]).mean()
    loss.backward()
    gradients = [value.grad for value in step.network.parameters() if value.grad is not None]
    first = next(row.values for row in run.stage("encoder").curve.read() if row.step == 1)
    assert first["loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
    assert first["gradient_norm"] == pytest.approx(float(torch.nn.utils.get_total_norm(gradients)), rel=1e-5)


def test_what_the_paper_leaves_open_is_done_as_the_recipe_says(store, tmp_path, courses):
    open_keys = {"loss": "mean absolute error"}, {"target": "x1"}
    chosen = {
        f"{stage}__{key}": value for stage, more in zip(STAGES, open_keys, strict=True) for key, value in more.items()
    }
    for stage in STAGES:
        chosen |= {f"{stage}__mixing__normalised": "twice", f"{stage}__after_warmup": "falls at 80% and 90%"}
        chosen |= {f"{stage}__steps": 5, f"{stage}__warmup": 0}
    seldom = dict.fromkeys(("validate_every", "checkpoint_every", "averages__every"), 100)
    run = trained(store, tmp_path / "run", small_recipe(**chosen, **seldom))
    encoder, generator = (courses[stage][0] for stage in STAGES)
    assert (encoder._loss, encoder._normalised) == ("mean absolute error", "twice")
    assert (generator._target, generator._normalised) == ("x1", "twice")
    for stage in STAGES:
        rates = [row.values["learning_rate"] for row in run.stage(stage).curve.read() if "loss" in row.values]
        assert rates == pytest.approx([1e-3] * 4 + [1e-5])  # of 5 steps, both falls lie behind the fourth
    assert run.read_record().choices["generator.target"] == "x1"


def test_the_second_stage_looks_through_the_average_that_is_exported(store, run, tmp_path, courses):
    trained(store, tmp_path / "run", small_recipe(encoder__steps=3, generator__steps=1))
    averages = ema.synthesize(tmp_path / "run/encoder/snapshots", small_recipe().averages.export_width)
    encoder = courses["generator"][0].encoder.state_dict()
    assert averages.keys() == set(courses["encoder"][0].trained)
    assert all(torch.equal(encoder[name], value) for name, value in averages.items())


def test_a_checkpoint_holds_what_is_trained_and_nothing_that_is_frozen(run):
    with narrow(), torch.device("meta"):
        names = set(steps.encoder_stage.trainable_parameters(TextVideoEncoder(5)))
    (folder,) = run.stage("encoder").checkpoints.glob("step-5")
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert set(file.keys()) == names
    others = {"averages.pt", "checkpoint.json", "optimizer.bin", "scheduler.bin"}
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", *others}


def test_the_last_step_has_a_snapshot_wherever_it_lies(run):
    assert sorted(int(path.stem) for path in run.stage("encoder").snapshots.glob("*.safetensors")) == [2, 4, 5]


def test_a_finished_run_is_not_trained_again(store, run, monkeypatch):
    monkeypatch.setattr(running, "Loop", None)
    assert trained(store, run.path).read_record().stages["generator"].step == 4


def test_a_stage_that_is_whole_and_not_yet_said_to_be_is_said_to_be(store, tmp_path):
    run = first_stage(store, tmp_path / "run")
    run.note("encoder", 4)
    first_stage(store, tmp_path / "run")
    assert run.read_record().stages["encoder"].finished


def test_no_number_comes_from_the_global_generator(store, run, tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    other = first_stage(store, tmp_path / "run")
    check_same(other, run, stages=["encoder"])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_micro_batch_changes_nothing_but_rounding(store, run, tmp_path):
    check_same(first_stage(store, tmp_path / "run", micro_batch=2), run, ROUNDING, ["encoder"])


def test_a_run_goes_on_with_another_micro_batch(store, run, tmp_path):
    first_stage(store, tmp_path / "run", stop_after=3)
    check_same(first_stage(store, tmp_path / "run", micro_batch=2), run, ROUNDING, ["encoder"])


def test_a_run_that_is_left_goes_on_where_it_was_left(store, run, tmp_path):
    for _ in range(2):  # in the first stage, and in the second
        trained(store, tmp_path / "run", stop_after=4)
    check_same(trained(store, tmp_path / "run"), run)


def test_a_run_that_is_left_where_the_first_stage_ends_loads_nothing_of_the_second(store, tmp_path, courses):
    run = trained(store, tmp_path / "run", small_recipe(encoder__steps=1), stop_after=1)
    assert set(courses) == {"encoder"}
    assert run.read_record().stages["encoder"].finished
    assert not run.stage("generator").path.exists()


def test_readers_of_held_out_clips_are_started_once_for_all_validations_of_a_stage(store, tmp_path, monkeypatch):
    usual, made, measured = loop.Again, [], []

    def counted(batches, numbers, **options):
        made.append(usual(batches, numbers, **options))
        return made[-1]

    def measuring(_accelerator, _step, batches, _micro_batch):
        measured.append(batches)
        return float(len(list(batches)))

    monkeypatch.setattr(loop, "Again", counted)
    monkeypatch.setattr(loop, "held_out_loss", measuring)
    first_stage(store, tmp_path / "run")
    assert measured == made * 3  # of steps 0, 3 and 5


def test_a_run_that_is_given_more_steps_is_the_run_that_had_them_from_the_beginning(store, run, tmp_path):
    begun = first_stage(store, tmp_path / "run", small_recipe(encoder__steps=3))
    assert begun.read_record().stages["encoder"].finished
    check_same(first_stage(store, begun.path), run, stages=["encoder"])
    averages = (load_file(max(one.stage("encoder").snapshots.glob("*.safetensors"))) for one in (begun, run))
    for (name, found), (_, expected) in zip(*(sorted(one.items()) for one in averages), strict=True):
        torch.testing.assert_close(found, expected, msg=name)
    assert begun.read_record().stages["encoder"].finished


def test_a_generator_does_not_begin_behind_an_encoder_that_is_to_have_more_steps(store, tmp_path):
    run = first_stage(store, tmp_path / "run", small_recipe(encoder__steps=1))
    with pytest.raises(ValueError, match="needs a finished encoder stage"):
        trained(store, run.path, small_recipe(encoder__steps=2), stages=["generator"])
    assert run.read_record().stages["encoder"].finished


@pytest.mark.slow(minutes=1)
def test_worker_processes_read_what_this_one_reads(store, run, tmp_path):
    check_same(first_stage(store, tmp_path / "run", workers=2), run, stages=["encoder"])


@pytest.mark.slow(minutes=1)
def test_in_half_precision_the_losses_are_near_and_the_weights_stay_whole(store, run, tmp_path, courses):
    recipe = small_recipe(precision="bf16", encoder__steps=2, generator__steps=1)
    half = course_of(trained(store, tmp_path / "run", recipe))
    for stage in ("encoder", "generator"):
        near = [value for _, value in course_of(run).losses[stage][:2]]
        assert [value for _, value in half.losses[stage][:2]] == pytest.approx(near, rel=0.02)
        assert half.losses[stage][:2] != course_of(run).losses[stage][:2]
        assert {value.dtype for value in courses[stage][0].network.parameters()} == {torch.float32}
    assert {value.dtype for value in half.weights.values()} == {torch.float32}


@pytest.mark.parametrize("micro_batch", [0, 1, 3, 8])
def test_a_micro_batch_that_does_not_fit_is_refused_before_anything_is_loaded(store, tmp_path, micro_batch):
    with pytest.raises(ValueError, match=f"expected an even number that divides 4, .* got {micro_batch}"):
        trained(store, tmp_path / "run", micro_batch=micro_batch)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_before_a_weight_moves(store, run, tmp_path, monkeypatch):
    usual, calls = steps.encoder_stage.feature_loss, []

    def odd(*inputs, **options):
        losses = usual(*inputs, **options)
        if torch.is_grad_enabled():
            calls.append(1)
            if len(calls) == 4:
                return losses * torch.tensor([1.0, float("nan"), 1.0, 1.0])
        return losses

    with monkeypatch.context() as patch:
        patch.setattr(steps.encoder_stage, "feature_loss", odd)
        with pytest.raises(LossNotFinite) as stopped:
            first_stage(store, tmp_path / "run")
    assert "encoder, step 4: the loss of clip0" in str(stopped.value)
    assert "the checkpoint of step 2 stays" in str(stopped.value)
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])


def test_a_clip_that_cannot_be_read_stops_the_run_with_every_step_saved(store, run, tmp_path, monkeypatch):
    usual = Store.frames
    odd = TrainingBatches(store, small_recipe(), "encoder")[1].ids[0]  # of the second step; a checkpoint is due then

    def damaged(self, clip):
        if clip.id == odd:
            raise DamagedClip(f"shards/00001.safetensors: clip {clip.id} is damaged; run `train prepare` again")
        return usual(self, clip)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "frames", damaged)
        with pytest.raises(DamagedClip, match=f"clip {odd} is damaged; run `train prepare` again"):
            first_stage(store, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run/encoder/checkpoints").iterdir()] == ["step-1"]
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])


def test_a_held_out_clip_that_cannot_be_read_stops_the_run_with_every_step_saved(store, run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        first_stage(store, tmp_path / "run", stop_after=2)
        patch.setattr(ValidationBatches, "__getitem__", lambda self, number: DamagedClip("clip10 is damaged"))
        with pytest.raises(DamagedClip, match="clip10 is damaged"):
            first_stage(store, tmp_path / "run")
    assert (tmp_path / "run/encoder/checkpoints/step-3").is_dir()


def test_a_last_step_whose_held_out_clips_cannot_be_read_is_finished_when_they_can(store, run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        first_stage(store, tmp_path / "run", stop_after=4)
        patch.setattr(ValidationBatches, "__getitem__", lambda self, number: DamagedClip("clip10 is damaged"))
        for _ in range(2):
            with pytest.raises(DamagedClip, match="clip10 is damaged"):
                first_stage(store, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").read_record().stages["encoder"].finished
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])
    assert ema.snapshots(tmp_path / "run/encoder/snapshots") == [2, 4, 5]
    assert RunFolder(tmp_path / "run").read_record().stages["encoder"].finished


@pytest.mark.parametrize("asked", [False, True])
def test_readers_that_fail_stop_the_run_with_every_step_saved_and_a_request_to_end_is_the_reason_if_there_is_one(
    store, run, tmp_path, monkeypatch, asked
):
    usual = loop.read

    def failing(batches, numbers, **options):
        for number, batch in zip(numbers, usual(batches, numbers, **options), strict=True):
            if isinstance(batches, TrainingBatches) and number == 3:
                if asked:  # both reached: a terminal that hangs up
                    signal.raise_signal(signal.SIGINT)
                yield ReadingFailed("a process that reads clips ahead is gone")
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(loop, "read", failing)
        with pytest.raises(KeyboardInterrupt if asked else ReadingFailed):
            first_stage(store, tmp_path / "run")
    assert (tmp_path / "run/encoder/checkpoints/step-3").is_dir()
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])


def test_a_run_that_is_asked_to_end_saves_the_step_that_it_is_at_and_heeds_the_request(
    store, run, tmp_path, monkeypatch
):
    usual, said = loop.Loop._descend, []

    def asked(self, done, batch):
        if done == 2:
            signal.raise_signal(signal.SIGINT)
        return usual(self, done, batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_descend", asked)
        with pytest.raises(KeyboardInterrupt):
            first_stage(store, tmp_path / "run", report=said.append)
    assert said[-1] == "encoder: asked to end by SIGINT; step 3 is saved"
    assert (tmp_path / "run/encoder/checkpoints/step-3").is_dir()
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])


def test_a_disk_that_fills_up_while_saving_costs_the_steps_since_the_last_checkpoint_alone(
    store, run, tmp_path, monkeypatch
):
    usual, calls = Checkpoints._seal, []

    def full(self, folder, step):
        calls.append(step)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        usual(self, folder, step)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "_seal", full)
        with pytest.raises(WriteFailed, match=r"No space left on device; .* the checkpoint of step 2 stays"):
            first_stage(store, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run/encoder/checkpoints").iterdir()] == ["step-2"]
    check_same(first_stage(store, tmp_path / "run"), run, stages=["encoder"])


def test_what_a_killed_process_left_half_written_is_removed(store, run):
    left = [run.path / partial_name("candidate"), run.stage("encoder").snapshots / partial_name("00000002.safetensors")]
    left[0].mkdir()
    for path in (left[0] / "video_enc_sup_5.pth", left[1]):
        path.write_bytes(b"half")
    trained(store, run.path)
    assert not any(path.exists() for path in left)


def test_a_second_process_on_a_run_is_refused(store, run):
    with run.hold(), pytest.raises(RunHeld, match="is at work on this run"):
        trained(store, run.path)


def test_a_run_of_another_recipe_is_refused_by_the_key_that_differs(store, run):
    with pytest.raises(ValueError, match=r"recipe: encoder.learning_rate = 0.001, and is asked to go on with 0.1"):
        trained(store, run.path, small_recipe(encoder__learning_rate=0.1))


def test_a_store_of_other_clips_is_refused(run, tmp_path):
    other = narrow_store(tmp_path / "store", clips=9)
    with pytest.raises(ValueError, match="store: fingerprint"):
        trained(other, run.path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seconds": 8.0}, "holds clips of 0.64 s, and recipe small is for 8 s"),
        ({"generator__variant": "small_44k"}, "holds latents of 16k, recipe small trains a small_44k"),
        ({"generator__batch": 12}, "expected at least 12 clips for training, .* got 8"),
    ],
)
def test_a_store_that_does_not_fit_the_recipe_is_refused_before_anything_is_loaded(store, tmp_path, changes, told):
    with pytest.raises(ValueError, match=told):
        trained(store, tmp_path / "run", small_recipe(**changes))
    assert not (tmp_path / "run").exists()


def test_a_generator_without_an_encoder_to_look_through_is_refused(store, tmp_path):
    with pytest.raises(ValueError, match="needs a finished encoder stage"):
        trained(store, tmp_path / "run", stages=["generator"])


@pytest.mark.slow(minutes=1)
def test_stages_can_be_trained_by_two_calls(store, run, tmp_path):
    trained(store, tmp_path / "run", stages=["encoder"])
    assert not (tmp_path / "run" / "generator").exists()
    check_same(trained(store, tmp_path / "run", stages=["generator"]), run)


def test_a_video_encoder_of_ones_own_takes_the_place_of_the_first_stage(store, tmp_path, courses):
    with narrow():
        own = TextVideoEncoder(5)
        torch.save(own.state_dict(), tmp_path / "own.pth")
    run = trained(store, tmp_path / "run", video_encoder=tmp_path / "own.pth", stop_after=1)
    assert set(courses) == {"generator"}
    looked_through = courses["generator"][0].encoder.state_dict()
    assert all(torch.equal(value, looked_through[name]) for name, value in own.state_dict().items())
    assert "video_encoder" in run.read_record().starting_weights


def test_scores_are_measured_on_files_that_load_strictly_and_stand_in_the_curve(store, run, tmp_path):
    asked = []

    def validate(step, candidate):
        asked.append((candidate.stage, step, candidate.step))
        encoder, generator = TextVideoEncoder(candidate.sup_tokens), MMDiT.from_variant(candidate.variant)
        for network, path in ((encoder, candidate.video_encoder), (generator, candidate.generator)):
            network.load_state_dict(torch.load(path, weights_only=True), strict=True)
        moved = (encoder.sup_text_feat, generator.sync_pos_emb)
        return {"desync": sum(float(weight.detach().abs().sum()) for weight in moved)}

    validate.scoring = scoring()
    scored = trained(store, tmp_path / "run", validate=validate, validate_scores_every=2)
    assert asked == [(stage, step, step) for stage in ("encoder", "generator") for step in (2, 4)]
    check_same(scored, run)
    rows = {
        (stage, row.step): row.values["score_desync"]
        for stage in ("encoder", "generator")
        for row in scored.stage(stage).curve.read()
        if "score_desync" in row.values
    }
    assert rows.keys() == {("encoder", 2), ("encoder", 4), ("generator", 2), ("generator", 4)}
    assert len(set(rows.values())) == 4  # each of other weights
    said = [row.scoring for row in scored.stage("encoder").curve.read()]
    assert [way for way in said if way is not None] == [scoring().id] * 2  # scores say how they were measured
    assert scored.read_record().scorings == {scoring().id: scoring()}
    assert not list((tmp_path / "run").glob(".candidate*"))


@pytest.mark.slow(minutes=1)
def test_scores_that_were_interrupted_are_measured_when_the_run_goes_on(store, tmp_path):
    asked = []

    def validate(step, candidate):
        asked.append(step)
        if len(asked) == 1:
            left = tmp_path / "run" / partial_name("candidate")
            shutil.copytree(candidate.generator.parent, left)  # what a kill leaves
            raise KeyboardInterrupt
        return {"desync": 1.0}

    options = {"validate": validate, "validate_scores_every": 2}
    with pytest.raises(KeyboardInterrupt):
        first_stage(store, tmp_path / "run", **options)
    first_stage(store, tmp_path / "run", stop_after=2, **options)
    first_stage(store, tmp_path / "run", stop_after=0, **options)
    assert asked == [2, 2, 4]
    assert not list((tmp_path / "run").glob("*candidate*"))  # each is of a gigabyte


def test_scores_of_the_last_step_that_were_interrupted_are_measured_when_the_run_goes_on(store, tmp_path):
    asked = []

    def validate(step, candidate):
        asked.append(step)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return {"desync": 1.0}

    options = {"validate": validate, "validate_scores_every": 5}
    with pytest.raises(KeyboardInterrupt):
        first_stage(store, tmp_path / "run", **options)
    first_stage(store, tmp_path / "run", **options)
    assert asked == [5, 5]
    assert RunFolder(tmp_path / "run").read_record().stages["encoder"].finished


def test_a_run_says_now_and_then_how_far_it_is_and_what_was_scored(store, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_TOLD_EVERY", -1.0)  # at every step
    said = []
    options = {"validate": lambda _step, _candidate: {"kl": 1.25}, "validate_scores_every": 2}
    run = first_stage(store, tmp_path / "run", stop_after=2, report=said.append, **options)
    losses = {row.step: row.values["loss"] for row in run.stage("encoder").curve.read() if "loss" in row.values}
    for step in (1, 2):
        assert any(line.startswith(f"encoder: step {step} of 5: loss {losses[step]:.6g}, ") for line in said)
    assert "encoder: step 2: kl 1.25" in said


def test_a_run_that_is_scored_otherwise_than_before_says_so_in_one_line(store, run, tmp_path, caplog, monkeypatch):
    scored = RunFolder(shutil.copytree(run.path, tmp_path / "run"))
    scored.note("generator", 3)
    monkeypatch.setattr(running, "_train_stage", lambda *_: loop.Ran(1, True))

    def told(way):
        """What going on is warned of with this way of scoring."""
        caplog.clear()
        trained(store, scored.path, validate=SaysHow(way), validate_scores_every=1)
        return [one.message for one in caplog.records]

    usual, other = scoring(), scoring(samples=20)
    apart = "they do not compare, and curves show them apart"
    assert told(usual) == []
    scored.stage("encoder").curve.append(5, {"score_kl": 1.0})
    begins = f"{scored.path}: from here on it is scored on"
    assert told(usual) == [f"{begins} {SCORED_ON}; its scores so far do not say how they were measured; {apart}"]
    scored.stage("generator").curve.append(4, {"score_kl": 1.0}, scoring=usual.id)
    assert told(usual) == []
    assert told(other) == [f"{begins} {other.line()}; its scores so far are of {SCORED_ON}; {apart}"]
    assert told(None) == []
    scored.note("generator", 4, finished=True)
    assert told(other) == []  # nothing is left to be scored
    assert scored.read_record().scorings == {usual.id: usual, other.id: other}


class SaysHow:
    """What would score a candidate."""

    def __init__(self, way):
        self.scoring = way

    def __call__(self, _step, _candidate):
        raise AssertionError
