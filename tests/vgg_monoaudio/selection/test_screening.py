import importlib.util

import pandas as pd
import pytest

from vgg_monoaudio.selection import screening
from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
from vgg_monoaudio.selection.screening import (
    LABEL_COLUMNS,
    MissingVGGSounder,
    VGGSounder,
    load_vggsounder,
    measure_synonyms,
    proposals_per_label,
    screen,
    screen_candidates,
)
from vgg_monoaudio.taxonomy import load_labels, load_synonyms

CLIP = "3qesirWAGt4_000020"


def labels(*given: tuple[str, str], music: bool = False, still: bool = False, voice: bool = False) -> VGGSounder:
    """One clip with these labels and modalities."""
    rows = [(CLIP, label, modality, music, still, voice) for label, modality in given]
    return VGGSounder(pd.DataFrame(rows, columns=LABEL_COLUMNS), version="test")


def judged(given: VGGSounder) -> dict[str, object]:
    [row] = screen(given).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("given", "single_source", "visible", "label_matches"),
    [
        pytest.param(labels(("dog barking", "AV")), True, True, True, id="one sound, seen"),
        pytest.param(labels(("dog barking", "A")), True, False, True, id="heard but not seen"),
        pytest.param(labels(("dog barking", "V")), True, True, False, id="seen but not heard"),
        pytest.param(labels(("dog barking", "AV"), ("wind noise", "A")), False, True, True, id="a second sound"),
        pytest.param(labels(("dog barking", "AV"), ("people crowd", "V")), True, True, True, id="a silent crowd"),
        pytest.param(labels(("dog barking", "AV"), ("dog bow-wow", "AV")), True, True, True, id="a synonym"),
        pytest.param(labels(("dog barking", "AV"), music=True), False, True, True, id="background music"),
        pytest.param(labels(("dog barking", "AV"), voice=True), False, True, True, id="voice-over"),
        pytest.param(labels(("dog barking", "AV"), still=True), True, False, True, id="still image"),
    ],
)
def test_each_criterion_follows_from_what_the_annotators_say(given, single_source, visible, label_matches):
    row = judged(given)
    assert (row["single_source"], row["visible"], row["label_matches"]) == (single_source, visible, label_matches)
    assert row["proposed"] == (single_source and visible and label_matches)


def test_a_kind_of_the_label_is_no_second_sound_in_either_direction():
    assert judged(labels(("bird chirping, tweeting", "AV"), ("canary calling", "AV")))["proposed"]
    assert judged(labels(("airplane flyby", "AV"), ("airplane", "AV")))["proposed"]
    assert not judged(labels(("airplane flyby", "AV"), ("helicopter", "AV")))["proposed"]


def test_a_clip_with_two_of_the_39_labels_is_screened_for_each():
    table = screen(labels(("dog barking", "AV"), ("sheep bleating", "A")))
    assert table["label"].to_list() == ["dog barking", "sheep bleating"]
    assert table["other_sounds"].to_list() == ["sheep bleating", "dog barking"]


def test_the_evidence_is_a_sentence_with_the_version_of_the_labels():
    row = judged(
        labels(("dog barking", "AV"), ("dog bow-wow", "AV"), ("wind noise", "A"), ("people crowd", "V"), voice=True)
    )
    assert row["evidence"] == (
        "VGGSounder test: audible and visible; also as dog bow-wow; other sounds: wind noise; with voice-over"
    )
    assert row["silent_objects"] == "people crowd"


def test_every_label_has_candidates_from_1_to_139(screened):
    counts = proposals_per_label(screened)
    assert list(counts) == load_labels()["label"].to_list()
    assert counts == {
        "baby crying": 16,
        "baby laughter": 4,
        "child singing": 3,
        "male singing": 7,
        "people burping": 6,
        "people sneezing": 2,
        "people whispering": 5,
        "baby babbling": 9,
        "car passing by": 4,
        "driving buses": 5,
        "driving motorcycle": 4,
        "engine knocking": 2,
        "fire truck siren": 4,
        "police car siren": 16,
        "train wheels squealing": 1,
        "airplane flyby": 17,
        "playing acoustic guitar": 15,
        "playing banjo": 10,
        "playing cello": 5,
        "playing electric guitar": 24,
        "playing harmonica": 9,
        "playing harp": 18,
        "playing zither": 10,
        "playing accordion": 20,
        "lawn mowing": 15,
        "typing on computer keyboard": 13,
        "vacuum cleaner cleaning floors": 13,
        "chainsawing trees": 15,
        "dog barking": 17,
        "sheep bleating": 9,
        "bird chirping": 139,
        "waterfall burbling": 8,
        "underwater bubbling": 15,
        "rope skipping": 4,
        "skateboarding": 2,
        "basketball bounce": 6,
        "firework banging": 9,
        "machine gun shooting": 18,
        "church bell ringing": 20,
    }


def test_proposals_count_labels_without_any_clip_as_zero():
    counts = proposals_per_label(screen(labels(("dog barking", "AV"))))
    assert (counts["dog barking"], counts["playing harp"], len(counts)) == (1, 0, 39)


def test_no_clip_is_proposed_for_two_labels(screened):
    assert screened.loc[screened["proposed"], "clip_id"].is_unique


