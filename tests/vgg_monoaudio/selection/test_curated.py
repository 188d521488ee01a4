"""From candidates to a list of sources that `build` takes."""

import pandas as pd
import pytest

from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
from vgg_monoaudio.selection.curated import (
    LIST_COLUMNS,
    new_automatic_decisions,
    read_curations,
    screen_candidates,
    source_list,
    sources_of_curation,
    write_source_list,
)
from vgg_monoaudio.selection.decisions import Decision, append_decisions, apply_decisions
from vgg_monoaudio.selection.rule_r1 import load_source_list
from vgg_monoaudio.selection.source_list import read_source_list

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"
NOON = "2025-06-01T12:00:00+00:00"


def evidence(clip: str, label: str, *, proposed: bool = True) -> dict[str, object]:
    return {
        "clip_id": clip, "label": label, "category": "Animal", "single_source": proposed, "visible": True,
        "label_matches": True, "proposed": proposed, "evidence": f"said of {clip}",
    }  # fmt: skip


def candidate(clip: str, vggsound: str, unav100: str) -> dict[str, object]:
    row = dict.fromkeys(CANDIDATE_COLUMNS, "")
    return {**row, "clip_id": clip, "vggsound": vggsound, "unav100": unav100}


def decision(clip: str, label: str = "dog barking", *, reviewer: str = "ann", yes: bool = True, offset: float = 0.5):
    return Decision(clip, yes, True, True, label, offset, reviewer, "", NOON)


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


def test_filling_a_file_twice_adds_nothing(tmp_path):
    screened = pd.DataFrame([evidence(DOG, "dog barking"), evidence(CAR, "dog barking", proposed=False)])
    first = new_automatic_decisions(screened, [], label_version="1.0", time=NOON)
    assert [(made.clip_id, made.accepted, made.automatic) for made in first] == [(DOG, True, True), (CAR, False, True)]
    assert new_automatic_decisions(screened, first, label_version="1.0", time="2026-01-01T00:00:00") == []
    newer = new_automatic_decisions(screened, first, label_version="1.1", time=NOON)
    assert [made.reviewer for made in newer] == ["auto:vggsounder-1.1"] * 2


def test_the_list_is_one_that_build_takes(tmp_path):
    applied = apply_decisions([decision(DOG, offset=1.5), decision(CAR, "playing harp"), decision(HARP, yes=False)])
    sources = source_list(applied)
    assert list(sources.columns) == LIST_COLUMNS
    write_source_list(tmp_path / "mine.csv", sources)
    read = read_source_list(tmp_path / "mine.csv")
    assert read.to_numpy().tolist() == [[DOG, "dog barking", "Animal", 1.5], [CAR, "playing harp", "Music", 0.5]]
    assert load_source_list(tmp_path / "mine.csv")["reviewers"].to_list() == ["ann", "ann"]


def test_a_list_without_clips_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="no clip is accepted"):
        write_source_list(tmp_path / "mine.csv", source_list(apply_decisions([decision(DOG, yes=False)])))
    assert not (tmp_path / "mine.csv").exists()


def test_decisions_of_several_files_are_heard_together(tmp_path):
    append_decisions(tmp_path / "ann.csv", [decision(DOG), decision(CAR)])
    append_decisions(tmp_path / "bob.csv", [decision(DOG, reviewer="bob", yes=False)])
    applied = apply_decisions(read_curations([tmp_path / "ann.csv", tmp_path / "bob.csv"]))
    assert applied.sources["clip_id"].to_list() == [CAR]
    assert "undecided, 1 of 2 say yes" in applied.rejected["reason"][0]


def test_a_file_that_is_absent_or_given_twice_is_refused(tmp_path):
    append_decisions(tmp_path / "ann.csv", [decision(DOG)])
    with pytest.raises(ValueError, match=r"bob\.csv: no such file of decisions"):
        read_curations([tmp_path / "ann.csv", tmp_path / "bob.csv"])
    with pytest.raises(ValueError, match="given twice"):
        read_curations([tmp_path / "ann.csv", tmp_path / "." / "ann.csv"])


def test_decisions_alone_give_the_list_of_what_they_accept(tmp_path):
    append_decisions(tmp_path / "curation.csv", [decision(DOG), decision(CAR, yes=False)])
    assert sources_of_curation(tmp_path / "curation.csv")["clip_id"].to_list() == [DOG]
