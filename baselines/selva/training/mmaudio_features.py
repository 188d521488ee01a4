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
from pathlib import Path
from typing import Any

from torch import Tensor

from baselines.mmaudio.lengths import FORMATS
from baselines.selva.training.clip_list import BadList
from baselines.selva.training.store_record import Rate, StoreError
from foundation.extras import load_extra
from foundation.files import PathLike, fingerprint
from foundation.text import composed, read_text

_NEEDED = ("mean", "std", "text_features")


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
        self.fingerprint = fingerprint([shapes, rows])

    @classmethod
    def opened(cls, folder: PathLike, clips: PathLike) -> MMAudioFeatures:
        """Return the features of a folder.

        Args:
            folder: with `meta.json` and a `.memmap` for each feature.
            clips: the list that they were extracted by.

        Raises:
            StoreError: there are no such features, or their shapes are none of MMAudio's.
            baselines.selva.training.clip_list.BadList: the list cannot be read, or has another number of clips.
            foundation.extras.MissingPackage: tensordict is not installed.
        """
        place = Path(folder)
        tensordict = load_extra("tensordict", "train", needed_by="reading MMAudio's features")
        if not (place / "meta.json").is_file():
            raise StoreError(f"{place}: no features of MMAudio (there is no meta.json); give the folder that holds it")
        try:
            features = tensordict.TensorDict.load_memmap(place)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise StoreError(f"{place}: features of MMAudio that cannot be read: {error}") from error
        rows, labels = _read_list(Path(clips))
        _check(place, Path(clips), features, len(rows))
        return cls(place, rows, labels, features)

    def __contains__(self, id: str) -> bool:
        """Tell whether there are features of a clip."""
        return id in self._rows

    def latent(self, id: str) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of a clip's latent: float32 (n, c) each."""
        row = self._rows[id]
        return self._features["mean"][row].float(), self._features["std"][row].float()

    def clip_text(self, label: str) -> Tensor | None:
        """Return the CLIP text states of a label, float32 (77, 1024); None where no clip has it."""
        row = self._labels.get(label)
        return None if row is None else self._features["text_features"][row].float()

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


def _read_list(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return the row of each id, and the first row of each label."""
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter="\t")
    except OSError as error:
        raise BadList(f"{path}: cannot be read: {error.strerror}") from error
    rows, labels = dict[str, int](), dict[str, int]()
    if not {"id", "label"} <= set(reader.fieldnames or ()):
        raise BadList(f"{path}: line 1: expected the columns id and label, separated by tabs")
    for place, line in enumerate(reader):
        id = composed(line["id"] or "")
        if id in rows:
            raise BadList(f"{path}: line {reader.line_num}: clip {id} stands there twice")
        rows[id] = place
        labels.setdefault((line["label"] or "").strip(), place)
    return rows, labels


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
