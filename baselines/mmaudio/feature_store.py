"""Features of a video that no prompt changes, computed once: kept in memory, and on disk when asked."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from foundation.files import file_sha256, replacing
from foundation.media import MediaError

DEFAULT_CAPACITY_BYTES = 400 << 20  # three trunks of 8 s in float32, or the features of a thousand videos
FORMAT = 1  # moves when the meaning of a stored feature changes


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
        self._digests: dict[tuple[Path, int, int], str] = {}

    def get(self, video: Path, description: str, compute: Callable[[], Tensor]) -> Tensor:
        """Return a feature of a video, from memory, from disk, or computed now.

        Args:
            video: the file; its bytes, not its name, are part of the key.
            description: everything else that decides the value: kind, weights, preparation, duration, dtype.
            compute: makes the feature.

        Raises:
            foundation.media.MediaError: there is no such file.
        """
        key = hashlib.sha256(f"{FORMAT} {self._digest(video)} {description}".encode()).hexdigest()[:32]
        if key not in self._recent:
            self._recent[key] = self._from_disk(key, compute)
        self._recent.move_to_end(key)
        while len(self._recent) > 1 and sum(kept.nbytes for kept in self._recent.values()) > self._capacity_bytes:
            self._recent.popitem(last=False)
        return self._recent[key]

    def _from_disk(self, key: str, compute: Callable[[], Tensor]) -> Tensor:
        if self._folder is None:
            return compute()
        from safetensors import SafetensorError
        from safetensors.torch import load_file, save_file

        path = self._folder / f"{key}.safetensors"
        if path.is_file():
            try:
                return load_file(path)["feature"]
            except SafetensorError:
                path.unlink()  # a file cut by a full disk or a copy; made again below
        feature = compute()
        with replacing(path) as temporary:
            save_file({"feature": feature.contiguous().cpu()}, temporary)
        return feature

    def _digest(self, video: Path) -> str:
        if not video.is_file():
            raise MediaError(video, "no such file")
        status = video.stat()
        seen = (video.resolve(), status.st_mtime_ns, status.st_size)
        if seen not in self._digests:
            self._digests[seen] = file_sha256(video)
        return self._digests[seen]
