"""The verbs from annotations to a list: they print the funnel, name what is wrong, and end in a list for `build`."""

import json
import shutil
import sys

import pandas as pd
import pytest

from foundation.extras import command_for
from vgg_monoaudio.selection.decisions import Decision, append_decisions, read_decisions
from vgg_monoaudio.selection.funnel import read_funnel
from vgg_monoaudio.selection.pair_decisions import PAIR_DECISIONS, PairDecision, read_pair_verdicts
from vgg_monoaudio.selection.screening import LABEL_COLUMNS
from vgg_monoaudio.selection.source_list import LISTS as LISTS_THAT_SHIP
from vgg_monoaudio.selection.source_list import load_source_list, read_source_list

DOG, CAR, HARP, HORN = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030", "ddddddddddd_000040"
LABELS = {DOG: "dog barking", HORN: "sheep bleating", CAR: "car passing by", HARP: "driving buses"}
NOON = "2025-06-01T12:00:00+00:00"


@pytest.fixture
def vggsound(tmp_path):
    path = tmp_path / "vggsound.csv"
    path.write_text(
        "aaaaaaaaaaa,10,dog barking,test\n"
        "bbbbbbbbb-b,20,car passing by,test\n"
        "ccccc_ccccc,30,playing harp,test\n"
        "ddddddddddd,40,mouse clicking,test\n"
        "eeeeeeeeeee,50,dog barking,train\n"
    )
    return path


@pytest.fixture
def unav(write_unav100):
    return write_unav100(
        {
            "aaaaaaaaaaa": [(11, 15, "dog barking"), (40, 50, "car passing by")],
            "bbbbbbbbb-b": [(21, 22, "car passing by"), (23, 24, "dog barking")],
            "ddddddddddd": [(41, 44, "mouse clicking")],
            "eeeeeeeeeee": [(50, 55, "dog barking")],
        }
    )


@pytest.fixture
def trims(tmp_path):
    path = tmp_path / "download_video.csv"
    path.write_text("aaaaaaaaaaa,0,60\nbbbbbbbbb-b,0,60\nddddddddddd,0,60\n")
    return path


@pytest.fixture
def vggsounder_file(tmp_path):
    rows = [
        (DOG, "dog barking", "AV", False, False, False),
        (CAR, "car passing by", "AV", True, False, False),
        (HARP, "playing harp", "AV", False, False, False),
    ]
    path = tmp_path / "vggsounder.csv"
    pd.DataFrame(rows, columns=LABEL_COLUMNS).to_csv(path, index=False)
    return path


@pytest.fixture
def decided(tmp_path):
    def write(name: str, reviewer: str, *answers: tuple[str, bool]):
        made = [Decision(clip, yes, True, True, "dog barking", 1.0, reviewer, "", NOON) for clip, yes in answers]
        append_decisions(tmp_path / name, made)
        return tmp_path / name

    return write


def test_candidates_print_the_funnel_and_keep_it_beside_the_table(call, unav, vggsound, trims, tmp_path):
    result = call("candidates", "--unav", unav, "--vggsound", vggsound, "--trims", trims)
    assert "videos in both datasets: 3 (expected 907)" in result.stdout
    assert "note: expected 907 videos common" in result.stdout
    assert pd.read_csv(tmp_path / "candidates.csv")["clip_id"].to_list() == [DOG]
    funnel = read_funnel(tmp_path / "candidates.funnel.csv")
    assert funnel["clips"].to_list() == [4, 3, 3, 2, 1]
    for stage in funnel["stage"]:
        assert stage in result.stdout


def test_the_note_is_gone_when_the_number_is_as_expected(call, unav, vggsound, trims):
    result = call("candidates", "--unav", unav, "--vggsound", vggsound, "--trims", trims, "--expected-common-videos", 3)
    assert "note:" not in result.stdout


