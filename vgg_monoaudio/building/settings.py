"""What decides the content of a benchmark of scenes: its settings, its clips, and their fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foundation.files import fingerprint
from vgg_monoaudio import composition
from vgg_monoaudio.building.manifests import SIDE_RULE
from vgg_monoaudio.encoding import encoder_on_record
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import FORMAT_VERSION, ReplacedRecord, check_benchmark_name
from vgg_monoaudio.taxonomy import subsumption_sha256

Rows = Sequence[Mapping[Any, Any]]


@dataclass(frozen=True)
class Settings:
    """What decides a benchmark's content, apart from its clips.

    Attributes:
        name: in tables and run paths.
        version: of the content; where reserves are in use, what names the set of clips is added to it.
        seed: of the inter-class sample and of the sides.
        inter_pairs: number of inter-class scenes, 0 for none; None takes 560, or every pair where there are fewer.
        fit: how a clip comes to half a scene, see `composition.compose`.
        soundtrack: of the scene, see `composition.compose`.
        duration_seconds: of every scene, a whole number of frames.

    Raises:
        ValueError: a value that no benchmark can have.
    """

    name: str = "vgg-monoaudio"
    version: str = "2.0"
    seed: int = 0
    inter_pairs: int | None = None
    fit: composition.Fit = "stretch"
    soundtrack: composition.Soundtrack = "mixture"
    duration_seconds: float = composition.SECONDS

    def __post_init__(self) -> None:
        """Refuse here what would otherwise come to light when every clip is cut already."""
        check_benchmark_name(self.name)
        composition.check_choices(self.fit, self.soundtrack)
        if self.inter_pairs is not None and self.inter_pairs < 0:
            raise ValueError(f"inter_pairs: expected a number of scenes from 0 on, got {self.inter_pairs}")
        frames = self.duration_seconds * composition.FRAMES_PER_SECOND
        if frames < 1 or abs(frames - round(frames)) > 1e-6:
            rate = composition.FRAMES_PER_SECOND
            raise ValueError(
                f"duration_seconds: expected a whole number of frames at {rate} fps, got {self.duration_seconds}"
            )


def recorded_settings(settings: Settings, judged: JudgedPairs | None = None) -> dict[str, Any]:
    """Return the settings as `benchmark.json` has them, with the rules, tables and tools that decide content too."""
    people = {} if judged is None else {"judged_pairs_sha256": judged.sha256}
    table = {"subsumption_sha256": subsumption_sha256()}
    return {**asdict(settings), "side_rule": SIDE_RULE, **people, **table, **encoder_on_record()}


def inputs_of(rows: Rows, hashes: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Return the fingerprint of everything that decides the result: the list, the bytes of its clips, the settings.

    Args:
        rows: the list: clip_id, label, category, start_seconds.
        hashes: SHA-256 of each clip that is there; of clips that are not on the list they do not count.
        settings: as `recorded_settings` returns them.
    """
    there = {row["clip_id"]: hashes[row["clip_id"]] for row in rows if row["clip_id"] in hashes}
    return fingerprint([FORMAT_VERSION, _listed(rows), there, settings])


def with_substitutes(inputs: str, replaced: Sequence[ReplacedRecord], reserves: Rows, hashes: Mapping[str, str]) -> str:
    """Return the fingerprint of a benchmark with substitutes; reserves that are not in use do not count.

    Args:
        inputs: as `inputs_of` returns it.
        replaced: which reserve is in whose place; none gives `inputs`.
        reserves: rows of the reserves.
        hashes: SHA-256 of each clip and reserve that is there.
    """
    rows = {row["clip_id"]: row for row in reserves}
    used = [
        [clip.clip_id, clip.rank, _listed([rows[clip.by]]) if clip.by in rows else clip.by, hashes.get(clip.by)]
        for clip in replaced
    ]
    return fingerprint([inputs, used]) if used else inputs


def _listed(rows: Rows) -> list[list[Any]]:
    return [[row["clip_id"], row["label"], row["category"], float(row["start_seconds"])] for row in rows]
