"""Features of the labels of a store, each distinct one once, in files of a few hundred."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from baselines.selva.training.clip_list import ClipList
from baselines.selva.training.mmaudio_features import MMAudioFeatures
from baselines.selva.training.preparing_networks import PreparingNetworks, TextEncoders
from baselines.selva.training.shards import NewRow, read_head, shard_path, write_shard
from baselines.selva.training.store_record import TEXTS_FOLDER, StoreError, StoreSettings
from foundation.work import Progress

TEXTS_TOGETHER = 256  # 80 MB a file


def prepare_texts(
    store: Path,
    settings: StoreSettings,
    clips: ClipList,
    networks: PreparingNetworks,
    features: MMAudioFeatures | None,
    *,
    report: Progress,
) -> None:
    """Write the files of texts that are not there: CLIP and T5 states of every label, T5 states of "".

    Raises:
        foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
    """
    labels = sorted({"", *(entry.label for entry in clips.entries)})
    groups = [labels[start : start + TEXTS_TOGETHER] for start in range(0, len(labels), TEXTS_TOGETHER)]
    with networks.text_encoders() as encoders:
        for number, group in enumerate(groups):
            path = shard_path(store / TEXTS_FOLDER, number)
            before = number * TEXTS_TOGETHER
            if not _is_there(path, settings, group):
                rows = []
                for done, label in enumerate(group, start=before):
                    report("texts", done, len(labels))
                    rows.append(NewRow(label, _states(label, encoders, networks, features)))
                write_shard(path, settings.mark, rows)
            report("texts", before + len(group), len(labels))


def _is_there(path: Path, settings: StoreSettings, labels: list[str]) -> bool:
    try:
        head = read_head(path)
    except StoreError:
        return False
    return head.mark == settings.mark and [row.label for row in head.rows] == labels


def _states(
    label: str, encoders: TextEncoders, networks: PreparingNetworks, features: MMAudioFeatures | None
) -> dict[str, Tensor]:
    states = {"t5": encoders.t5(label)}
    clip = features.clip_text(label) if features else None
    if clip is None and networks.knows_clip:
        clip = encoders.clip(label)
    if clip is not None:  # "" has none where all others come from MMAudio's features
        states["clip"] = clip
    return states
