"""`selva.json`: read with the files beside it, and refused with any others."""

import json
import shutil
import subprocess
import sys

import pytest
from support.trained_weights import exported, own_weights

from baselines.selva.training.own_weights import FILE_NAME, Trained, read_beside


def test_files_without_a_record_have_none(tmp_path):
    (tmp_path / "encoder.pth").write_text("weights")
    assert read_beside({"video_encoder": tmp_path / "encoder.pth"}) is None
    assert read_beside({"video_encoder": tmp_path / "not there.pth"}) is None
    assert read_beside({}) is None


def test_the_record_beside_both_files_or_one_of_them_is_read(tmp_path):
    files = vars(exported(tmp_path / "out"))
    assert read_beside(files) == read_beside({"generator": files["generator"], "vae": tmp_path / "vae.pth"})
    assert read_beside(files).recipe.name == "sup-5"


def test_a_file_that_was_renamed_beside_its_record_is_still_known(tmp_path):
    pair = exported(tmp_path / "out")
    renamed = pair.generator.rename(pair.generator.with_name("mine.pth"))
    assert read_beside({"video_encoder": pair.video_encoder, "generator": renamed}).variant == "small_16k"


def test_a_file_that_was_changed_after_the_export_is_refused_with_both_hashes(tmp_path):
    pair = exported(tmp_path / "out")
    pair.generator.write_text("other weights")
    with pytest.raises(ValueError, match=r"small_16k_sup_5\.pth: was changed after its export.*[0-9a-f]{64}.*export"):
        read_beside(vars(pair))
    assert read_beside({"video_encoder": pair.video_encoder})  # which was not changed


def test_the_file_of_the_other_part_is_refused(tmp_path):
    pair = exported(tmp_path / "out")
    with pytest.raises(ValueError, match="or is another file"):
        read_beside({"generator": pair.video_encoder})


def test_files_of_two_exports_are_refused(tmp_path):
    first, second = exported(tmp_path / "a"), exported(tmp_path / "b", "other weights")
    with pytest.raises(ValueError, match=r"a/selva\.json and .*b/selva\.json are of two exports"):
        read_beside({"video_encoder": first.video_encoder, "generator": second.generator})
    shutil.copytree(tmp_path / "a", tmp_path / "c")
    assert read_beside({"video_encoder": first.video_encoder, "generator": tmp_path / "c" / first.generator.name})


def test_the_record_of_a_file_behind_a_link_is_read(tmp_path):
    pair = exported(tmp_path / "out")
    (tmp_path / "mine.pth").symlink_to(pair.generator)
    assert read_beside({"generator": tmp_path / "mine.pth"}).recipe.name == "sup-5"


def test_a_record_whose_files_lie_elsewhere_is_refused(tmp_path):
    pair = exported(tmp_path / "out")
    place = tmp_path / "out" / FILE_NAME
    place.write_text(place.read_text().replace(pair.generator.name, "../elsewhere.pth"))
    with pytest.raises(ValueError, match=r"selva\.json: not a record .* expected the name of one file"):
        read_beside(vars(pair))


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 2}', "\0", "[" * 10_000, "\udcff"])
def test_a_record_that_cannot_be_read_is_named(tmp_path, content):
    pair = exported(tmp_path / "out")
    (tmp_path / "out" / FILE_NAME).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"selva\.json: not a record of weights that this version reads: .*export"):
        read_beside(vars(pair))


def test_a_record_that_says_nothing_of_a_part_is_named(tmp_path):
    pair = exported(tmp_path / "out")
    place = tmp_path / "out" / FILE_NAME
    content = json.loads(place.read_text())
    del content["files"]["generator"]
    place.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="says nothing of a generator"):
        read_beside(vars(pair))


def test_a_model_of_another_shape_is_refused_with_the_option_that_mends_it():
    weights = own_weights("sup-3")
    weights.check(variant="small_16k", sup_tokens=3)
    with pytest.raises(ValueError, match=r"num_sup_tokens=3, got num_sup_tokens=5; pass --option num_sup_tokens=3"):
        weights.check(variant="small_16k", sup_tokens=5)
    with pytest.raises(ValueError, match="pass --option variant=small_16k"):
        weights.check(variant="large_44k", sup_tokens=3)
    weights.check(variant="large_44k", sup_tokens=3, parts=["video_encoder"])
    weights.check(variant="small_16k", sup_tokens=5, parts=["generator"])


def test_the_note_says_recipe_steps_and_width():
    weights = own_weights()
    assert weights.note() == "trained by recipe sup-5, 50,000 + 25,000 steps, EMA width 0.05"
    assert weights.note(["generator"]) == "generator trained by recipe sup-5, 25,000 steps, EMA width 0.05"
    assert weights.note(["video_encoder"]) == "video encoder trained by recipe sup-5, 50,000 steps, EMA width 0.05"


def test_the_note_says_what_is_not_as_it_should_be():
    half = Trained(step=10_000, steps=25_000, width=0.1)
    weights = own_weights(trained={**own_weights().trained, "generator": half}, untrained=True)
    assert weights.note() == (
        "trained by recipe sup-5, 50,000 + 10,000 steps, EMA width 0.05 and 0.1 (the recipe has 50,000 + 25,000), "
        "from random weights"
    )
    alone = own_weights(trained={"encoder": own_weights().trained["encoder"]})
    assert alone.note().startswith("video encoder trained by recipe sup-5, 50,000 steps")
    assert alone.note(["generator"]) == "weights of recipe sup-5 before any training"


def test_reading_a_record_imports_no_torch(tmp_path):
    pair = exported(tmp_path / "out")
    code = (
        "import sys; from baselines.selva.training.own_weights import read_beside; "
        f"assert read_beside({{'generator': {str(pair.generator)!r}}}); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
