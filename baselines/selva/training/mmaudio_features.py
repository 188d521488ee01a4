"""Features that MMAudio's training extracts, read as they are: memory-mapped TensorDicts with a list beside them.

A folder holds `mean` and `std` (clips, latent frames, channels), `text_features` (clips, 77, 1024) and `sync_features`
(clips, 192, 768), perhaps `clip_features`; the list, tab-separated with the columns `id` and `label`, names the clips
in the same order.

Source:
    hkchengrex/MMAudio @ 974010a, `mmaudio/data/extracted_vgg.py` and its document on training.
"""

# Packages of the extra are loaded as Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from baselines.mmaudio.lengths import FORMATS
from baselines.selva.training.clip_list import BadList
from baselines.selva.training.store_record import Rate, StoreError
from foundation.extras import load_extra
from foundation.files import PathLike, fingerprint
from foundation.text import NotUTF8, composed, read_text

_NEEDED = ("mean", "std", "text_features")
_COMPARED_LABELS = 32  # of 0.6 MB each
_SAME_TEXT = 0.1  # relative: half precision moves a text's states by less than 0.01, other words 76 of the 77


class MMAudioFeatures:
    """The features of one folder, by the ids of its list.

    Attributes:
        folder: where they are.
        rate: of the latents, by their channels.
        latent_frames: of every clip.
        fingerprint: a hash of the list, and of names, shapes and types of the features; not of their values, which
            are hundreds of gigabytes.
    """

    def __init__(self, folder: Path, rows: dict[str, int], labels: dict[str, int], features: Any) -> None:
        """See `opened`."""
        self.folder, self._rows, self._labels, self._features = folder, rows, labels, features
        _, self.latent_frames, channels = features["mean"].shape
        self.rate: Rate = next(rate for rate in ("16k", "44k") if FORMATS[rate].latent_channels == channels)
        shapes = {name: [*value.shape, str(value.dtype)] for name, value in sorted(features.items())}
        self.fingerprint = fingerprint([shapes, rows, labels])

    @classmethod
    def opened(cls, folder: PathLike, clips: PathLike) -> MMAudioFeatures:
        """Return the features of a folder.

        Args:
            folder: with `meta.json` and a `.memmap` for each feature.
            clips: the list that they were extracted by.

        Raises:
            StoreError: there are no such features, a file of them is cut, or their shapes are none of MMAudio's.
            baselines.selva.training.clip_list.BadList: the list cannot be read, has another number of clips, or them
                in another order.
            foundation.extras.MissingPackage: tensordict is not installed.
        """
        place = Path(folder)
        tensordict = load_extra("tensordict", "train", needed_by="reading MMAudio's features")
        if not (place / "meta.json").is_file():
            raise StoreError(f"{place}: no features of MMAudio (there is no meta.json); give the folder that holds it")
        try:
            # For reading alone: a file that may be written to is otherwise filled up with zeros where it is too short.
            features = tensordict.TensorDict.load_memmap(place, mode="r")
        except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            raise StoreError(
                f"{place}: features of MMAudio that cannot be read: {error}; copy or extract them again"
            ) from error
        listed = _read_list(Path(clips))
        _check(place, Path(clips), features, len(listed))
        _check_order(place, Path(clips), features, [label for _, label in listed])
        rows = {id: row for row, (id, _) in enumerate(listed)}
        labels: dict[str, int] = {}
        for row, (_, label) in enumerate(listed):
            labels.setdefault(label, row)
        return cls(place, rows, labels, features)

    def __contains__(self, id: str) -> bool:
        """Tell whether there are features of a clip."""
        return id in self._rows

    def latent(self, id: str) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of a clip's latent: float32 (n, c) each."""
        row = self._rows[id]
        return self._features["mean"][row].float(), self._features["std"][row].float()

    def fault(self, id: str) -> str:
        """Return what is wrong with the latent of a clip; "" where nothing is."""
        mean, deviation = self.latent(id)
        if not (mean.isfinite().all() and deviation.isfinite().all()):
            return "a value of MMAudio's latent is not finite"
        return "a standard deviation of MMAudio's latent is below 0" if deviation.min() < 0 else ""

    def has_text(self, label: str) -> bool:
        """Tell whether a clip has that label."""
        return label in self._labels

    def clip_text(self, label: str) -> Tensor | None:
        """Return the CLIP text states of a label, float32 (77, 1024); None where no clip has it.

        Raises:
            StoreError: a value of them is not finite.
        """
        row = self._labels.get(label)
        if row is None:
            return None
        states = self._features["text_features"][row].float()
        if not states.isfinite().all():
            raise StoreError(
                f"{self.folder}: text_features in row {row}, of {label!r}, are not finite; extract them again"
            )
        return states

    def sync(self, id: str) -> Tensor:
        """Return Synchformer's features of a clip as MMAudio sees it: float32 (192, 768).

        These are of the middle square of the picture. SELVA's are of the whole picture, squashed, so these are no
        teacher for it unless that is what is wanted.

        Raises:
            StoreError: the folder holds none.
        """
        if "sync_features" not in self._features.keys():  # noqa: SIM118 - a TensorDict does not answer to `in`
            raise StoreError(f"{self.folder}: no sync_features")
        return self._features["sync_features"][self._rows[id]].float()


