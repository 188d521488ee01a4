"""What a prompt asks for, so that speech, music and other sounds that it does not ask for can be told as leaked.

It stands in two tables and is guessed from no text: `audioset_classes.csv` sorts the classes that taggers name into
kinds, `asked_sounds.csv` says of each prompt whether it asks for speech or music, and for which classes.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from foundation.names import joined
from vgg_monoaudio.taxonomy import label_from, load_labels

Kind = Literal["speech", "music", "scenery", "manner", "source"]
CLASSES = 527  # of AudioSet that taggers are trained on
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
_BETWEEN = "; "  # two classes in a cell; names contain commas


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt asks for.

    Attributes:
        speech: a human voice that a speech detector takes for speech: words, babble, singing, laughter, crying.
        music: an instrument, singing, or a thing that plays tunes.
        classes: AudioSet's names of what may rightly be heard; None where nobody has listed them.
    """

    speech: bool
    music: bool
    classes: frozenset[str] | None


def asked_by(prompt: str) -> Asked | None:
    """Return what a prompt asks for, or None for a text that is in no table.

    Args:
        prompt: one of the 39 labels, or a class of VGGSound as that spells it.
    """
    table = load_asked_sounds()
    return table.get(label_from("vggsound", prompt) or prompt)


def unasked_speech(prompts: Sequence[str]) -> NDArray[np.bool_]:
    """Return where speech would be leaked, shape (n,): prompts that are known and do not ask for it."""
    found = [asked_by(prompt) for prompt in prompts]
    return np.array([asked is not None and not asked.speech for asked in found], dtype=bool)


def unasked_music(prompts: Sequence[str]) -> NDArray[np.bool_]:
    """Return the classes that would be leaked music, shape (n, 527).

    All of kind `music`, or none where the prompt asks for music or is not known.
    """
    music = _of_kind("music")
    found = [asked_by(prompt) for prompt in prompts]
    rows = [music if asked is not None and not asked.music else np.zeros_like(music) for asked in found]
    return np.reshape(rows, (len(rows), CLASSES)).astype(bool)


def unasked_sources(prompts: Sequence[str]) -> NDArray[np.bool_]:
    """Return the classes that would be other leaked sounds, shape (n, 527).

    All of kind `source` but for those that the prompt may rightly sound like; none where these are not listed.
    """
    sources, names = _of_kind("source"), list(load_audioset_classes())
    rows = np.zeros((len(prompts), CLASSES), dtype=bool)
    for row, prompt in zip(rows, prompts, strict=True):
        asked = asked_by(prompt)
        if asked is not None and asked.classes is not None:
            row[:] = sources & [name not in asked.classes for name in names]
    return rows


@cache
def load_audioset_classes() -> Mapping[str, Kind]:
    """Return AudioSet's 527 classes in the order of every tagger's outputs, with the kind of each.

    The kinds are this suite's, near AudioSet's own branches:

    - speech: words and babble, also of many people;
    - music: music, instruments and singing. Bells are not among them: they ring on bicycles, cows and churches;
    - scenery: rooms, noise, silence and what recording adds, which every real recording has;
    - manner: how something sounds, not what it is (*thump*, *squeak*, *clicking*): it may be any prompt's own sound;
    - source: every other class.

    Raises:
        ValueError: not 527 classes, one twice, or an unknown kind.

    Source:
        AudioSet (Gemmeke et al. 2017), `class_labels_indices.csv`, CC BY 4.0: the names and their order.
    """
    table: dict[str, Kind] = {}
    for name, kind in _read("audioset_classes.csv", ["name", "kind"]):
        if kind not in _KINDS:
            raise ValueError(f"audioset_classes.csv: {name!r} is of kind {kind!r}; expected {joined(_KINDS)}")
        if name in table:
            raise ValueError(f"audioset_classes.csv: {name!r} is listed more than once")
        table[name] = _KINDS[kind]
    if len(table) != CLASSES:
        raise ValueError(f"audioset_classes.csv: expected {CLASSES} classes, found {len(table)}")
    return table


@cache
def load_asked_sounds() -> Mapping[str, Asked]:
    """Return what each prompt asks for: the 39 labels with their classes, VGGSound's other classes without.

    Raises:
        ValueError: a label is missing or without classes, a prompt is listed twice, a class is not AudioSet's, or a
            cell is neither yes nor no.
    """
    known, table = load_audioset_classes(), dict[str, Asked]()
    for prompt, speech, music, classes in _read("asked_sounds.csv", ["prompt", "speech", "music", "classes"]):
        if prompt in table:
            raise ValueError(f"asked_sounds.csv: {prompt!r} is listed more than once")
        table[prompt] = Asked(_flag(prompt, speech), _flag(prompt, music), _classes(prompt, classes, known))
    for label in load_labels()["label"]:
        if label not in table or table[label].classes is None:
            raise ValueError(f"asked_sounds.csv: label {label!r} needs a row with the classes that it sounds like")
    return table


def _flag(prompt: str, cell: str) -> bool:
    if cell not in ("yes", "no"):
        raise ValueError(f"asked_sounds.csv: {prompt!r}: expected yes or no, got {cell!r}")
    return cell == "yes"


def _classes(prompt: str, cell: str, known: Collection[str]) -> frozenset[str] | None:
    if not cell:
        return None
    names = cell.split(_BETWEEN)
    for name in names:
        if name not in known:
            raise ValueError(f"asked_sounds.csv: {prompt!r}: AudioSet has no class {name!r}; see audioset_classes.csv")
    return frozenset(names)


def _of_kind(kind: Kind) -> NDArray[np.bool_]:
    """Return which of the classes are of a kind, shape (527,)."""
    return np.array([its == kind for its in load_audioset_classes().values()], dtype=bool)


def _read(name: str, columns: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table beside this module; unlike pandas, this costs no start-up time."""
    text = files("vgg_monoaudio").joinpath(name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines(), strict=True)
    if header != list(columns):
        raise ValueError(f"{name}: expected columns {', '.join(columns)}, found {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise ValueError(f"{name}, row {number}: expected {len(columns)} cells, found {len(row)}")
    return rows