def test_without_trims_all_events_count_and_it_is_said(call, unav, vggsound, tmp_path):
    result = call("candidates", "--unav", unav, "--vggsound", vggsound)
    assert "no trim offsets given" in result.stdout
    assert "0 candidates" in result.stdout


def test_malformed_rows_are_named_and_the_status_says_so(call, unav, vggsound, tmp_path):
    vggsound.write_text(vggsound.read_text() + "short,1,dog barking,test\n")
    result = call("candidates", "--unav", unav, "--vggsound", vggsound, status=1)
    assert "vggsound.csv:6: youtube_id: expected 11 letters" in result.stderr
    assert (tmp_path / "candidates.csv").is_file()


def test_a_file_that_is_not_there_is_a_wrong_question(call, unav):
    assert "does not exist" in call("candidates", "--unav", unav, "--vggsound", "no.csv", status=2).output


def test_screening_candidates_goes_on_from_their_funnel(call, unav, vggsound, trims, vggsounder_file, tmp_path):
    call("candidates", "--unav", unav, "--vggsound", vggsound, "--trims", trims)
    result = call("screen", "--candidates", "candidates.csv", "--vggsounder", vggsounder_file)
    assert "1 of 1 proposed, by VGGSounder vggsounder.csv" in result.stdout
    assert "no clip is proposed for 38 of 39 labels" in result.stdout
    assert read_funnel(tmp_path / "screened.funnel.csv").iloc[-1].to_list()[:2] == ["annotated by VGGSounder", 1]


def test_screening_without_candidates_takes_every_clip(call, vggsounder_file):
    assert "2 of 3 proposed" in call("screen", "--vggsounder", vggsounder_file).stdout


def test_candidates_of_another_form_are_refused(call, tmp_path, vggsounder_file):
    (tmp_path / "x.csv").write_text("clip_id\na\n")
    result = call("screen", "--candidates", "x.csv", "--vggsounder", vggsounder_file, status=1)
    assert "not what `candidates` writes" in str(result.exception)


def test_auto_fills_the_decisions_and_ends_in_a_list_that_build_takes(call, vggsounder_file, tmp_path):
    result = call("curate", "apply", "--auto", "--vggsounder", vggsounder_file, "--time", NOON)
    assert "3 automatic decisions added, 0 were there" in result.stdout
    assert (
        "2 clips of 2 labels and 2 categories accepted, 2 of them by the screening alone; 1 rejected" in result.stdout
    )
    decisions = read_decisions(tmp_path / "curation.csv")
    assert all(decision.automatic and decision.time == NOON for decision in decisions)
    assert read_source_list(tmp_path / "sources.csv")["clip_id"].to_list() == [DOG, HARP]
    assert read_funnel(tmp_path / "sources.funnel.csv")["clips"].to_list() == [3, 2]
    before = (tmp_path / "curation.csv").read_bytes()
    again = call("curate", "apply", "--auto", "--vggsounder", vggsounder_file)
    assert "0 automatic decisions added, 3 were there" in again.stdout
    assert (tmp_path / "curation.csv").read_bytes() == before


def test_the_funnel_runs_from_all_clips_to_those_accepted(call, unav, vggsound, trims, vggsounder_file, tmp_path):
    call("candidates", "--unav", unav, "--vggsound", vggsound, "--trims", trims)
    call(
        "curate",
        "apply",
        "--auto",
        "--candidates",
        "candidates.csv",
        "--vggsounder",
        vggsounder_file,
        "--out",
        "mine.csv",
    )
    funnel = read_funnel(tmp_path / "mine.funnel.csv")
    assert funnel["stage"].to_list()[0] == "VGGSound test clips"
    assert funnel["stage"].to_list()[-2:] == ["annotated by VGGSounder", "accepted"]


def test_people_go_on_from_the_candidates_funnel(call, unav, vggsound, trims, decided, tmp_path):
    call("candidates", "--unav", unav, "--vggsound", vggsound, "--trims", trims)
    call("curate", "apply", decided("ann.csv", "ann", (DOG, True)), "--candidates", "candidates.csv")
    assert read_funnel(tmp_path / "sources.funnel.csv")["stage"].to_list()[-2:] == ["decided on", "accepted"]


