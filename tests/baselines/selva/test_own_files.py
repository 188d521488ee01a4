"""SELVA with files that were trained here: what `selva.json` beside them says is read, checked and handed on."""

import shutil

import pytest

from baselines.selva import SELVA
from baselines.selva.training.own_weights import OwnWeights
from baselines.selva.training.recipe import read_recipe
from foundation.checkpoints import digests

NOTE = "trained by recipe sup-5, 50,000 + 25,000 steps, EMA width 0.05"


@pytest.fixture(autouse=True)
def _unloaded(monkeypatch):
    """Models look for their own files and open no network: what is read beside the files is all that is tried here."""

    def load(self, source, settings):
        source.require(part for part in ("video_encoder", "generator") if not source.is_random(part))

    monkeypatch.setattr(SELVA, "_load", load)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder of two files and `selva.json`, as an export leaves it."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "video_enc_sup_5.pth").write_bytes(b"encoder")
    (folder / "generator_small_16k_sup_5.pth").write_bytes(b"generator")
    files = {"video_encoder": "video_enc_sup_5.pth", "generator": "generator_small_16k_sup_5.pth"}
    recipe = read_recipe("sup-5")
    record = OwnWeights(
        schema=1,
        files={part: {"name": name, "sha256": digests(folder / name).sha256} for part, name in files.items()},
        variant="small_16k",
        sup_tokens=5,
        trained={
            "encoder": {"step": 50_000, "steps": 50_000, "width": 0.05},
            "generator": {"step": 25_000, "steps": 25_000, "width": 0.05},
        },
        untrained=False,
        recipe=recipe,
        recipe_sha256=recipe.fingerprint,
        choices=recipe.choices(),
        starting_weights={},
        store={"fingerprint": "0" * 64, "counts": {"train": 10, "validation": 2}},
    )
    (folder / "selva.json").write_text(record.model_dump_json(by_alias=True))
    return folder


def own(folder, *parts):
    names = {"video_encoder": "video_enc_sup_5.pth", "generator": "generator_small_16k_sup_5.pth"}
    return {part: folder / names[part] for part in parts or names}


def made(folder, *parts, **options):
    return SELVA(
        variant=options.pop("variant", "small_16k"), device="cpu", random_weights=True, checkpoint=own(folder, *parts),
        **options,
    )  # fmt: skip


def test_notes_and_record_say_how_the_weights_were_trained(exported):
    model = made(exported)
    assert NOTE in model.notes
    assert model.training_record["recipe"]["name"] == "sup-5"
    assert model.training_record["schema"] == 1
    assert model.weights.keys() == {"video_encoder", "generator"}


def test_of_one_file_the_note_is_of_that_stage_alone(exported):
    model = made(exported, "generator")
    assert "generator trained by recipe sup-5, 25,000 steps, EMA width 0.05" in model.notes


def test_files_without_a_record_say_nothing(exported, tmp_path):
    for path in own(exported).values():
        shutil.copy(path, tmp_path)
    model = made(tmp_path)
    assert model.notes == ["the video encoder sees the whole frame, squashed to a square", "5 [SUP] tokens"]
    assert model.training_record is None
    assert SELVA(device="cpu", random_weights=True).training_record is None


@pytest.mark.parametrize(
    ("options", "way_out"),
    [
        pytest.param({"variant": "small_44k"}, "--option variant=small_16k", id="variant"),
        pytest.param({"num_sup_tokens": 3}, "--option num_sup_tokens=5", id="[SUP] tokens"),
    ],
)
def test_files_of_another_model_are_refused_with_the_option_that_fits(exported, options, way_out):
    with pytest.raises(ValueError, match=f"pass {way_out}".replace("[", r"\[")):
        made(exported, **options)


def test_a_file_that_was_changed_is_refused_by_name(exported, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(exported, folder)
    (folder / "video_enc_sup_5.pth").write_bytes(b"another encoder")
    with pytest.raises(ValueError, match=r"video_enc_sup_5\.pth: was changed after its export"):
        made(folder)


def test_weights_of_a_run_that_began_with_random_numbers_are_marked_untrained(exported, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(exported, folder)
    said = (folder / "selva.json").read_text()
    (folder / "selva.json").write_text(said.replace('"untrained":false', '"untrained":true'))
    others = ("vae", "vocoder", "clip", "t5", "t5_tokenizer")  # files too: this model is not asked for random numbers
    model = SELVA(device="cpu", checkpoint={**own(folder), **dict.fromkeys(others, own(folder)["generator"])})
    assert model.untrained
    assert "from random weights" in " ".join(model.notes)
