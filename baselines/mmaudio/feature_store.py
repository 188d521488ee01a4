"""Features of a video that no prompt changes, computed once: kept in memory, and on disk when asked."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from foundation.files import content_sha256
from foundation.media import FRAME_RULE, MediaError
from foundation.media.wholeness import begins_at_zero
from foundation.tensors import save_tensors

log = logging.getLogger(__name__)

DEFAULT_CAPACITY_BYTES = 400 << 20  # three trunks of 8 s in float32, or the features of a thousand videos
FORMAT = 1  # moves when the meaning of a stored feature changes
_NOTE = "feature"


class FeatureStore:
    """A small memory of tensors by content, least recently used out first, with an optional folder behind it.

    Several models may share one store: keys say which weights and which preparation made a feature.

    Args:
        folder: where to keep every feature as a safetensors file (8 s of SELVA's trunk: 116 MB in float32); None
            keeps nothing on disk.
        capacity_bytes: how much to keep in memory; the feature asked for last is kept whatever its size.

    Raises:
        ValueError: a negative capacity.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, *, capacity_bytes: int = DEFAULT_CAPACITY_BYTES
    ) -> None:
        if capacity_bytes < 0:
            raise ValueError(f"capacity_bytes: expected 0 or more, got {capacity_bytes}")
        self._folder = None if folder is None else Path(folder)
        self._capacity_bytes = capacity_bytes
        self._recent: OrderedDict[str, Tensor] = OrderedDict()

    def get(self, video: Path, description: str, compute: Callable[[], Tensor]) -> Tensor:
        """Return a feature of a video, from memory, from disk, or computed now.

        Args:
            video: the file; its bytes, not its name, are part of the key.
            description: everything else that decides the value: kind, weights, preparation, duration, dtype.
            compute: makes the feature.

        Raises:
            foundation.media.MediaError: there is no such file.
        """
        key = self.key(video, description)
        found = self.find(key, video)
        return self.keep(key, compute()) if found is None else found

    def key(self, video: Path, description: str) -> str:
        """Return what a feature is known by; see `get`.

        Raises:
            foundation.media.MediaError: there is no such file.
        """
        return hashlib.sha256(f"{FORMAT} {self._digest(video)} {description}".encode()).hexdigest()[:32]

    def has(self, key: str) -> bool:
        """Tell whether a feature is in memory, or a file of it on disk."""
        return key in self._recent or (self._folder is not None and self._path(key).is_file())

    def find(self, key: str, video: Path) -> Tensor | None:
        """Return a feature by its key, from memory or from disk; None where there is none, or none that can be used."""
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        if self._folder is None or not self._path(key).is_file():
            return None
        try:
            return self._remember(key, _read(self._path(key), key, video))
        except _Unusable as error:
            log.warning("%s: %s; computed again", self._path(key), error)
            return None

    def keep(self, key: str, feature: Tensor) -> Tensor:
        """Keep a feature under its key, in memory and, where there is a folder, on disk; return it."""
        if self._folder is not None:
            _write(self._path(key), key, feature)
        return self._remember(key, feature)

    def _remember(self, key: str, feature: Tensor) -> Tensor:
        self._recent[key] = feature
        self._recent.move_to_end(key)
        while len(self._recent) > 1 and sum(kept.nbytes for kept in self._recent.values()) > self._capacity_bytes:
            self._recent.popitem(last=False)
        return feature

    def _path(self, key: str) -> Path:
        return Path(self._folder or "") / f"{key}.safetensors"

    def _digest(self, video: Path) -> str:
        if not video.is_file():
            raise MediaError(video, "no such file")
        return content_sha256(video)


class _Unusable(Exception):
    """A stored feature that is damaged, of something else, or of another frame rule."""


def _read(path: Path, key: str, video: Path) -> Tensor:
    """Return a stored feature, after comparing its note: its key, the frame rule, and a checksum of the tensor."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            note = json.loads((file.metadata() or {}).get(_NOTE, "{}"))
            feature: Tensor = file.get_tensor("feature")
    except (SafetensorError, ValueError, OSError) as error:
        raise _Unusable(f"damaged ({error})") from error
    if not note:  # written by version 0.2 or earlier
        if not begins_at_zero(video):
            raise _Unusable("read by the frame rule of an earlier version")
        return feature
    if note.get("key") != key:
        raise _Unusable("holds another feature")
    if note.get("frame_rule") != FRAME_RULE:
        raise _Unusable(f"read by frame rule {note.get('frame_rule')}")
    if note.get("crc32") != _checksum(feature):
        raise _Unusable("damaged (its tensor is not the one that was kept)")
    return feature


def _write(path: Path, key: str, feature: Tensor) -> None:
    kept = feature.detach().contiguous().cpu()
    note = {"key": key, "frame_rule": FRAME_RULE, "crc32": _checksum(kept)}
    save_tensors({"feature": kept}, path, {_NOTE: json.dumps(note, sort_keys=True)}, lasting=False)  # computed again


def _checksum(feature: Tensor) -> int:
    """Return a checksum of a tensor's type, shape and values."""
    form = zlib.crc32(f"{feature.dtype} {tuple(feature.shape)}".encode())
    return zlib.crc32(feature.contiguous().view(torch.uint8).numpy().data, form)
