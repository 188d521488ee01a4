"""Features as MMAudio's training extracts them: read by the ids of the list beside them."""

import pytest
import torch
from support.seeded_weights import normal
from tensordict import TensorDict

from baselines.selva.training.clip_list import BadList
from baselines.selva.training.mmaudio_features import MMAudioFeatures
from baselines.selva.training.store_record import StoreError

IDS = ("b_000010", "a_000001", "c_000003")


@pytest.fixture
def features(tmp_path):
    """Write features of three clips, and the list of them; parts may be replaced or left out (None)."""

    def write(**others):
        arrays = {
            "mean": normal("mean", (3, 250, 20), 1),
            "std": normal("std", (3, 250, 20), 1).abs(),
            "text_features": normal("text", (3, 77, 1024), 1),
            "sync_features": normal("sync", (3, 192, 768), 1),
        }
        arrays = {name: value for name, value in {**arrays, **others}.items() if value is not None}
        TensorDict(arrays).memmap(tmp_path / "features")
        return arrays

    lines = [f"{id}\t{label}" for id, label in zip(IDS, ("dog", "bell", "dog"), strict=True)]
    (tmp_path / "train.tsv").write_text("\n".join(["id\tlabel", *lines]) + "\n")
    return write


def opened(folder):
    return MMAudioFeatures.opened(folder / "features", folder / "train.tsv")


def test_features_belong_to_the_clips_in_the_order_of_the_list(features, tmp_path):
    arrays, read = features(), opened(tmp_path)
    assert (read.rate, read.latent_frames) == ("16k", 250)
    assert "a_000001" in read
    assert "d" not in read
    mean, deviation = read.latent("a_000001")
    assert torch.equal(mean, arrays["mean"][1])
    assert torch.equal(deviation, arrays["std"][1])
    assert torch.equal(read.sync("c_000003"), arrays["sync_features"][2])
    assert torch.equal(read.clip_text("dog"), arrays["text_features"][0])
    assert read.clip_text("cat") is None


def test_forty_channels_are_the_latents_of_44k(features, tmp_path):
    features(mean=normal("mean", (3, 345, 40), 1), std=normal("std", (3, 345, 40), 1))
    assert opened(tmp_path).rate == "44k"


def test_half_precision_comes_back_as_float32(features, tmp_path):
    features(mean=normal("mean", (3, 250, 20), 1).half(), std=normal("std", (3, 250, 20), 1).half())
    assert opened(tmp_path).latent("a_000001")[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("others", "error", "said"),
    [
        ({"text_features": None}, StoreError, "no text_features among its features"),
        ({"std": normal("std", (3, 250, 40), 1)}, StoreError, "expected mean and std"),
        (
            {"mean": normal("m", (3, 9, 8), 1), "std": normal("s", (3, 9, 8), 1)},
            StoreError,
            r"expected mean and std \(clips, frames, 20 or 40\)",
        ),
        ({"mean": normal("m", (4, 250, 20), 1), "std": normal("s", (4, 250, 20), 1)}, BadList, "3 clips, but .* of 4"),
    ],
)
def test_features_that_are_none_of_mmaudios_are_refused(features, tmp_path, others, error, said):
    features(**others)
    with pytest.raises(error, match=said):
        opened(tmp_path)


def test_a_folder_without_features_is_refused(features, tmp_path):
    with pytest.raises(StoreError, match=r"there is no meta\.json"):
        opened(tmp_path)


def test_features_without_those_of_synchformer_say_so_when_they_are_asked_for(features, tmp_path):
    features(sync_features=None)
    with pytest.raises(StoreError, match="no sync_features"):
        opened(tmp_path).sync("a_000001")


def test_a_list_with_a_clip_twice_or_without_its_columns_is_refused(features, tmp_path):
    features()
    (tmp_path / "train.tsv").write_text("id\tlabel\na\tdog\na\tdog\nb\tdog\n")
    with pytest.raises(BadList, match="line 3: clip a stands there twice"):
        opened(tmp_path)
    (tmp_path / "train.tsv").write_text("id,label\na,dog\n")
    with pytest.raises(BadList, match="expected the columns id and label, separated by tabs"):
        opened(tmp_path)
