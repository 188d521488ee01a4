"""What a reviewer sees of the clips: one's own decisions at once, those of others when one has decided."""

from dataclasses import replace

import pytest
from support.decisions import NOON, decision

from benchmark.web.curation.media import Unusable
from benchmark.web.files import NoSuchFile
from vgg_monoaudio.selection.decisions import append_decisions, read_decisions


@pytest.fixture
def clip(candidates):
    return candidates.read_text().splitlines()[1].partition(",")[0]


def states(site, reviewer):
    return [line.mine for line in site.desk.lines(reviewer)]


def test_lines_say_what_one_decided_and_that_others_did(site, clip):
    site.desk.decide(decision(clip, "ada"))
    site.desk.decide(decision(clip, "bob", visible=False))
    assert states(site, "ada") == ["accepted", *[""] * 9]
    assert states(site, "bob") == ["rejected", *[""] * 9]
    assert states(site, "cyd") == [""] * 10
    first = site.desk.line(clip, "cyd")
    assert (first.people, first.conflict, first.labels) == (2, True, ("dog barking",))


def test_others_are_hidden_until_one_has_decided(site, clip):
    site.desk.decide(decision(clip, "bob", note="hear the car"))
    before = site.desk.view(clip, "ada")
    assert (before.mine, before.others, before.hidden) == (None, (), 1)
    site.desk.decide(decision(clip, "ada"))
    after = site.desk.view(clip, "ada")
    assert ([one.note for one in after.others], after.hidden) == (["hear the car"], 0)


def test_nothing_is_hidden_where_that_is_asked_for(asked, opened, clip):
    site = opened(replace(asked, blind=False))
    site.desk.decide(decision(clip, "bob"))
    assert [one.reviewer for one in site.desk.view(clip, "ada").others] == ["bob"]


def test_programs_stand_behind_people_and_conflict_with_nobody(asked, opened, clip):
    append_decisions(asked.decisions, [decision(clip, "auto:vggsounder-1.0", visible=False), decision(clip, "zoe")])
    site = opened(asked)
    site.desk.decide(decision(clip, "ada"))
    assert [one.reviewer for one in site.desk.view(clip, "ada").others] == ["zoe", "auto:vggsounder-1.0"]
    assert not site.desk.line(clip, "ada").conflict
    assert site.desk.line(clip, "ada").people == 2


def test_the_same_decision_again_adds_no_row_and_another_does(site, asked, clip):
    later = NOON.replace("12:", "13:")
    site.desk.decide(decision(clip))
    site.desk.decide(decision(clip, time=later))
    assert len(read_decisions(asked.decisions)) == 1
    site.desk.decide(decision(clip, visible=False, time=later))
    assert [one.visible for one in read_decisions(asked.decisions)] == [True, False]


def test_a_clip_that_is_not_in_the_queue_is_not_decided(site, asked):
    with pytest.raises(NoSuchFile):
        site.desk.decide(decision("zzzzzzzzzzz_000000"))
    assert not asked.decisions.exists()


@pytest.fixture
def faulty(asked, opened, candidates, film, tmp_path):
    """A site whose first four clips are damaged, too short, without sound, and good as long as it begins at 0 s."""
    ids = [line.partition(",")[0] for line in candidates.read_text().splitlines()[1:5]]
    folder = tmp_path / "faulty"
    folder.mkdir()
    (folder / f"{ids[0]}.mp4").write_bytes(b"")
    for clip, seconds, has_sound in zip(ids[1:], (5, 10, 8), (True, False, True), strict=True):
        sound = film.noise(seconds, seed=1) if has_sound else None
        film.write(folder / f"{clip}.mp4", seconds=seconds, fps=25, size=(36, 64), sound=sound)
    return opened(replace(asked, clips=folder)), ids


def test_clips_that_build_would_leave_out_are_marked_once_they_were_looked_into(faulty):
    site, _ = faulty
    assert [(line.missing, line.unusable) for line in site.desk.lines("ada")[:4]] == [("", "")] * 4
    site.clips.look_into_all()
    damaged, short, silent, good = site.desk.lines("ada")[:4]
    assert damaged.missing.startswith("its file cannot be read: ")
    assert (short.missing, short.unusable) == ("", "too short: 5.00 s, 8 s needed")
    assert (silent.missing, silent.unusable) == ("", "no audio stream")
    assert (good.missing, good.unusable) == ("", "")


def test_what_build_would_leave_out_is_not_accepted_but_may_be_rejected(faulty):
    site, (damaged, short, silent, good) = faulty
    for clip, why in ((damaged, "cannot be read"), (short, "too short: 5.00 s"), (silent, "no audio stream")):
        with pytest.raises(Unusable, match=f"build would leave this clip out: .*{why}"):
            site.desk.decide(decision(clip))
        site.desk.decide(decision(clip, visible=False))
    with pytest.raises(Unusable, match=r"8 s from 1 s on needed"):
        site.desk.decide(decision(good, start_offset_seconds=1.0))
    site.desk.decide(decision(good))
    assert states(site, "ada")[:4] == ["rejected", "rejected", "rejected", "accepted"]


def test_undo_brings_back_what_was_said_before(site, clip):
    site.desk.decide(decision(clip))
    site.desk.decide(decision(clip, visible=False))
    assert site.desk.undo("ada").visible is False
    assert site.desk.view(clip, "ada").mine == decision(clip)
    site.desk.undo("ada")
    assert states(site, "ada") == [""] * 10
    assert site.desk.undo("ada") is None


def test_conflicts_are_told_to_those_who_decided_and_end_when_they_agree(site, clip):
    site.desk.decide(decision(clip, "ada", start_offset_seconds=0.4))
    site.desk.decide(decision(clip, "bob", label="playing harp", note="behind a tree"))
    (conflict,), hidden = site.desk.conflicts("ada")
    assert (conflict.clip_id, hidden) == (clip, 0)
    assert [(one.question, one.votes, one.settled) for one in conflict.differences] == [
        ("label", (("ada", "dog barking"), ("bob", "playing harp")), ""),
        ("start_offset_seconds", (("ada", "0.4"), ("bob", "0.0")), ""),
    ]
    assert conflict.notes == (("bob", "behind a tree"),)
    assert site.desk.conflicts("cyd") == ([], 1)
    site.desk.decide(decision(clip, "cyd"))
    assert [one.settled for one in site.desk.conflicts("cyd")[0][0].differences] == ["dog barking", "0.0"]
    site.desk.decide(decision(clip, "bob"))
    site.desk.decide(decision(clip, "ada"))
    assert site.desk.conflicts("ada") == ([], 0)


def test_standing_counts_each_reviewer_s_clips_once(site, clip, candidates):
    second = candidates.read_text().splitlines()[2].partition(",")[0]
    for made in (decision(clip), decision(clip, visible=False), decision(second, "bob"), decision(second)):
        site.desk.decide(made)
    standing = site.desk.standing()
    assert (standing.clips, standing.missing) == (10, 0)
    assert standing.reviewers == (("ada", 2), ("bob", 1))
    assert {row.clips for row in standing.agreement} == {1}
