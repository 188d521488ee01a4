"""Features are kept by content: of the video, and of whatever else made them."""

import pytest
import torch

from baselines.mmaudio.feature_store import FeatureStore
from foundation.media import MediaError


class Counting:
    """Computes a feature and counts how often."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return torch.full((2, 3), float(self.calls), dtype=torch.bfloat16)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    return path


def test_a_feature_is_computed_once(video):
    store, compute = FeatureStore(), Counting()
    assert torch.equal(store.get(video, "trunk", compute), store.get(video, "trunk", compute))
    assert compute.calls == 1


def test_another_description_or_other_bytes_are_another_feature(video, tmp_path):
    store, compute = FeatureStore(capacity_bytes=999), Counting()
    store.get(video, "trunk", compute)
    store.get(video, "clip", compute)
    video.write_bytes(b"two, longer")
    store.get(video, "trunk", compute)
    assert compute.calls == 3
    copy = tmp_path / "copy of a.mp4"
    copy.write_bytes(b"two, longer")
    store.get(copy, "trunk", compute)
    assert compute.calls == 3, "the name of a file is not part of what it holds"


def test_the_least_recently_used_goes_first(video):
    store, compute = FeatureStore(capacity_bytes=2 * 12), Counting()
    for description in ("a", "b", "a", "c", "a"):
        store.get(video, description, compute)
    assert compute.calls == 3
    store.get(video, "b", compute)
    assert compute.calls == 4


def test_a_folder_serves_another_process(video, tmp_path):
    compute, folder = Counting(), tmp_path / "features"
    first = FeatureStore(folder).get(video, "trunk", compute)
    again = FeatureStore(folder).get(video, "trunk", compute)
    assert compute.calls == 1
    assert again.dtype == torch.bfloat16
    assert torch.equal(first, again)
    assert [path.suffix for path in folder.iterdir()] == [".safetensors"], "nothing half written is left"


def test_a_file_that_was_cut_is_made_again(video, tmp_path):
    compute, folder = Counting(), tmp_path / "features"
    FeatureStore(folder).get(video, "trunk", compute)
    (stored,) = folder.iterdir()
    stored.write_bytes(stored.read_bytes()[:20])
    assert float(FeatureStore(folder).get(video, "trunk", compute)[0, 0]) == 2
    assert compute.calls == 2


def test_a_feature_larger_than_the_capacity_is_still_answered_and_kept_until_the_next(video):
    store, compute = FeatureStore(capacity_bytes=0), Counting()
    for description in ("a", "a", "b", "a"):
        assert store.get(video, description, compute).shape == (2, 3)
    assert compute.calls == 3


def test_an_absent_video_and_a_negative_capacity_are_refused(tmp_path):
    with pytest.raises(MediaError, match=r"none\.mp4: no such file"):
        FeatureStore().get(tmp_path / "none.mp4", "trunk", Counting())
    with pytest.raises(ValueError, match="0 or more, got -1"):
        FeatureStore(capacity_bytes=-1)
