"""The 39 labels and 8 categories of VGG-MonoAudio, their other spellings, and which label names another's sound too."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from io import StringIO
from itertools import permutations
from typing import Literal

import pandas as pd

from foundation.files import fingerprint
from foundation.names import nearest

Dataset = Literal["vggsound", "unav100"]

CATEGORIES = ("Human", "Vehicle", "Music", "Tool", "Animal", "Nature", "Sport", "Other")  # in the order of Table B2


def load_labels() -> pd.DataFrame:
    """Return the labels in the order of Table B2: columns label, category, vggsound, unav100.

    The last two are the label's spelling in each dataset, "" where the dataset has no such class: UnAV-100 has
    neither *playing electric guitar* nor *underwater bubbling*, and its *water burbling* is wider than a waterfall.

    Raises:
        ValueError: the table breaks a rule (a label or spelling twice, an unknown category).

    Source:
        Table B2 of arXiv:2512.02650; VGGSound's class list; UnAV-100's class names.
    """
    table = _read("labels.csv", ["label", "category", "vggsound", "unav100"])
    unknown = sorted(set(table["category"]) - set(CATEGORIES))
    if unknown:
        raise ValueError(f"labels.csv: unknown category {', '.join(unknown)}; expected one of {', '.join(CATEGORIES)}")
    for column in ("label", "vggsound", "unav100"):
        named = table.loc[table[column] != "", column]
        if named.duplicated().any():
            raise ValueError(f"labels.csv: {column} {named[named.duplicated()].iloc[0]!r} is listed more than once")
    return table


def load_subsumption() -> pd.DataFrame:
    """Return which target label, read as a prompt, names the paired label's sound too: one row per relation.

    Columns target_label, paired_label, basis, reason. `basis` is the reason of the relation:

    - paper: the paper gives it as its example;
    - words: whatever the paired label names falls under the target label's words as well;
    - annotators: VGGSounder hears the target label in at least a quarter of the clips in which it hears the paired
      one, and both are the sound of one and the same thing (not two things heard together, as a guitar that
      accompanies a banjo).

    What was said of all other pairs of a category is in `load_subsumption_review`.

    Raises:
        ValueError: a relation is listed twice, relates a label to itself, leaves its category or is unknown.

    Source:
        Appendix B.2 of arXiv:2512.02650 states the rule; the authors' own relations are not published.
    """
    table = _read("subsumption.csv", ["target_label", "paired_label", "basis", "reason"])
    for target, paired, basis in zip(table["target_label"], table["paired_label"], table["basis"], strict=True):
        if target == paired or category_of(target) != category_of(paired):
            raise ValueError(f"subsumption.csv: {target!r} over {paired!r}: expected two labels of one category")
        if basis not in ("paper", "words", "annotators"):
            raise ValueError(f"subsumption.csv: {target!r} over {paired!r}: unknown basis {basis!r}")
    if table.duplicated(["target_label", "paired_label"]).any():
        raise ValueError("subsumption.csv: a relation is listed more than once")
    return table


def load_subsumption_review() -> pd.DataFrame:
    """Return what was said of every ordered pair of labels of one category, in the order of Table B2.

    A program can compare labels, but not say what a prompt describes, so each pair was read: does the target's prompt
    also describe a clip of the paired label?

    Returns:
        One row per pair: target_label, paired_label, verdict ("yes": the pair is a relation of `load_subsumption`, or
        "no"), share (float in [0, 1]: of the clips in which VGGSounder 1.0 hears the paired label, the part in which
        it hears the target's too; see `vgg_monoaudio.selection.screening.measure_shared_labels`) and reason.

    Raises:
        ValueError: a pair is absent, twice there or not in its place, a verdict is unknown or not that of
            `subsumption.csv`, or a "no" has no reason (that of a "yes" stands in `subsumption.csv`).
    """
    name = "subsumption_review.csv"
    table = _read(name, ["target_label", "paired_label", "verdict", "share", "reason"])
    table = table.astype({"share": "float64"})
    reviewed = list(zip(table["target_label"], table["paired_label"], strict=True))
    asked = pairs_of_labels()
    if reviewed != asked:
        wrong = (
            sorted(set(asked) ^ set(reviewed)) or [pair for pair in reviewed if reviewed.count(pair) > 1] or reviewed
        )
        raise ValueError(
            f"{name}: {wrong[0]}: expected each of the {len(asked)} pairs once, in the order of labels.csv"
        )
    relations = {
        (row["target_label"], row["paired_label"]): row["reason"] for row in load_subsumption().to_dict("records")
    }
    for place, (pair, verdict, reason) in enumerate(zip(reviewed, table["verdict"], table["reason"], strict=True)):
        if verdict != ("yes" if pair in relations else "no"):
            raise ValueError(f"{name}: {pair}: verdict {verdict!r}, but subsumption.csv has it {pair in relations}")
        if bool(reason) == (verdict == "yes"):
            raise ValueError(f"{name}: {pair}: a no needs a reason here, a yes has it in subsumption.csv")
        table.loc[place, "reason"] = relations.get(pair, reason)
    return table


def pairs_of_labels() -> list[tuple[str, str]]:
    """Return every ordered pair of different labels of one category: target label, paired label."""
    groups = [list(group) for _, group in load_labels().groupby("category", sort=False)["label"]]
    return [pair for labels in groups for pair in permutations(labels, 2)]


@cache
def subsumption_sha256() -> str:
    """Return the SHA-256 of the relations of `load_subsumption`: of their pairs of labels, whatever the reasons say."""
    table = load_subsumption()
    return fingerprint(sorted(zip(table["target_label"], table["paired_label"], strict=True)))


def load_synonyms() -> pd.DataFrame:
    """Return the VGGSound classes that count as one sound: columns vggsound, synonym, share, reason.

    `share` is the part of the clips with class `vggsound` to which VGGSounder 1.0 gives `synonym` as well, in (0, 1].
    """
    table = _read("synonyms.csv", ["vggsound", "synonym", "share", "reason"])
    return table.astype({"share": "float64"})


def load_vggsound_labels() -> dict[str, str]:
    """Return VGGSound's own label of each clip that the screening proposes, by clip id, as VGGSound spells it.

    Source:
        VGGSound (Chen et al. 2020, arXiv:2004.14368), test split, CC BY 4.0; the rows that rule r2 looks at.
    """
    table = _read("vggsound_labels.csv", ["clip_id", "vggsound"])
    return dict(zip(table["clip_id"], table["vggsound"], strict=True))


def category_of(label: str) -> str:
    """Return the category of one of the 39 labels.

    Raises:
        ValueError: the label is not one of them; names those that are close.
    """
    categories = _categories()
    if label not in categories:
        raise ValueError(_unknown_label(label, list(categories)))
    return categories[label]


def spelling(label: str, dataset: Dataset) -> str | None:
    """Return how `dataset` spells a label, or None where it has no such class.

    Raises:
        ValueError: the label is not one of the 39.
    """
    category_of(label)
    return {ours: theirs for theirs, ours in _from(dataset).items()}.get(label)


def label_from(dataset: Dataset, spelled: str) -> str | None:
    """Return our label for a class as `dataset` spells it, or None if it is not one of the 39."""
    return _from(dataset).get(spelled)


@cache
def _categories() -> dict[str, str]:
    table = load_labels()
    return dict(zip(table["label"], table["category"], strict=True))


@cache
def _from(dataset: Dataset) -> dict[str, str]:
    if dataset not in ("vggsound", "unav100"):
        raise ValueError(f"dataset: expected 'vggsound' or 'unav100', got {dataset!r}")
    table = load_labels()
    return {theirs: ours for theirs, ours in zip(table[dataset], table["label"], strict=True) if theirs}


def _read(name: str, columns: Sequence[str]) -> pd.DataFrame:
    text = files("vgg_monoaudio").joinpath(name).read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    if list(table.columns) != list(columns):
        raise ValueError(f"{name}: expected columns {', '.join(columns)}, found {', '.join(table.columns)}")
    return table


def _unknown_label(label: str, known: Sequence[str]) -> str:
    close = nearest(label, known)
    hint = f"; close: {', '.join(close)}" if close else f"; the {len(known)} labels are in vgg_monoaudio/labels.csv"
    return f"label {label!r} is not one of VGG-MonoAudio's{hint}"
