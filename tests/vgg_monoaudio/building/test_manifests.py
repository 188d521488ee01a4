"""Scenes before they are made: which pairs, under which names, the target on which side."""

import pandas as pd
import pytest

from vgg_monoaudio.building.manifests import CUT_LENGTHS, choose_scenes, file_name, side_of, write_manifests
from vgg_monoaudio.building.result import BuildError
from vgg_monoaudio.dataset import MANIFEST_COLUMNS

ROWS = [
    ("a", "dog barking", "Animal"),
    ("b", "sheep bleating", "Animal"),
    ("c", "people whispering", "Human"),
    ("d", "baby babbling", "Human"),
]
SOURCES = pd.DataFrame(ROWS, columns=["clip_id", "label", "category"])


@pytest.mark.parametrize("target_length", range(1, 30))
def test_names_carry_both_ids_and_never_have_a_length_that_is_cut(target_length):
    for paired_length in range(1, 30):
        target, paired = "t" * target_length, "p" * paired_length
        name = file_name(target, paired)
        assert len(name) not in CUT_LENGTHS
        assert name.startswith(target)
        assert name.endswith(paired)
        assert set(name[target_length:-paired_length]) == {"_"}


def test_the_lengths_that_could_be_those_of_vggsound_ids_are_these():
    assert {18, 20, 21, 30} == CUT_LENGTHS


def test_a_side_depends_on_seed_and_pair_alone():
    pairs = [(f"t{i}", f"p{j}") for i in range(20) for j in range(20)]
    sides = {pair: side_of(*pair, seed=0) for pair in pairs}
    assert sides == {pair: side_of(*pair, seed=0) for pair in reversed(pairs)}
    left = sum(side == "left" for side in sides.values())
    assert 150 < left < 250  # binomial: five standard deviations of 10 around 200
    assert sides != {pair: side_of(*pair, seed=1) for pair in pairs}
    # Recorded: a side that moves makes another benchmark.
    assert [side_of("t0", f"p{j}", seed=0) for j in range(6)] == ["right", "left", "right", "left", "left", "right"]


def test_every_pair_becomes_a_scene_but_for_those_whose_prompt_names_both_sounds():
    chosen = choose_scenes(SOURCES, inter_pairs=None, seed=0)
    assert (chosen.inter_pool, chosen.intra_pool) == (8, 4)
    assert {subset: len(table) for subset, table in chosen.manifests.items()} == {"inter": 8, "intra": 3}
    (dropped,) = chosen.dropped
    assert (dropped.target_id, dropped.paired_id) == ("c", "d")
    assert "appendix B.2" in dropped.reason
    for table in chosen.manifests.values():
        assert list(table.columns) == MANIFEST_COLUMNS
        assert (table["sha256"] == "").all()


def test_no_inter_class_scene_is_a_choice_and_too_many_are_refused():
    assert len(choose_scenes(SOURCES, inter_pairs=0, seed=0).manifests["inter"]) == 0
    with pytest.raises(BuildError, match="9 inter-class pairs asked for, 8 exist"):
        choose_scenes(SOURCES, inter_pairs=9, seed=0)


def test_a_manifest_is_written_where_a_subset_holds_samples(tmp_path):
    chosen = choose_scenes(SOURCES, inter_pairs=0, seed=0)
    write_manifests(tmp_path, chosen.manifests)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")] == ["intra/manifest.csv"]
    assert (tmp_path / "intra" / "manifest.csv").read_text().splitlines()[0] == ",".join(MANIFEST_COLUMNS)


def test_two_ids_that_make_too_long_a_file_name_are_refused():
    def sources(size: int) -> pd.DataFrame:
        return SOURCES.assign(clip_id=[letter * size for letter in "abcd"])

    assert len(choose_scenes(sources(114), inter_pairs=None, seed=0).manifests["inter"]) == 8
    with pytest.raises(
        BuildError, match=r"inter: the ids of two clips make a file name of 232 bytes, .*; at most 230 can"
    ):
        choose_scenes(sources(115), inter_pairs=None, seed=0)