def test_reviewers_agreement_and_every_conflict_are_shown(call, decided):
    ann = decided("ann.csv", "ann", (DOG, True), (CAR, True), (HARP, False), (HORN, True))
    bob = decided("bob.csv", "bob", (DOG, True), (CAR, False), (HARP, False), (HORN, True))
    result = call("curate", "apply", ann, bob)
    assert f"conflict: {CAR} single_source: ann: yes; bob: no" in result.stdout
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("single_source"))
    assert row == ["single_source", "2", "4", "0.750", "0.500", "cohen", "0.533"]  # alpha: 1 - (1/4) / (30/56)
    assert (
        "2 clips of 1 labels and 1 categories accepted, 0 of them by the screening alone; 2 rejected" in result.stdout
    )


@pytest.mark.parametrize("words", [(), ("--out", "sources.csv")], ids=["files alone", "options too"])
def test_curate_without_a_subcommand_applies_and_names_the_new_spelling(call, decided, tmp_path, words):
    file = decided("curation.csv", "ann", (DOG, True))
    result = call("curate", *words, file)
    assert result.stderr == "note: curate without a subcommand is spelled `curate apply` now\n"
    assert read_source_list(tmp_path / "sources.csv")["clip_id"].to_list() == [DOG]
    assert "spelled" not in call("curate", "apply", file).stderr


def test_a_misspelled_subcommand_is_named_and_the_right_one_too(call, decided, tmp_path):
    refused = call("curate", "aply", decided("curation.csv", "ann", (DOG, True)), status=2)
    assert "no subcommand and no file 'aply'; did you mean `curate apply`?" in " ".join(refused.stderr.split())
    decided("aply", "ann", (DOG, True))
    call("curate", "aply")  # a file of this name is there
    assert read_source_list(tmp_path / "sources.csv")["clip_id"].to_list() == [DOG]


def test_the_help_of_the_group_names_its_verbs(call):
    shown = call("curate", "--help").stdout
    assert all(verb in shown for verb in ("apply", "pairs", "serve"))


def test_without_the_extra_the_page_says_how_to_get_it(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "benchmark.web.serving", raising=False)
    monkeypatch.delitem(sys.modules, "benchmark.web.curation.serving", raising=False)
    (tmp_path / "candidates.csv").write_text("")
    refused = call("curate", "serve", "candidates.csv", "--clips", ".", status=1).exception
    told = f"the curation page needs the package uvicorn; to get it: {command_for('web')}"
    assert str(refused) == told


def test_serving_what_is_no_queue_is_refused_and_nothing_is_left(call, tmp_path):
    (tmp_path / "x.csv").write_text("clip_id\na\n")
    refused = call("curate", "serve", "x.csv", "--clips", ".", status=1).exception
    assert "not what `candidates` or `screen` writes" in str(refused)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


@pytest.fixture
def judged_pairs(tmp_path):
    def write(name: str, *answers: tuple[str, str, bool]):
        made = [
            PairDecision(target, paired, LABELS[target], LABELS[paired], yes, name, "", NOON)
            for target, paired, yes in answers
        ]
        PAIR_DECISIONS.append(tmp_path / f"{name}.csv", made)
        return tmp_path / f"{name}.csv"

    return write


def test_decisions_about_pairs_become_verdicts(call, judged_pairs, tmp_path):
    ann = judged_pairs("ann", (DOG, HORN, True), (HORN, DOG, False), (CAR, HARP, False))
    bob = judged_pairs("bob", (DOG, HORN, False), (HORN, DOG, False))
    result = call("curate", "pairs", ann, bob)
    assert f"conflict: {DOG} (dog barking) with {HORN}: ann: yes; bob: no" in result.stdout
    assert "pairs.csv: 3 pairs judged, 1 of them dropped; 1 conflicts" in result.stdout
    verdicts = read_pair_verdicts(tmp_path / "pairs.csv").set_index(["target_id", "paired_id"])
    assert verdicts["also_describes"].to_dict() == {(DOG, HORN): True, (HORN, DOG): False, (CAR, HARP): False}
    assert verdicts["reason"][DOG, HORN].startswith("reviewers: undecided, 1 of 2 say")


