"""The 39 labels and 8 categories of VGG-MonoAudio, their other spellings, and which label names another's sound too."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Literal

import pandas as pd

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
    - annotators: VGGSounder gives the target label to at least a quarter of the paired label's clips, and both are
      the sound of one and the same thing (not two things heard together, as a guitar that accompanies a banjo).

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


def load_synonyms() -> pd.DataFrame:
    """Return the VGGSound classes that count as one sound: columns vggsound, synonym, share, reason.

    `share` is the part of the clips with class `vggsound` to which VGGSounder 1.0 gives `synonym` as well, in (0, 1].
    """
    table = _read("synonyms.csv", ["vggsound", "synonym", "share", "reason"])
    return table.astype({"share": "float64"})


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
