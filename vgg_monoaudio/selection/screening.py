"""What VGGSounder's annotators say about the paper's three manual criteria; the screening proposes, a person decides.

Needs the extra `curation` (the package `vggsounder`), which carries its labels with it: nothing is downloaded.
"""

import io
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from foundation.extras import command_for
from foundation.text import read_text
from vgg_monoaudio.selection.decisions import CRITERIA
from vgg_monoaudio.taxonomy import label_from, load_labels, load_synonyms, pairs_of_labels

LABEL_COLUMNS = ["video_id", "label", "modality", "background_music", "static_image", "voice_over"]
SYNONYM_SHARE = 0.85  # a label that accompanies another in more of its clips than this counts as the same sound

_LABEL_FILE = Path("data") / "vggsounder+background-music.csv"  # all clips; the other file leaves out those with music


class MissingVGGSounder(Exception):
    """The package `vggsounder` is not installed, or not in the form expected."""


@dataclass(frozen=True)
class VGGSounder:
    """VGGSounder's labels of VGGSound's test clips.

    Attributes:
        rows: one row per clip and label: video_id (the clip id), label (VGGSound's spelling), modality ("A" audible,
            "V" visible, "AV" both), and three flags of the clip: background_music, static_image, voice_over.
        version: of the package, such as "1.0".
    """

    rows: pd.DataFrame
    version: str


@dataclass(frozen=True)
class Screened:
    """The evidence on candidates.

    Attributes:
        rows: of the screening, those about a candidate under a label that one of the two datasets gives it.
        without: candidates about which there is none, columns clip_id, reason.
    """

    rows: pd.DataFrame
    without: pd.DataFrame


def load_vggsounder(path: str | Path | None = None, *, label_version: str | None = None) -> VGGSounder:
    """Return the labels that the installed package carries, or those of a file in its form.

    Args:
        path: a label file; the installed package's own if not given.
        label_version: what to call the labels of `path`; its file name if not given.

    Raises:
        MissingVGGSounder: the package is not installed, or the file lacks a column.

    Source:
        VGGSounder (Zverev et al. 2025, arXiv:2508.08237), package `vggsounder`.
    """
    if path is None:
        spec = find_spec("vggsounder")  # does not import it: its import pulls in more than a CSV file needs
        if spec is None or not spec.submodule_search_locations:
            raise MissingVGGSounder(f"screening needs the package vggsounder; to get it: {command_for('curation')}")
        path, label_version = Path(spec.submodule_search_locations[0]) / _LABEL_FILE, version("vggsounder")
    path = Path(path)
    if not path.is_file():
        raise MissingVGGSounder(f"{path}: no such file; vggsounder {label_version} keeps its labels elsewhere")
    rows = pd.read_csv(io.StringIO(read_text(path)), keep_default_na=False, dtype={"video_id": str, "label": str})
    if list(rows.columns) != LABEL_COLUMNS:
        raise MissingVGGSounder(f"{path}: expected columns {', '.join(LABEL_COLUMNS)}, found {', '.join(rows.columns)}")
    return VGGSounder(rows, label_version or path.name)


def screen(labels: VGGSounder) -> pd.DataFrame:
    """Return the evidence on each clip and each of the 39 labels that VGGSounder gives to it.

    - single_source: no other label is audible, and there is neither background music nor a voice-over; a synonym
      (`synonyms.csv`) does not count as another label, and what is seen but silent makes no sound.
    - visible: the label is visible, and the picture is not a still image.
    - label_matches: the label is audible.

    Returns:
        One row per clip and label in the order of Table B2, then of clip id; columns clip_id, label, category, the
        three criteria (bool), proposed (bool, all three), other_sounds and silent_objects (labels, "; " between them)
        and evidence (one sentence).
    """
    rows = labels.rows
    audible = _labels_by_clip(rows[rows["modality"] != "V"])
    silent = _labels_by_clip(rows[rows["modality"] == "V"])
    same = same_sounds()
    screened = []
    for ours, theirs, category in load_labels()[["label", "vggsound", "category"]].itertuples(index=False):
        for row in rows[rows["label"] == theirs].sort_values("video_id").itertuples(index=False):
            others = sorted(audible[row.video_id] - same[theirs] - {theirs})
            screened.append(
                {
                    "clip_id": row.video_id,
                    "label": ours,
                    "category": category,
                    "single_source": not (others or row.background_music or row.voice_over),
                    "visible": "V" in row.modality and not row.static_image,
                    "label_matches": "A" in row.modality,
                    "other_sounds": "; ".join(others),
                    "silent_objects": "; ".join(sorted(silent[row.video_id] - same[theirs] - {theirs})),
                    "evidence": _evidence(row, labels.version, others, audible[row.video_id] & same[theirs]),
                }
            )
    table = pd.DataFrame(screened)
    table.insert(6, "proposed", table[list(CRITERIA)].all(axis=1))
    return table


