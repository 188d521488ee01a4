"""The list that a benchmark is built from by default: every label against both data sets, and the rule behind it."""

from importlib.resources import files

import pandas as pd
import pytest

from vgg_monoaudio.pairing import exhaustive_pairs, sample_inter_class
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.drawing import list_as_csv
from vgg_monoaudio.selection.rule_r2 import (
    R2_COLUMNS,
    RESERVE_COLUMNS,
    RESERVES_PER_CLIP,
    agrees,
    derive_r2,
    derive_reserves,
    with_agreement,
)
from vgg_monoaudio.selection.source_list import load_source_list
from vgg_monoaudio.taxonomy import CATEGORIES, category_of, load_labels, load_synonyms, load_vggsound_labels

LISTS = files("vgg_monoaudio.selection").joinpath("lists")


@pytest.fixture(scope="module")
def r2() -> pd.DataFrame:
    return load_source_list("r2")


@pytest.fixture(scope="module")
def reserves() -> pd.DataFrame:
    return load_source_list(str(LISTS / "r2.reserves.csv"))


@pytest.fixture(scope="module")
def vggsound(real_annotations) -> dict[str, str]:
    """VGGSound's own label of each test clip, from its published list."""
    from vgg_monoaudio.selection.annotations import read_vggsound

    rows = read_vggsound(real_annotations / "vggsound_test.csv").rows
    return dict(zip(rows["clip_id"], rows["label"], strict=True))


def spelled_alike(label: str) -> set[str]:
    """VGGSound's labels that agree with one of ours, read from the tables without the code of the rule."""
    theirs = load_labels().set_index("label")["vggsound"][label]
    synonyms = load_synonyms()[["vggsound", "synonym"]].to_numpy().tolist()
    return {theirs} | {other for pair in synonyms for other in pair if theirs in pair}


def test_r2_and_its_reserves_follow_from_both_data_sets_and_the_rule_byte_for_byte(screened):
    own = load_vggsound_labels()
    derived = derive_r2(screened, own)
    assert list_as_csv(derived) == (LISTS / "r2.csv").read_bytes()
    assert list_as_csv(derive_reserves(screened, own, derived)) == (LISTS / "r2.reserves.csv").read_bytes()


def test_the_rule_does_not_depend_on_the_order_of_the_screening(screened, r2, reserves):
    shuffled, own = screened.sample(frac=1, random_state=0), load_vggsound_labels()
    pd.testing.assert_frame_equal(derive_r2(shuffled, own), r2)
    again = derive_reserves(shuffled, own, r2.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(again.astype({"rank": "str"}), reserves)


def test_r2_has_67_clips_of_67_videos_over_39_labels_and_8_categories(r2):
    assert list(r2.columns) == R2_COLUMNS
    assert len({split_clip_id(clip)[0] for clip in r2["clip_id"]}) == len(r2) == 67
    assert set(r2["label"]) == set(load_labels()["label"])
    assert set(r2["category"]) == set(CATEGORIES)
    assert (r2["category"] == r2["label"].map(category_of)).all()
    assert set(r2["rule_version"]) == {"r2"}


def test_pairing_r2_exhaustively_gives_the_paper_s_totals_and_fills_every_cell(r2):
    inter, intra = exhaustive_pairs(r2)
    assert (len(inter), len(intra)) == (3750, 560)
    assert set(sample_inter_class(inter).groupby(["target_category", "paired_category"]).size()) == {10}


def test_the_labels_of_vggsound_that_ship_are_those_of_its_list_for_every_proposed_clip(screened, vggsound):
    shipped = load_vggsound_labels()
    assert set(shipped) == set(screened.loc[screened["proposed"], "clip_id"])
    assert {clip: vggsound[clip] for clip in shipped} == shipped


@pytest.mark.parametrize("table", ["r2", "reserves"])
def test_every_label_is_vggsounder_s_and_vggsound_s_or_the_conflict_is_stated(screened, vggsound, request, table):
    listed = request.getfixturevalue(table)
    proposed = screened[screened["proposed"]].set_index(["clip_id", "label"])["evidence"]
    for row in listed.itertuples(index=False):
        assert proposed[row.clip_id, row.label] == row.evidence
        assert vggsound[row.clip_id] == row.vggsound_label
        agreed = vggsound[row.clip_id] in spelled_alike(row.label)
        assert agreed == (row.reason == "") == agrees(row.label, row.vggsound_label)
        if not agreed:
            assert row.reason.startswith(f"VGGSound labels it {row.vggsound_label}")


def test_a_conflict_is_on_the_list_only_where_no_clip_of_the_label_agrees_and_then_once(screened, vggsound, r2):
    proposed = screened[screened["proposed"]]
    pairs = proposed[["clip_id", "label"]].itertuples(index=False)
    agreed = [vggsound[clip] in spelled_alike(label) for clip, label in pairs]
    without = set(proposed["label"]) - set(proposed.loc[agreed, "label"])
    conflicts = r2[r2["reason"] != ""]
    assert set(conflicts["label"]) == without == {"male singing", "car passing by"}
    assert len(conflicts) == 2
    assert conflicts["reason"].str.endswith("do both data sets agree").all()


def test_reserves_are_other_videos_ranked_by_label_those_in_conflict_last(r2, reserves):
    assert list(reserves.columns) == RESERVE_COLUMNS
    videos = [split_clip_id(clip)[0] for clip in [*r2["clip_id"], *reserves["clip_id"]]]
    assert len(set(videos)) == len(videos)
    for _, pool in reserves.groupby("label"):
        assert pool["rank"].to_list() == [str(rank) for rank in range(1, len(pool) + 1)]
        in_conflict = (pool["reason"] != "").to_list()
        assert in_conflict == sorted(in_conflict)


def test_a_label_has_five_reserves_a_clip_or_all_that_there_are(screened, r2, reserves):
    taken = {split_clip_id(clip)[0] for clip in r2["clip_id"]}
    proposed = screened[screened["proposed"]]
    for label, clips in r2["label"].value_counts().items():
        videos = {split_clip_id(clip)[0] for clip in proposed.loc[proposed["label"] == label, "clip_id"]} - taken
        assert (reserves["label"] == label).sum() == min(RESERVES_PER_CLIP * clips, len(videos))
    assert set(r2["label"]) - set(reserves["label"]) == {"train wheels squealing"}


def test_a_proposed_clip_without_vggsound_s_label_is_refused(screened):
    own = load_vggsound_labels()
    gone = screened.loc[screened["proposed"], "clip_id"].iloc[0]
    with pytest.raises(ValueError, match=f"label of 1 proposed clips is missing, the first is {gone}"):
        with_agreement(screened, {clip: label for clip, label in own.items() if clip != gone})