def test_the_synonym_table_is_what_vggsounder_measures_but_for_a_commentator(vggsounder):
    measured = measure_synonyms(vggsounder).set_index(["vggsound", "synonym"])["share"]
    table = load_synonyms().set_index(["vggsound", "synonym"])["share"]
    # A match has its commentator in most clips; a voice is not the sound of a ball.
    assert set(measured.index) - set(table.index) == {("shot football", "male speech, man speaking")}
    assert set(table.index) <= set(measured.index)
    for pair, share in table.items():
        assert share == pytest.approx(measured[pair], abs=5e-4)  # the table has three decimals


def test_synonyms_are_measured_on_what_is_audible():
    rows = pd.concat(
        [labels(("dog barking", "AV"), ("dog bow-wow", "A"), ("people crowd", "V")).rows] * 2
        + [labels(("dog bow-wow", "A")).rows],
        keys=range(3),
    ).reset_index(level=0)
    rows["video_id"] = rows["level_0"].map("clip{}".format)
    found = measure_synonyms(VGGSounder(rows[LABEL_COLUMNS], "test"), more_than=0.5)
    assert found.to_numpy().tolist() == [
        ["dog bow-wow", "dog barking", pytest.approx(2 / 3)],
        ["dog barking", "dog bow-wow", 1.0],
    ]


def test_a_label_file_of_the_same_form_can_take_the_place_of_the_package_s_own(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"{','.join(LABEL_COLUMNS)}\n{CLIP},dog barking,AV,False,True,False\n")
    loaded = load_vggsounder(path)
    assert loaded.version == "labels.csv"
    assert loaded.rows["static_image"].to_list() == [True]
    assert not judged(loaded)["visible"]


def test_what_is_missing_is_said_with_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(MissingVGGSounder, match="no such file"):
        load_vggsounder(tmp_path / "none.csv")
    other = tmp_path / "other.csv"
    other.write_text("video_id,label\n")
    with pytest.raises(MissingVGGSounder, match=r"other\.csv: expected columns video_id, label, modality"):
        load_vggsounder(other)
    monkeypatch.setattr(screening, "find_spec", lambda name: None)
    with pytest.raises(MissingVGGSounder, match=r"pip install .*\[curation\]'"):
        load_vggsounder()


def test_the_package_is_read_but_not_imported(vggsounder):
    assert importlib.util.find_spec("vggsounder") is not None
    assert len(vggsounder.rows) == 37_395
    assert vggsounder.rows["video_id"].nunique() == 15_069


# Of candidates

DOG, CAR = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020"


def evidence(clip: str, label: str, *, proposed: bool = True) -> dict[str, object]:
    return {
        "clip_id": clip, "label": label, "category": "Animal", "single_source": proposed, "visible": True,
        "label_matches": True, "proposed": proposed, "evidence": f"said of {clip}",
    }  # fmt: skip


def candidate(clip: str, vggsound: str, unav100: str) -> dict[str, object]:
    row = dict.fromkeys(CANDIDATE_COLUMNS, "")
    return {**row, "clip_id": clip, "vggsound": vggsound, "unav100": unav100}


def test_evidence_counts_under_the_labels_that_the_datasets_give():
    screened = pd.DataFrame(
        [evidence(DOG, "dog barking"), evidence(DOG, "sheep bleating"), evidence(CAR, "dog barking")]
    )
    found = screen_candidates(screened, pd.DataFrame([candidate(DOG, "dog barking", "dog barking")]))
    assert found.rows[["clip_id", "label"]].to_numpy().tolist() == [[DOG, "dog barking"]]
    assert found.without.empty


def test_of_a_clip_whose_datasets_differ_both_labels_come_into_question():
    screened = pd.DataFrame([evidence(DOG, "dog barking"), evidence(DOG, "sheep bleating")])
    found = screen_candidates(screened, pd.DataFrame([candidate(DOG, "dog barking", "sheep bleating")]))
    assert found.rows["label"].to_list() == ["dog barking", "sheep bleating"]


def test_a_spelling_of_one_dataset_leads_to_our_label():
    screened = pd.DataFrame([evidence(DOG, "bird chirping")])
    found = screen_candidates(screened, pd.DataFrame([candidate(DOG, "bird chirping, tweeting", "no such class")]))
    assert found.rows["label"].to_list() == ["bird chirping"]


def test_a_candidate_without_evidence_is_named():
    screened = pd.DataFrame([evidence(DOG, "sheep bleating")])
    found = screen_candidates(screened, pd.DataFrame([candidate(DOG, "dog barking", "dog barking")]))
    assert found.rows.empty
    assert found.without.to_dict("records") == [
        {"clip_id": DOG, "reason": "VGGSounder does not give the label dog barking"}
    ]


def test_ids_of_digits_stay_text(tmp_path):
    rows = [("00000000012", "1", "AV", False, False, False)]
    path = tmp_path / "labels.csv"
    pd.DataFrame(rows, columns=LABEL_COLUMNS).to_csv(path, index=False)
    assert load_vggsounder(path).rows.iloc[0].to_list()[:2] == ["00000000012", "1"]