def test_build_says_which_verdicts_are_about_no_pair_of_its_list(call, judged_pairs, tmp_path):
    call("curate", "pairs", judged_pairs("ann", (DOG, HORN, True), (CAR, HARP, False)))
    (tmp_path / "mine.csv").write_text(f"clip_id,label\n{DOG},dog barking\n{HORN},sheep bleating\n")
    (tmp_path / "clips").mkdir()
    words = ("build", "--labels", "mine.csv", "--sources", "clips", "--pairs", "pairs.csv", "--out", "built")
    result = call(*words, status=1)  # no clip is there
    assert "pairs.csv: verdicts on 1 of 2 intra-class pairs" in result.stdout
    assert f"1 verdicts are about no pair of this list, the first about {CAR}" in result.stderr


def test_without_decisions_the_way_to_some_is_named(call):
    assert "`curate apply --auto` makes one" in str(call("curate", "apply", status=1).exception)


@pytest.mark.parametrize("words", [(), ("r1",)])
def test_a_list_that_ships_is_listed_with_its_counts_and_whose_it_is_not(call, words):
    result = call("list-sources", *words)
    assert f"list: {words[0] if words else 'r2'}\n" in result.stdout
    assert "clips: 67" in result.stdout
    assert "inter class pairs: 3750" in result.stdout
    assert "it is not the list of the paper's authors" in result.stdout


def test_the_overlap_of_r1_with_unav100_is_reported(call, write_unav100):
    clip = load_source_list("r1")["clip_id"][5]
    path = write_unav100({clip[:11]: [(0, 4, "dog barking")], "zzzzzzzzzzz": [(0, 4, "dog barking")]})
    facts = json.loads(call("list-sources", "r1", "--unav", path, "--json").stdout)
    assert facts["in_unav100"] == "1 of 67"
    assert facts["clips_in_unav100"] == [clip]
    assert len(facts["sources"]) == 67


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_a_list_that_ships_follows_from_its_rule(call, vggsounder, name):
    assert "derived again: the same" in call("list-sources", name, "--derive").stdout


@pytest.mark.parametrize("file", ["r2.csv", "r2.reserves.csv"])
def test_a_list_that_does_not_follow_from_its_rule_is_found(call, vggsounder, tmp_path, monkeypatch, file):
    for path in LISTS_THAT_SHIP.iterdir():
        shutil.copy(path, tmp_path / path.name)
    text = (tmp_path / file).read_text()
    (tmp_path / file).write_text(text.replace("VGGSounder 1.0", "VGGSounder 1.1", 1))
    monkeypatch.setattr("vgg_monoaudio.selection.source_list.LISTS", tmp_path)
    assert "derived again: differs" in call("list-sources", "r2", "--derive", status=1).stdout


def test_conflicts_and_labels_with_few_or_no_reserves_are_named(call):
    shown = call("list-sources", "r2").stdout
    conflicts = [line for line in shown.splitlines() if line.startswith("conflict: ")]
    assert [line.split(", ")[1].split(":")[0] for line in conflicts] == ["male singing", "car passing by"]
    assert "VGGSound labels it people humming" in conflicts[0]
    assert "\nno reserve at all: train wheels squealing\n" in shown
    (few,) = (line for line in shown.splitlines() if line.startswith("fewer than 5 reserves per clip: "))
    assert "skateboarding (1)" in few
    assert "male singing" not in few
    facts = json.loads(call("list-sources", "r2", "--json").stdout)
    assert facts["reserves"]["train wheels squealing"] == 0
    assert [conflict["label"] for conflict in facts["conflicts"]] == ["male singing", "car passing by"]
    assert "reserves" not in json.loads(call("list-sources", "r1", "--json").stdout)


