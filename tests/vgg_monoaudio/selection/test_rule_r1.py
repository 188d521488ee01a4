from importlib.resources import files

import pandas as pd
import pytest

from vgg_monoaudio.pairing import exhaustive_pairs, filter_intra_class, sample_inter_class
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.rule_r1 import R1_COLUMNS, derive_list, label_counts, list_as_csv, overlap_with_unav100
from vgg_monoaudio.selection.screening import proposals_per_label
from vgg_monoaudio.selection.source_list import load_source_list
from vgg_monoaudio.selection.unav100 import read_unav100
from vgg_monoaudio.taxonomy import CATEGORIES, category_of, load_labels


@pytest.fixture(scope="module")
def r1() -> pd.DataFrame:
    return load_source_list("r1")


def test_r1_follows_from_vggsounder_and_the_rule_byte_for_byte(screened):
    shipped = files("vgg_monoaudio.selection").joinpath("lists", "r1.csv").read_bytes()
    assert list_as_csv(derive_list(screened)) == shipped


def test_the_rule_does_not_depend_on_the_order_of_the_screening(screened, r1):
    shuffled = screened.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(derive_list(shuffled), r1)


def test_r1_has_67_clips_of_67_videos_over_39_labels_and_8_categories(r1):
    assert list(r1.columns) == R1_COLUMNS
    assert len(r1) == 67
    assert len({split_clip_id(clip)[0] for clip in r1["clip_id"]}) == 67
    assert set(r1["label"]) == set(load_labels()["label"])
    assert set(r1["category"]) == set(CATEGORIES)
    assert (r1["category"] == r1["label"].map(category_of)).all()
    assert set(r1["rule_version"]) == {"r1"}


def test_r1_s_counts_have_the_squares_that_the_paper_s_totals_ask_for(r1):
    assert (r1["category"].value_counts() ** 2).sum() == 739
    assert (r1["label"].value_counts() ** 2).sum() == 179


def test_pairing_r1_exhaustively_gives_the_paper_s_totals(r1):
    inter, intra = exhaustive_pairs(r1)
    assert (len(inter), len(intra)) == (3750, 560)


def test_r1_fills_every_cell_of_the_inter_class_sample(r1):
    sample = sample_inter_class(exhaustive_pairs(r1).inter)
    assert set(sample.groupby(["target_category", "paired_category"]).size()) == {10}


def test_of_r1_s_intra_class_pairs_549_remain(r1):
    kept, dropped = filter_intra_class(exhaustive_pairs(r1).intra)
    assert (len(kept), len(dropped)) == (549, 11)


def test_every_clip_of_r1_is_proposed_by_the_screening_with_this_evidence(screened, r1):
    proposed = screened[screened["proposed"]].set_index(["clip_id", "label"])["evidence"]
    for clip, label, evidence in r1[["clip_id", "label", "evidence"]].itertuples(index=False):
        assert proposed[clip, label] == evidence


def test_clips_of_r1_are_in_vggsound_s_real_test_list(real_annotations, r1):
    from vgg_monoaudio.selection.annotations import read_vggsound

    assert set(r1["clip_id"]) <= set(read_vggsound(real_annotations / "vggsound_test.csv").rows["clip_id"])


def test_no_silent_object_is_in_a_clip_while_its_label_has_clips_without(screened, r1):
    proposed = screened[screened["proposed"]].set_index("clip_id")
    alone = proposed[proposed["silent_objects"] == ""]["label"].value_counts()
    for label, clips in r1.groupby("label")["clip_id"]:
        busy = (proposed.loc[clips, "silent_objects"] != "").sum()
        assert busy <= max(0, len(clips) - alone.get(label, 0))


def test_the_counts_are_as_even_as_the_totals_allow(screened, r1):
    # 67 clips over 39 labels with squares 179 need a label of 5: with at most 4, the 28 clips beyond one a label
    # would be counts of 4 alone, and 28 is no multiple of 3.
    assert r1["label"].value_counts().max() == 5
    # Of the 50,546 category counts with the totals, found by plain enumeration, none has a larger sum of clips times
    # labels than 419, that is, none is nearer to the categories' shares in the labels.
    labels = load_labels()["category"].value_counts()
    assert (r1["category"].value_counts() * labels).sum() == 419
    assert label_counts(proposals_per_label(screened)) == r1["label"].value_counts().to_dict()


def test_labels_without_candidates_and_counts_that_do_not_fit_are_refused():
    available = dict.fromkeys(load_labels()["label"], 9)
    with pytest.raises(ValueError, match="no candidate for playing harp; every label needs one"):
        label_counts(available | {"playing harp": 0})
    with pytest.raises(ValueError, match="no counts with squares 739 and 179 fit"):
        label_counts(dict.fromkeys(available, 2))


def test_scarce_candidates_bound_the_counts():
    available = dict.fromkeys(load_labels()["label"], 9)
    counts = label_counts(available | {"dog barking": 1, "sheep bleating": 1, "bird chirping": 2})
    assert (counts["dog barking"], counts["sheep bleating"]) == (1, 1)
    assert counts["bird chirping"] <= 2
    assert sum(counts.values()) == 67
    assert sum(n * n for n in counts.values()) == 179


def test_of_a_video_with_clips_of_two_labels_the_scarce_label_keeps_its_clip(screened):
    proposed = screened["proposed"]
    [train] = screened.loc[proposed & (screened["label"] == "train wheels squealing"), "clip_id"]
    birds = screened.index[proposed & (screened["label"] == "bird chirping")][:8]
    shared = screened.copy()
    shared.loc[birds, "clip_id"] = [f"{split_clip_id(train)[0]}_{900 + n:06d}" for n in range(len(birds))]
    derived = derive_list(shared)
    assert derived.loc[derived["label"] == "train wheels squealing", "clip_id"].to_list() == [train]


def test_the_overlap_with_unav100_is_reported(r1, write_unav100):
    videos = {split_clip_id(clip)[0]: [(0, 5, "dog barking")] for clip in r1["clip_id"][[3, 7]]}
    overlap = overlap_with_unav100(r1, read_unav100(write_unav100(videos)).videos)
    assert overlap.clips == 67
    assert overlap.shared == tuple(r1["clip_id"][[3, 7]])


def test_the_readme_beside_the_list_says_whose_it_is_not():
    readme = files("vgg_monoaudio.selection").joinpath("lists", "README.md").read_text()
    assert "It is not the authors' list" in readme
    assert "screened by\nannotations alone" in readme
