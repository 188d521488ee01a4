"""Features are kept by content: of the video, and of whatever else made them."""

from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file, save_file

from baselines.mmaudio import feature_store
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


def cut(path, _other):
    path.write_bytes(path.read_bytes()[:20])


def emptied(path, _other):
    path.write_bytes(b"")


def overwritten(path, _other):
    data = path.read_bytes()
    path.write_bytes(data[:-4] + bytes(4))


def copied_from_another(path, other):
    path.write_bytes(other.read_bytes())


def without_its_tensor(path, _other):
    save_file({"another": torch.zeros(3)}, path)


@pytest.mark.parametrize("damage", [cut, emptied, overwritten, copied_from_another, without_its_tensor])
def test_a_stored_feature_that_is_damaged_or_foreign_is_made_again_with_a_warning(video, tmp_path, caplog, damage):
    compute, folder = Counting(), tmp_path / "features"
    FeatureStore(folder).get(video, "trunk", compute)
    (stored,) = folder.iterdir()
    FeatureStore(folder).get(video, "clip", compute)
    (other,) = set(folder.iterdir()) - {stored}
    damage(stored, other)
    assert float(FeatureStore(folder).get(video, "trunk", compute)[0, 0]) == 3
    assert float(FeatureStore(folder).get(video, "trunk", compute)[0, 0]) == 3
    (warning,) = caplog.messages
    assert warning.startswith(f"{stored}: ")
    assert warning.endswith("; computed again")


@pytest.mark.parametrize("from_zero", [True, False])
def test_a_feature_of_an_earlier_version_serves_for_films_that_begin_at_zero(tmp_path, film, caplog, from_zero):
    times = [Fraction(k + (0 if from_zero else 5), 25) for k in range(10)]
    path = film.write(tmp_path / "film.mp4", times=times, sound=film.noise(0.5, seed=1))
    compute, folder = Counting(), tmp_path / "features"
    FeatureStore(folder).get(path, "trunk", compute)
    (stored,) = folder.iterdir()
    save_file({"feature": load_file(stored)["feature"]}, stored)  # without a note
    assert float(FeatureStore(folder).get(path, "trunk", compute)[0, 0]) == (1 if from_zero else 2)
    expected = [] if from_zero else [f"{stored}: read by the frame rule of an earlier version; computed again"]
    assert caplog.messages == expected


def test_a_feature_read_by_another_frame_rule_is_made_again(video, tmp_path, monkeypatch):
    compute, folder = Counting(), tmp_path / "features"
    with monkeypatch.context() as then:
        then.setattr(feature_store, "FRAME_RULE", "each-from-zero")
        FeatureStore(folder).get(video, "trunk", compute)
    assert float(FeatureStore(folder).get(video, "trunk", compute)[0, 0]) == 2


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


def test_a_feature_that_is_kept_is_found_by_its_key_and_known_to_be_there(video, tmp_path):
    store = FeatureStore(tmp_path / "features")
    key = store.key(video, "trunk")
    assert not store.has(key)
    assert store.find(key, video) is None
    feature = torch.arange(6.0)
    assert store.keep(key, feature) is feature
    assert store.has(key)
    assert store.find(key, video) is feature
    other = FeatureStore(tmp_path / "features")
    assert other.has(key), "on disk"
    assert torch.equal(other.find(key, video), feature)
    assert torch.equal(other.get(video, "trunk", lambda: pytest.fail("it is there")), feature)


def test_a_damaged_feature_is_not_found(video, tmp_path, caplog):
    store = FeatureStore(tmp_path)
    key = store.key(video, "trunk")
    store.keep(key, torch.arange(6.0))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    assert FeatureStore(tmp_path).find(key, video) is None
    assert "computed again" in caplog.text
