"""What is at the place of a benchmark to come: taken, replaced, or refused with a way out."""

import json

import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.building.result import BuildError, Problem, existing, unusable

LOST = {"clip_id": "eeeeeeeeeee_000005", "reason": "e.mp4: no audio stream"}
INPUTS = "0" * 64  # as the small benchmark records them


@pytest.mark.parametrize("allow_missing", [False, True])
def test_a_benchmark_of_the_same_inputs_is_taken(small, allow_missing):
    build = existing(small, INPUTS, allow_missing=allow_missing, overwrite=False)
    assert build.reused
    assert build.problems == []
    assert len(build.benchmark) == len(load_benchmark(small))


def test_one_that_lacks_clips_is_taken_where_they_may_be_missing(write_benchmark):
    path = write_benchmark(left_out=[LOST])
    assert existing(path, INPUTS, allow_missing=True, overwrite=False).problems == [Problem(**LOST)]
    with pytest.raises(BuildError, match=rf"1 of 5 clips cannot be used; {path} was built without them; pass --allow"):
        existing(path, INPUTS, allow_missing=False, overwrite=False)


def test_one_of_other_inputs_or_of_another_format_is_refused(small):
    with pytest.raises(BuildError, match=r"holds a benchmark of other clips or settings.*--overwrite replaces"):
        existing(small, "1" * 64, allow_missing=True, overwrite=False)
    record = json.loads((small / "benchmark.json").read_text())
    (small / "benchmark.json").write_text(json.dumps(record | {"format": 2}))
    with pytest.raises(BuildError, match=r"format 2, this version reads 1; pass --overwrite to build it again"):
        existing(small, INPUTS, allow_missing=True, overwrite=False)


def test_nothing_is_there_where_the_folder_is_absent_empty_or_to_be_replaced(small, tmp_path):
    (tmp_path / "empty").mkdir()
    for place, overwrite in ((tmp_path / "absent", False), (tmp_path / "empty", False), (small, True)):
        assert existing(place, "1" * 64, allow_missing=False, overwrite=overwrite) is None


def test_a_refusal_keeps_the_clips_apart_from_its_sentence():
    error = unusable([Problem("a", "a: silent")], 7, "; here")
    assert str(error) == "1 of 7 clips cannot be used; here; pass --allow-missing to leave them out"
    assert error.problems == [Problem("a", "a: silent")]