def _read_list(path: Path) -> list[tuple[str, str]]:
    """Return id and label of each clip, in order."""
    listed: dict[str, str] = {}
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter="\t", strict=True)
        if not {"id", "label"} <= set(reader.fieldnames or ()):
            raise BadList(f"{path}: line 1: expected the columns id and label, separated by tabs")
        for line in reader:
            place = f"{path}: line {reader.line_num}"
            id, label = (composed((line["id"] or "").strip()), (line["label"] or "").strip())
            if not id or not label:
                raise BadList(f"{place}: expected an id and a label, got {id!r} and {label!r}")
            if id in listed:
                raise BadList(f"{place}: clip {id} stands there twice")
            listed[id] = label
    except OSError as error:
        raise BadList(f"{path}: cannot be read: {error.strerror}") from error
    except NotUTF8 as error:
        raise BadList(str(error)) from error
    except csv.Error as error:
        raise BadList(f"{path}: line {reader.reader.line_num}: {error}") from error
    return list(listed.items())


def _check(folder: Path, clips: Path, features: Any, count: int) -> None:
    names = set(features.keys())
    if missing := [name for name in _NEEDED if name not in names]:
        raise StoreError(f"{folder}: no {missing[0]} among its features ({', '.join(sorted(names))})")
    mean, std, text = (tuple(features[name].shape) for name in _NEEDED)
    channels = {form.latent_channels for form in FORMATS.values()}
    if len(mean) != 3 or mean != std or mean[2] not in channels or text[1:] != (77, 1024):
        raise StoreError(
            f"{folder}: expected mean and std (clips, frames, 20 or 40) and text_features (clips, 77, 1024), "
            f"got {mean}, {std} and {text}"
        )
    if not mean[0] == text[0] == count:
        raise BadList(f"{clips}: {count} clips, but {folder} holds features of {mean[0]}; give the list of these")


def _check_order(folder: Path, clips: Path, features: Any, labels: Sequence[str]) -> None:
    """Refuse a list in another order than the features: clips of one label have one text.

    Of labels that several clips have, the first few are looked at: the first and the last clip of each.
    """
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    shared = [(label, found[0], found[-1]) for label, found in rows.items() if len(found) > 1]
    for label, first, last in shared[:_COMPARED_LABELS]:
        one, other = (features["text_features"][row].double() for row in (first, last))
        if (one - other).norm() > _SAME_TEXT * one.norm():
            raise BadList(
                f"{clips}: the clips in rows {first} and {last} are both {label!r}, but {folder} has another text for "
                "each, so its features are of other clips; give the list in the order in which they were extracted"
            )
