from importlib.resources import files

import pytest

from vgg_monoaudio.selection.screening import measure_shared_labels
from vgg_monoaudio.taxonomy import (
    CATEGORIES,
    category_of,
    label_from,
    load_labels,
    load_subsumption,
    load_subsumption_review,
    load_synonyms,
    spelling,
    subsumption_sha256,
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


def test_every_ordered_pair_of_a_category_was_reviewed_and_has_a_reason():
    review = load_subsumption_review()
    labels = load_labels()
    asked = labels.merge(labels, how="cross", suffixes=("_target", "_paired"))
    asked = asked[
        (asked["category_target"] == asked["category_paired"]) & (asked["label_target"] != asked["label_paired"])
    ]
    pairs = list(zip(asked["label_target"], asked["label_paired"], strict=True))
    assert len(pairs) == 200
    reviewed = list(zip(review["target_label"], review["paired_label"], strict=True))
    assert len(set(reviewed)) == len(reviewed)
    assert set(reviewed) == set(pairs)
    assert (review["reason"].str.len() > 10).all()


def test_the_review_says_yes_where_there_is_a_relation_and_nowhere_else():
    review = load_subsumption_review()
    relations = load_subsumption()
    columns = ["target_label", "paired_label", "reason"]
    said = review.loc[review["verdict"] == "yes", columns].sort_values(columns, ignore_index=True)
    assert said.equals(relations[columns].sort_values(columns, ignore_index=True))


SHEEP = "dog barking,sheep bleating,no,0.02,a sheep is not a dog\n"
ZITHER = "playing harp,playing zither,no,0.12,"
BOYS = "male singing,child singing,yes,0.16,"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(SHEEP, "", "expected each of the 200", id="lost"),
        pytest.param("dog barking,bird", "dog barking,cat", "'dog barking', 'bird chirping'", id="unknown"),
        pytest.param(BOYS, BOYS.replace("yes", "no"), "verdict 'no'", id="a relation denied"),
        pytest.param(ZITHER, ZITHER.replace("no", "yes"), "verdict 'yes'", id="a relation made up"),
        pytest.param("a sheep is not a dog", "", "a no needs a reason", id="no reason"),
        pytest.param(BOYS, f"{BOYS}boys", "a yes has it in subsumption.csv", id="two reasons"),
    ],
)
def test_a_review_that_is_not_of_all_pairs_or_says_something_else_is_refused(monkeypatch, old, new, message):
    folder = files("vgg_monoaudio")
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name.endswith(".csv")}
    assert texts["subsumption_review.csv"].count(old) == 1
    texts["subsumption_review.csv"] = texts["subsumption_review.csv"].replace(old, new)

    class Package:
        def joinpath(self, name):
            return type("File", (), {"read_text": lambda self, encoding: texts[name]})()

    monkeypatch.setattr("vgg_monoaudio.taxonomy.files", lambda _: Package())
    with pytest.raises(ValueError, match=message):
        load_subsumption_review()


def test_the_shares_of_the_review_are_those_vggsounder_measures(vggsounder):
    review = load_subsumption_review()
    measured = measure_shared_labels(vggsounder)
    assert review[["target_label", "paired_label"]].equals(measured[["target_label", "paired_label"]])
    assert (review["share"] == measured["share"].round(2)).all()


def test_the_annotators_relations_are_those_that_vggsounder_hears_in_a_quarter_of_the_clips(vggsounder):
    # A guitar that accompanies a banjo is a second source, and police car siren stands by its words already.
    measured = measure_shared_labels(vggsounder).set_index(["target_label", "paired_label"])["share"]
    frequent = measured[measured >= 0.25]
    table = load_subsumption().query("basis == 'annotators'").set_index(["target_label", "paired_label"])["reason"]
    assert set(frequent.index) == {
        *table.index,
        ("playing acoustic guitar", "playing banjo"),
        ("car passing by", "police car siren"),
    }
    for relation, reason in table.items():
        assert f"{frequent[relation]:.0%}" in reason


def test_where_a_guitar_is_heard_with_a_banjo_nearly_always_a_third_sound_is(vggsounder):
    audible = vggsounder.rows[vggsounder.rows["modality"] != "V"].groupby("video_id")["label"].agg(set)
    both = audible[audible.map(lambda heard: {"playing acoustic guitar", "playing banjo"} <= heard)]
    assert (len(both), int((both.map(len) > 2).sum())) == (27, 25)


def test_the_hash_of_the_relations_follows_pairs_and_not_their_reasons(monkeypatch):
    table = load_subsumption()
    before = subsumption_sha256()

    def hash_of(changed):
        monkeypatch.setattr("vgg_monoaudio.taxonomy.load_subsumption", lambda: changed)
        return subsumption_sha256.__wrapped__()

    assert hash_of(table.assign(reason="another word")) == before
    assert hash_of(table.iloc[::-1]) == before
    assert hash_of(table.iloc[1:]) != before


def test_every_synonym_is_a_class_of_vggsound(real_annotations):
    from vgg_monoaudio.selection.annotations import read_vggsound

    classes = set(read_vggsound(real_annotations / "vggsound_test.csv").rows["label"])
    table = load_synonyms()
    assert set(table["vggsound"]) | set(table["synonym"]) <= classes
    assert not table.duplicated(["vggsound", "synonym"]).any()