def test_a_list_of_one_s_own_is_counted_and_not_derived(call, tmp_path):
    (tmp_path / "mine.csv").write_text(f"clip_id,label,category\n{DOG},dog barking,Animal\n")
    assert "clips: 1" in call("list-sources", "mine.csv").stdout
    assert "only the lists that ship (r1, r2) follow from a rule, not mine.csv" in str(
        call("list-sources", "mine.csv", "--derive", status=1).exception
    )


LISTS = {
    "own labels and ids": "clip_id,label,category\nbell00000001_000010,ringing bell,Metal\nb,humming,Voice\n",
    "comments, blank lines, no category": f"# ours\nclip_id,label\n\n{DOG},dog barking\n{HARP},playing harp\n",
    "columns in another order": f"start_seconds,label,clip_id\n1.5,dog barking,{DOG}\n,playing harp,{HARP}\n",
    "a byte order mark": f"\ufeffclip_id,label,category\n{DOG},dog barking,Animal\n{HARP},playing harp,Music\n",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_that_build_takes_is_one_that_list_sources_takes(call, tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    (tmp_path / "clips").mkdir()
    taken = call("build", "--labels", "mine.csv", "--sources", "clips", "--out", "built", status=1).exception
    assert "2 of 2 clips cannot be used" in str(taken)  # the list is taken; no clip of it is there
    facts = json.loads(call("list-sources", "mine.csv", "--json").stdout)
    listed = [problem.clip_id for problem in taken.problems]
    assert sorted(row["clip_id"] for row in facts["sources"]) == listed
    assert (facts["clips"], facts["inter_class_pairs"]) == (2, 2)


def test_decisions_are_a_list_to_both(call, decided, tmp_path):
    decided("curation.csv", "ann", (DOG, True), (CAR, False), (HARP, True))
    (tmp_path / "clips").mkdir()
    taken = call("build", "--labels", "curation.csv", "--sources", "clips", "--out", "built", status=1).exception
    assert [problem.clip_id for problem in taken.problems] == [DOG, HARP]
    facts = json.loads(call("list-sources", "curation.csv", "--json").stdout)
    assert [row["clip_id"] for row in facts["sources"]] == [DOG, HARP]


@pytest.mark.parametrize("text", ["clip_id,label\na,teapot\n", "clip_id,label\n", "id,label\na,b\n"])
def test_a_list_that_build_refuses_list_sources_refuses_in_the_same_words(call, tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    (tmp_path / "clips").mkdir()
    refused = call("build", "--labels", "mine.csv", "--sources", "clips", "--out", "built", status=1).exception
    assert str(call("list-sources", "mine.csv", status=1).exception) == str(refused)


def test_clips_of_one_s_own_are_not_counted_as_unav100_s(call, tmp_path, write_unav100):
    (tmp_path / "mine.csv").write_text(f"clip_id,label\nmy dog,dog barking\n{DOG},dog barking\n")
    path = write_unav100({DOG[:11]: [(0, 4, "dog barking")]})
    assert "in unav100: 1 of 2" in call("list-sources", "mine.csv", "--unav", path).stdout


@pytest.mark.parametrize("words", [(), ("--labels", "r1"), ("--labels", "r2")])
def test_a_list_that_ships_is_built_by_its_name_and_r2_without_one(call, tmp_path, words):
    (tmp_path / "clips").mkdir()
    refused = call("build", *words, "--sources", "clips", "--out", "built", status=1).exception
    assert "67 of 67 clips cannot be used" in str(refused)
    asked = words[1] if words else "r2"
    assert {problem.clip_id for problem in refused.problems} == set(load_source_list(asked)["clip_id"])
