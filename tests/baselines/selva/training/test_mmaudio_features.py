"""Features as MMAudio's training extracts them: read by the ids of the list beside them."""

import csv
import os

import pytest
import torch
from support.seeded_weights import normal
from tensordict import TensorDict

from baselines.selva.training.clip_list import BadList
from baselines.selva.training.mmaudio_features import MMAudioFeatures
from baselines.selva.training.store_record import StoreError

IDS = ("b_000010", "a_000001", "c_000003")
DOG, BELL = (normal(label, (77, 1024), 1) for label in ("dog", "bell"))


@pytest.fixture
def features(tmp_path):
    """Write features of three clips, and the list of them; parts may be replaced or left out (None)."""

    def write(**others):
        arrays = {
            "mean": normal("mean", (3, 250, 20), 1),
            "std": normal("std", (3, 250, 20), 1).abs(),
            "text_features": torch.stack([DOG, BELL, DOG + normal("rounding", (77, 1024), 1) / 200]),
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


def test_a_list_in_another_order_is_refused(features, tmp_path):
    features()
    lines = (tmp_path / "train.tsv").read_text().splitlines()
    (tmp_path / "train.tsv").write_text("\n".join([lines[0], lines[2], lines[1], lines[3]]) + "\n")
    with pytest.raises(BadList, match=r"the clips in rows 1 and 2 are both 'dog', but .* has another text for each"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["mean", "text_features"])
def test_a_file_that_was_cut_is_refused_and_stays_as_it_is(features, tmp_path, name):
    features()
    file = tmp_path / "features" / f"{name}.memmap"
    os.truncate(file, 1000)
    with pytest.raises(StoreError, match=rf"cannot be read: .*{name}\.memmap.*<1000>.*extract them again"):
        opened(tmp_path)
    assert file.stat().st_size == 1000


def test_reading_leaves_the_features_as_they_are(features, tmp_path):
    features()
    opened(tmp_path).latent("a_000001")[0].zero_()
    assert opened(tmp_path).latent("a_000001")[0].any()


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"mean": 3}'])
def test_a_damaged_description_is_named(features, tmp_path, content):
    features()
    (tmp_path / "features" / "meta.json").write_text(content)
    with pytest.raises(StoreError, match="features: features of MMAudio that cannot be read"):
        opened(tmp_path)


def test_latents_that_are_none_are_told_by_clip(features, tmp_path):
    mean, deviation = normal("mean", (3, 250, 20), 1), normal("std", (3, 250, 20), 1).abs()
    mean[0, 3, 2], deviation[1, 0, 0] = float("nan"), -1
    features(mean=mean, std=deviation)
    read = opened(tmp_path)
    assert [read.fault(id) for id in IDS] == [
        "a value of MMAudio's latent is not finite",
        "a standard deviation of MMAudio's latent is below 0",
        "",
    ]


def test_a_text_that_is_not_finite_is_refused_with_its_row(features, tmp_path):
    features(text_features=torch.stack([DOG, BELL * float("inf"), DOG]))
    with pytest.raises(StoreError, match="text_features in row 1, of 'bell', are not finite"):
        opened(tmp_path).clip_text("bell")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\tlabel\n\tdog\nb\tdog\nc\tdog\n", "line 2: expected an id and a label, got '' and 'dog'"),
        ("id\tlabel\na\nb\tdog\nc\tdog\n", "line 2: expected an id and a label, got 'a' and ''"),
        ('id\tlabel\na\t"dog\nb\tdog\nc\tdog\n', "line 4: unexpected end of data"),
        (f"id\tlabel\na\t{'x' * (csv.field_size_limit() + 1)}\n", "line 2: field larger than field limit"),
    ],
)
def test_a_line_that_names_no_clip_is_refused_with_its_number(features, tmp_path, text, said):
    features()
    (tmp_path / "train.tsv").write_text(text)
    with pytest.raises(BadList, match=said):
        opened(tmp_path)


def test_other_labels_make_another_fingerprint(features, tmp_path):
    features()
    before = opened(tmp_path).fingerprint
    (tmp_path / "train.tsv").write_text((tmp_path / "train.tsv").read_text().replace("bell", "cat"))
    assert opened(tmp_path).fingerprint != before
