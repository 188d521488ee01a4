import pytest

from vgg_monoaudio.taxonomy import (
    CATEGORIES,
    category_of,
    label_from,
    load_labels,
    load_subsumption,
    load_synonyms,
    spelling,
)


def test_table_b2_has_39_labels_in_8_categories():
    labels = load_labels()
    assert labels["category"].value_counts().to_dict() == {
        "Human": 8,
        "Vehicle": 8,
        "Music": 8,
        "Tool": 4,
        "Animal": 3,
        "Nature": 2,
        "Sport": 3,
        "Other": 3,
    }
    assert list(dict.fromkeys(labels["category"])) == list(CATEGORIES)


def test_the_labels_are_those_of_the_fixture_made_from_table_b2(sources):
    fixture = sources.drop_duplicates("label").set_index("label")["category"].to_dict()
    assert load_labels().set_index("label")["category"].to_dict() == fixture


@pytest.mark.parametrize(
    ("label", "theirs"),
    [
        ("bird chirping", "bird chirping, tweeting"),
        ("police car siren", "police car (siren)"),
        ("engine knocking", "car engine knocking"),
        ("firework banging", "fireworks banging"),
        ("dog barking", "dog barking"),
    ],
)
def test_labels_lead_to_vggsound_s_spelling_and_back(label, theirs):
    assert spelling(label, "vggsound") == theirs
    assert label_from("vggsound", theirs) == label


def test_every_vggsound_spelling_is_a_class_of_the_real_list(real_annotations):
    from vgg_monoaudio.selection.annotations import read_vggsound

    classes = set(read_vggsound(real_annotations / "vggsound_test.csv").rows["label"])
    assert set(load_labels()["vggsound"]) <= classes


def test_unav100_lacks_three_of_the_labels():
    missing = [label for label in load_labels()["label"] if spelling(label, "unav100") is None]
    assert missing == ["playing electric guitar", "waterfall burbling", "underwater bubbling"]
    assert label_from("unav100", "") is None
    assert label_from("unav100", "water burbling") is None


def test_an_unknown_label_is_answered_with_what_is_close():
    with pytest.raises(ValueError, match="'dog braking' is not one of VGG-MonoAudio's; close: dog barking"):
        category_of("dog braking")
    with pytest.raises(ValueError, match="dataset: expected 'vggsound' or 'unav100'"):
        label_from("audioset", "Dog")  # type: ignore[arg-type]


def test_subsumption_holds_the_paper_s_example_in_its_direction():
    relations = set(load_subsumption()[["target_label", "paired_label"]].itertuples(index=False, name=None))
    assert ("people whispering", "baby babbling") in relations
    assert ("baby babbling", "people whispering") not in relations


def test_each_relation_stays_in_a_category_and_has_a_reason():
    table = load_subsumption()
    assert (table["target_label"].map(category_of) == table["paired_label"].map(category_of)).all()
    assert (table["reason"].str.len() > 20).all()


def test_the_annotators_relations_are_those_vggsounder_measures(vggsounder):
    # A quarter of the paired label's clips carry the target label too; a guitar that accompanies a banjo is a second
    # source, and police car siren stands by its words already.
    rows = vggsounder.rows.assign(ours=vggsounder.rows["label"].map(lambda theirs: label_from("vggsound", theirs)))
    rows = rows.loc[rows["ours"].notna(), ["video_id", "ours"]]
    both = rows.merge(rows, on="video_id", suffixes=("_target", "_paired"))
    both = both[both["ours_target"] != both["ours_paired"]]
    both = both[both["ours_target"].map(category_of) == both["ours_paired"].map(category_of)]
    clips = both.groupby(["ours_target", "ours_paired"]).size()
    share = clips / clips.index.get_level_values("ours_paired").map(rows["ours"].value_counts())
    frequent = share[share >= 0.25]
    table = load_subsumption().query("basis == 'annotators'").set_index(["target_label", "paired_label"])["reason"]
    assert set(frequent.index) == {
        *table.index,
        ("playing acoustic guitar", "playing banjo"),
        ("car passing by", "police car siren"),
    }
    for relation, reason in table.items():
        assert f"{frequent[relation]:.0%}" in reason


def test_every_synonym_is_a_class_of_vggsound(real_annotations):
    from vgg_monoaudio.selection.annotations import read_vggsound

    classes = set(read_vggsound(real_annotations / "vggsound_test.csv").rows["label"])
    table = load_synonyms()
    assert set(table["vggsound"]) | set(table["synonym"]) <= classes
    assert not table.duplicated(["vggsound", "synonym"]).any()
