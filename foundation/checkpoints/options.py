"""The options of everything that opens weights."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict


class WeightOptions(TypedDict, total=False):
    """Where networks run and where their weights come from; every option may be absent.

    Attributes:
        device: cpu, cuda, mps; a GPU if there is one.
        weights_dir: folder of the published files; $VGG_MONOAUDIO_WEIGHTS or ./weights by default.
        allow_unverified: also take files without a published hash, or that differ from the published ones; what is
            made with them is marked.
    """

    device: str | None
    weights_dir: Path | str | None
    allow_unverified: bool