def screen_candidates(screened: pd.DataFrame, candidates: pd.DataFrame) -> Screened:
    """Return the part of a screening that is about candidates and the labels that come into question for them.

    Args:
        screened: `vgg_monoaudio.selection.screening.screen(...)`, of all clips.
        candidates: `vgg_monoaudio.selection.candidates.find_candidates(...).clips`; of a clip whose datasets differ,
            the labels of both come into question.
    """
    asked = pd.DataFrame(
        [
            (row["clip_id"], label)
            for row in candidates.to_dict("records")
            for label in _labels_in_question(str(row["vggsound"]), str(row["unav100"]))
        ],
        columns=pd.Index(["clip_id", "label"]),
    )
    rows = screened.merge(asked, on=["clip_id", "label"], how="inner")
    labels = asked.groupby("clip_id")["label"].agg(", ".join)
    without = [
        (clip, f"VGGSounder does not give the label {labels[clip]}")
        for clip in sorted(set(asked["clip_id"]) - set(rows["clip_id"]))
    ]
    return Screened(rows, pd.DataFrame(without, columns=pd.Index(["clip_id", "reason"]), dtype="str"))


def proposals_per_label(screened: pd.DataFrame) -> dict[str, int]:
    """Return how many clips are proposed for each of the 39 labels, in the order of Table B2, zeros included."""
    counts = screened.loc[screened["proposed"], "label"].value_counts().to_dict()
    return {label: int(counts.get(label, 0)) for label in load_labels()["label"]}


def measure_synonyms(labels: VGGSounder, *, more_than: float = SYNONYM_SHARE) -> pd.DataFrame:
    """Return which audible labels accompany which: the measurement behind `synonyms.csv`.

    A constant companion need not be the same sound (a football match has its commentator), so a person decides which
    rows enter the table.

    Returns:
        Columns vggsound, synonym, share: of the clips in which `vggsound` is audible, the part in which `synonym` is
        audible too, above `more_than`; sorted by synonym and vggsound.
    """
    audible = labels.rows.loc[labels.rows["modality"] != "V", ["video_id", "label"]]
    both = audible.merge(audible, on="video_id", suffixes=("", "_other"))
    both = both[both["label"] != both["label_other"]].value_counts(["label", "label_other"]).reset_index(name="clips")
    both["share"] = both["clips"] / both["label"].map(audible["label"].value_counts())
    found = both[both["share"] > more_than].rename(columns={"label": "vggsound", "label_other": "synonym"})
    return found[["vggsound", "synonym", "share"]].sort_values(["synonym", "vggsound"], ignore_index=True)


def measure_shared_labels(labels: VGGSounder) -> pd.DataFrame:
    """Return how often one label is heard where another of its category is: the evidence in `subsumption_review.csv`.

    A label that is heard too need not be another name of the sound (a guitar accompanies a banjo), so a person decides.

    Returns:
        One row per ordered pair of labels of one category, in the order of Table B2: target_label, paired_label and
        share: of the clips in which the paired label is audible, the part in which the target's is audible too; 0
        where it is audible in none.
    """
    rows = labels.rows[labels.rows["modality"] != "V"]
    heard = {str(label): set(clips) for label, clips in rows.groupby("label")["video_id"]}
    clips = {
        ours: heard.get(theirs, set()) for ours, theirs in load_labels()[["label", "vggsound"]].to_numpy().tolist()
    }
    shares = [
        (target, paired, len(clips[target] & clips[paired]) / max(len(clips[paired]), 1))
        for target, paired in pairs_of_labels()
    ]
    return pd.DataFrame(shares, columns=pd.Index(["target_label", "paired_label", "share"]))


def same_sounds() -> defaultdict[str, set[str]]:
    """Return the labels that count as one sound with each label: its synonyms, and those whose synonym it is."""
    same: defaultdict[str, set[str]] = defaultdict(set)
    table = load_synonyms()
    for label, synonym in zip(table["vggsound"], table["synonym"], strict=True):
        same[label].add(synonym)
        same[synonym].add(label)
    return same


def _labels_in_question(vggsound: str, unav100: str) -> list[str]:
    labels = [label_from("vggsound", vggsound), label_from("unav100", unav100)]
    return list(dict.fromkeys(label for label in labels if label is not None))


def _labels_by_clip(rows: pd.DataFrame) -> defaultdict[str, set[str]]:
    grouped: defaultdict[str, set[str]] = defaultdict(set)
    for clip, label in zip(rows["video_id"], rows["label"], strict=True):
        grouped[clip].add(label)
    return grouped


def _evidence(row: object, label_version: str, others: list[str], synonyms: set[str]) -> str:
    modality = {"A": "audible, not visible", "V": "visible, not audible", "AV": "audible and visible"}
    flags = [
        text
        for flag, text in (
            ("background_music", "background music"),
            ("voice_over", "voice-over"),
            ("static_image", "still image"),
        )
        if getattr(row, flag)
    ]
    parts = [
        modality[row.modality],  # type: ignore[attr-defined]
        f"other sounds: {', '.join(others)}" if others else "no other sound",
        f"with {', '.join(flags)}" if flags else "no background music, voice-over or still image",
    ]
    if synonyms:
        parts.insert(1, f"also as {', '.join(sorted(synonyms))}")
    return f"VGGSounder {label_version}: {'; '.join(parts)}"
