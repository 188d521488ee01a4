"""From a run to files: trained entries are averages, all others those that the run started from."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from support.small_training import copied, seeded, synchformer
from support.small_training_runs import narrow, narrow_store
from support.trained_weights import scoring

from baselines.mmaudio.transformer import MMDiT
from baselines.mmaudio.weights import WeightFile
from baselines.selva.training import ema, encoder_stage, generator_stage
from baselines.selva.training.export import export
from baselines.selva.training.own_weights import FILE_NAME, read_beside
from baselines.selva.training.recipe import Recipe, read_recipe
from baselines.selva.training.run_folder import RunFolder
from baselines.selva.training.stages import freeze
from baselines.selva.training.starting import Start
from baselines.selva.video_encoder import TextVideoEncoder
from foundation.checkpoints import MissingCheckpoint
from foundation.files import file_sha256

STAGES = {"encoder": encoder_stage, "generator": generator_stage}


@pytest.fixture(autouse=True, scope="module")
def _narrow():
    with narrow():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"), clips=4, held_out=2)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    said = read_recipe("smoke").model_dump() | {"name": "small", "seconds": 0.64}
    said["encoder"] |= {"sup_tokens": 3}
    return Recipe(**said)


class Published:
    """Files that a run starts from, as narrow as the networks."""

    def __init__(self, folder: Path) -> None:
        self.synchformer, self.generator = folder / "synchformer.pth", folder / "generator.pth"
        torch.save({f"vfeat_extractor.{name}": value for name, value in synchformer().items()}, self.synchformer)
        torch.save(copied(seeded(MMDiT.from_variant("small_16k"), 3)), self.generator)

    @property
    def files(self) -> dict[str, WeightFile]:
        return {part: WeightFile(path, file_sha256(path), verified=False) for part, path in vars(self).items()}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return Published(tmp_path_factory.mktemp("published"))


@pytest.fixture
def run(tmp_path, store, recipe, published):
    """A run that has just begun."""
    return begun(tmp_path / "run", store, recipe, published)


def begun(path: Path, store, recipe, published) -> RunFolder:
    clips = {"train": 2, "validation": 2}
    return RunFolder.begun(path, recipe, store.fingerprint, published.files, store=store.path, clips=clips)


def start(store, recipe, published) -> Start:
    options = {"checkpoint": {part: file.path for part, file in published.files.items()}}
    return Start(recipe, store, video_encoder=None, weights=options)


def walked(run: RunFolder, stage: str, network, *, steps: int = 4):
    """A stage that has moved all that it trains, with a snapshot every second step; return its network."""
    freeze(network, STAGES[stage].trainable_parameters(network))
    folder = run.stage(stage).snapshots
    averages = ema.track(network, folder, widths=(0.05, 0.1), every=2)
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn(parameter.shape, generator=generator) / 10)
        averages.update()
    run.note(stage, steps)
    return network


@pytest.fixture(scope="module")
def walked_both(tmp_path_factory, store, recipe, published):
    run, began = (
        begun(tmp_path_factory.mktemp("runs") / "run", store, recipe, published),
        start(store, recipe, published),
    )
    walked(run, "encoder", began.encoder())
    walked(run, "generator", began.generator())
    return run


@pytest.fixture
def both(walked_both, tmp_path):
    """A run of which both stages have moved."""
    return RunFolder(Path(shutil.copytree(walked_both.path, tmp_path / "run")))


def read(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)


def test_trained_entries_are_averages_and_all_others_those_that_the_run_started_from(
    both, tmp_path, store, recipe, published
):
    done = export(both.path, tmp_path / "out")
    began = start(store, recipe, published)
    for path, stage, before in (
        (done.video_encoder, "encoder", began.encoder()),
        (done.generator, "generator", began.generator()),
    ):
        state, trained = read(path), set(STAGES[stage].trainable_parameters(before))
        averages = ema.synthesize(both.stage(stage).snapshots, 0.05)
        assert list(state) == list(before.state_dict())
        for name, value in before.state_dict().items():
            assert torch.equal(state[name], averages[name] if name in trained else value), name
        assert all(not torch.equal(state[name], before.state_dict()[name]) for name in trained)


def test_the_files_load_strictly_into_the_networks_of_the_model(both, tmp_path):
    done = export(both.path, tmp_path / "out")
    TextVideoEncoder(3).load_state_dict(read(done.video_encoder), strict=True)
    MMDiT.from_variant("small_16k").load_state_dict(read(done.generator), strict=True)
    assert (done.video_encoder.name, done.generator.name) == ("video_enc_sup_3.pth", "generator_small_16k_sup_3.pth")


def test_the_record_beside_the_files_says_what_they_are(both, tmp_path, store, recipe, published):
    RunFolder.begun(both.path, recipe, store.fingerprint, published.files, store=store.path, scoring=scoring())
    both.stage("generator").curve.append(4, {"score_desync": 0.7}, scoring=scoring().id)
    done = export(both.path, tmp_path / "out")
    record = read_beside({"video_encoder": done.video_encoder, "generator": done.generator})
    assert record == done.record
    assert record.recipe == recipe
    assert record.recipe_sha256 == recipe.fingerprint
    assert record.choices == recipe.choices()
    assert {name: (one.step, one.steps, one.width) for name, one in record.trained.items()} == {
        "encoder": (4, 8, 0.05),
        "generator": (4, 8, 0.05),
    }
    assert {part: file.sha256 for part, file in record.starting_weights.items()} == {
        part: file.sha256 for part, file in published.files.items()
    }
    assert (record.store.fingerprint, record.store.settings["picture"]) == (store.fingerprint, "jpeg 95 4:4:4")
    assert record.store.frame_effect.reason == store.record.jpeg_effect.reason == "made up"
    assert (record.scores.stage, record.scores.step, record.scores.values) == ("generator", 4, {"desync": 0.7})
    assert record.scores.scoring == scoring()
    assert str(tmp_path) not in (tmp_path / "out" / FILE_NAME).read_text()
    assert (tmp_path / "out" / "README.md").read_text().startswith("---\n")


def test_width_and_step_are_of_the_last_stage_and_the_encoder_stays_the_one_it_learned_to_follow(both, tmp_path):
    usual = export(both.path, tmp_path / "usual")
    other = export(both.path, tmp_path / "other", sigma=0.1, step=2)
    assert file_sha256(usual.video_encoder) == file_sha256(other.video_encoder)
    averages = ema.synthesize(both.stage("generator").snapshots, 0.1, 2)
    state = read(other.generator)
    assert all(torch.equal(state[name], value) for name, value in averages.items())
    assert other.record.trained["generator"].width == 0.1
    assert other.record.trained["generator"].step == 2
    assert other.record.trained["encoder"].width == 0.05


def test_a_run_that_trained_its_encoder_alone_gives_the_generator_that_it_would_start_from(
    run, tmp_path, store, recipe, published
):
    began = start(store, recipe, published)
    walked(run, "encoder", began.encoder())
    done = export(run.path, tmp_path / "out", sigma=0.1, step=2)
    before = began.generator().state_dict()
    assert all(torch.equal(value, before[name]) for name, value in read(done.generator).items())
    assert list(done.record.trained) == ["encoder"]
    assert (done.record.trained["encoder"].width, done.record.trained["encoder"].step) == (0.1, 2)


def test_a_video_encoder_of_ones_own_is_handed_on_entry_for_entry(tmp_path, store, recipe, published):
    own = tmp_path / "own.pth"
    torch.save(copied(seeded(TextVideoEncoder(3), 9)), own)
    weights = {**published.files, "video_encoder": WeightFile(own, file_sha256(own), verified=False)}
    run = RunFolder.begun(tmp_path / "run", recipe, store.fingerprint, weights, store=store.path)
    walked(run, "generator", start(store, recipe, published).generator())
    done = export(run.path, tmp_path / "out")
    state = read(own)
    assert all(torch.equal(value, state[name]) for name, value in read(done.video_encoder).items())
    assert done.record.starting_weights["video_encoder"].sha256 == file_sha256(own)
    assert list(done.record.trained) == ["generator"]
    own.unlink()
    with pytest.raises(ValueError, match=r"behind the video encoder .*own\.pth, which is not there; pass --checkpoint"):
        export(run.path, tmp_path / "again")


def test_a_run_from_random_weights_says_so_in_record_and_card(tmp_path, store, recipe):
    run = RunFolder.begun(tmp_path / "run", recipe, store.fingerprint, {}, store=store.path, untrained=True)
    walked(run, "encoder", Start(recipe, store, video_encoder=None, weights={"random_weights": True}).encoder())
    done = export(run.path, tmp_path / "out")
    assert done.record.untrained
    assert done.record.note().endswith("from random weights")
    assert "started from random numbers" in (tmp_path / "out" / "README.md").read_text()


def test_the_same_export_again_leaves_everything_as_it_is(both, tmp_path):
    export(both.path, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert export(both.path, tmp_path / "out").record == export(both.path, tmp_path / "out").record
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_an_export_that_was_killed_is_completed(both, tmp_path):
    first = export(both.path, tmp_path / "whole")
    for left in (["video_enc_sup_3.pth"], ["video_enc_sup_3.pth", "generator_small_16k_sup_3.pth", FILE_NAME]):
        place = tmp_path / f"cut {len(left)}"
        place.mkdir()
        for name in left:
            (place / name).write_bytes((tmp_path / "whole" / name).read_bytes())
        assert export(both.path, place).record == first.record
        assert {path.name for path in place.iterdir()} >= {*left, "README.md", FILE_NAME}


def test_another_export_or_other_files_in_its_place_are_refused_and_left_alone(both, tmp_path):
    export(both.path, tmp_path / "out")
    before = (tmp_path / "out" / FILE_NAME).read_bytes()
    with pytest.raises(ValueError, match=r"out: holds another export \(trained by recipe small, 4 \+ 4 steps"):
        export(both.path, tmp_path / "out", sigma=0.1)
    assert (tmp_path / "out" / FILE_NAME).read_bytes() == before
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "README.md").write_text("mine")
    with pytest.raises(ValueError, match=r"thesis: holds README\.md, which no export made; choose another --out"):
        export(both.path, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "README.md").read_text() == "mine"


def test_an_exported_file_that_was_changed_is_not_taken_for_the_export(both, tmp_path):
    done = export(both.path, tmp_path / "out")
    done.generator.write_bytes(b"other weights")
    with pytest.raises(ValueError, match=r"remove it, or choose another --out \(.* was changed after its export"):
        export(both.path, tmp_path / "out")
    (tmp_path / "out" / FILE_NAME).write_text("{}")
    with pytest.raises(ValueError, match=r"remove it, or choose another --out \(.*selva\.json: not a record"):
        export(both.path, tmp_path / "out")


def test_a_file_where_a_folder_should_be_is_refused_before_any_work(both, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ValueError, match="file is a file where a folder should be; give another place"):
            export(both.path, out)


def test_a_run_without_averages_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="no averaged weights yet; the first are kept at step 2 of a stage"):
        export(run.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_step_without_a_snapshot_is_named_with_those_there_are(both, tmp_path):
    with pytest.raises(ValueError, match=r"step: the generator of .* has averages of steps 2, 4, got 3"):
        export(both.path, tmp_path / "out", step=3)


@pytest.mark.parametrize("sigma", [0.0, -0.1, 0.28, float("nan")])
def test_a_width_out_of_range_is_refused_before_any_work(both, tmp_path, sigma):
    with pytest.raises(ValueError, match=r"sigma: expected a relative width above 0 and below 0\.28, got "):
        export(both.path, tmp_path / "deep" / "out", sigma=sigma)
    assert not (tmp_path / "deep").exists()


def test_a_width_outside_those_kept_is_said_to_be_extrapolated(both, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        export(both.path, tmp_path / "out", sigma=0.2)
    assert "extrapolated" in caplog.text


def test_starting_weights_that_are_not_those_of_the_run_are_refused(both, tmp_path):
    torch.save(copied(seeded(MMDiT.from_variant("small_16k"), 4)), tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: the run .* started from another generator: expected SHA-256 "):
        export(both.path, tmp_path / "out", weights={"checkpoint": {"generator": tmp_path / "other.pth"}})
    assert not (tmp_path / "out").exists()


def test_starting_weights_that_moved_are_taken_from_where_they_are_said_to_be(both, tmp_path, published):
    text = both.record_path.read_text()
    both.record_path.write_text(text.replace(str(published.generator), str(tmp_path / "gone.pth")))
    with pytest.raises(MissingCheckpoint):
        export(both.path, tmp_path / "out", weights={"weights_dir": tmp_path / "nothing"})
    weights = {"checkpoint": {"generator": published.generator}}
    assert export(both.path, tmp_path / "out", weights=weights).generator.is_file()


def test_starting_weights_of_ones_own_that_are_gone_are_named_with_their_place_and_hash(both, tmp_path, published):
    text = both.record_path.read_text()
    both.record_path.write_text(text.replace(str(published.generator), str(tmp_path / "gone.pth")))
    sha256 = file_sha256(published.generator)
    with pytest.raises(MissingCheckpoint, match=rf"generator=.*gone\.pth: no such file[\s\S]*SHA-256 {sha256}"):
        export(both.path, tmp_path / "out")


def test_a_store_of_other_clips_is_refused(both, tmp_path):
    other = narrow_store(tmp_path / "other", clips=6, held_out=2)
    with pytest.raises(ValueError, match=r"other: is not the store that the run was trained on: its fingerprint is"):
        export(both.path, tmp_path / "out", store=other.path)


def test_averages_of_another_network_are_refused(run, tmp_path, store, recipe, published):
    network = start(store, recipe, published).encoder()
    freeze(network, ["sup_text_feat"])
    ema.track(network, run.stage("encoder").snapshots, widths=(0.05, 0.1), every=1).update()
    with pytest.raises(ValueError, match="expected averages of what the encoder stage trains"):
        export(run.path, tmp_path / "out")


def test_the_run_is_not_touched(both, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in both.path.rglob("*")}
    export(both.path, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in both.path.rglob("*")} == before
    assert json.loads(both.record_path.read_text())["kind"] == "training of SELVA"


def test_scores_that_do_not_say_how_they_were_measured_are_exported_as_such(both, tmp_path):
    both.stage("generator").curve.append(4, {"score_desync": 0.7})
    scores = export(both.path, tmp_path / "out").record.scores
    assert (scores.values, scores.scoring) == ({"desync": 0.7}, None)
    assert "compare these scores with no table" in (tmp_path / "out" / "README.md").read_text()
