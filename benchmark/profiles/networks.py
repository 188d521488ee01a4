"""Profiles of networks: which rows of networks they have, the weights of those that are needed, and how they run.

Front ends run in worker processes on one decode of each file; networks run here, in batches, and are built when the
first file needs them, so a run whose features are all there loads none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from benchmark.choices import ProfileName
from benchmark.evidence import Rows, taken
from benchmark.features import Arrays, Extractor
from benchmark.profiles import Derives, Features, Question, everywhere
from benchmark.profiles.direct import direct_evidence, needed
from benchmark.profiles.running import BATCH_SIZES, Network, Runner, batch_size
from benchmark.workers import Medium
from foundation import checkpoints, media
from foundation.checkpoints import WeightOptions
from foundation.devices import check_device
from foundation.names import load
from metrics.backbones import get_backbone, load_backbone, require_packages
from metrics.registry import Metric, chosen_metrics
from vgg_monoaudio.asked_sounds import unasked_music, unasked_sources

if TYPE_CHECKING:
    from torch import Tensor

Call = Callable[[Any, "Tensor"], Mapping[str, "Tensor"]]  # from the network and a batch (b, ...) to features (b, ...)
# What prompts say of AudioSet's classes, to be held against the logits of a tagger that knows them.
_OF_CLASSES = {"prompt.unasked_music": unasked_music, "prompt.unasked_sources": unasked_sources}


@dataclass(frozen=True)
class NetworkRow:
    """One part of a backbone as a profile has it, before its weights are found.

    Attributes:
        name: "<backbone>.<part>"; its batch sizes are those of `benchmark.profiles.running`.
        prepare: front end, see `benchmark.workers.Extractor`.
        takes: which of the front end's arrays the network is given.
        call: what the network makes of a batch of them.
        yields: evidence that the features are as they stand, see `benchmark.workers.Extractor`.
        frames: the frames wanted of a video; None: it is fed sound.
        on_device: "module:function" for what is still to be done to an array on the network's device.
        beside: checkpoints that it needs beside that of its backbone.
    """

    name: str
    prepare: Callable[[Any, float], Arrays]
    takes: str
    call: Call
    yields: Mapping[str, str] = field(default_factory=dict)
    frames: media.FrameRequest | None = None
    on_device: str = ""
    beside: tuple[str, ...] = ()

    @property
    def backbone(self) -> str:
        """Name of the backbone that it is a part of."""
        return self.name.partition(".")[0]

    @property
    def medium(self) -> Medium:
        """What it is fed."""
        return "video" if self.frames else "audio"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the official files that decide what its backbone computes."""
        return get_backbone(self.backbone).files


AnyRow = NetworkRow | Extractor | everywhere.PackageRow


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class NetworkProfile:
    """A profile of networks; weights are found and verified at once, and opened on first use.

    A profile of its own names its rows and what it derives, and adds that to `shared_evidence`.
    """

    name: ProfileName
    rows: tuple[NetworkRow, ...]
    derives: Derives

    def __init__(
        self, *, extended: bool = False, metrics: Sequence[str] = (), **weights: Unpack[WeightOptions]
    ) -> None:
        """Find the weights of the networks that the wanted metrics need, and of no others.

        Args:
            extended: have evidence for the metrics that are scored on request too.
            metrics: names or labels: have evidence for exactly these; () for the usual ones.
            weights: see `foundation.checkpoints.WeightOptions`.

        Raises:
            ValueError: a device that this machine does not have, or a metric that there is not.
            foundation.checkpoints.MissingCheckpoint: a file is not there.
            foundation.checkpoints.WrongCheckpoint: a file is not the published one.
            foundation.extras.MissingPackage: a network needs a package that is not installed.
        """
        check_device(weights.get("device"))
        self.wanted = chosen_metrics(metrics, extended=extended)
        self.device = weights.get("device") or _best_device()
        self._weights_dir = weights.get("weights_dir")
        self._allow_unverified = weights.get("allow_unverified", False)
        parts = self._needed_parts(self.wanted)
        everywhere.require_packages(parts)
        rows = [part for part in parts if isinstance(part, NetworkRow)]
        for backbone in dict.fromkeys(row.backbone for row in rows):
            require_packages(backbone)  # before 8 GB of weights are looked for
        self._check_there(rows)
        self._located = {file: self._locate(file) for file in dict.fromkeys(file for row in rows for file in row.files)}
        self._networks: dict[str, Any] = {}
        self._runner = Runner(self.device)
        self.unverified_weights = not all(located.verified for located in self._located.values())
        extractors = [
            self._extractor(part) if isinstance(part, NetworkRow) else everywhere.ready(part) for part in parts
        ]
        self.audio = tuple(extractor for extractor in extractors if extractor.medium == "audio")
        self.video = tuple(extractor for extractor in extractors if extractor.medium == "video")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.device}, {len(self.wanted)} metrics)"

    @classmethod
    def needed_rows(cls, wanted: Sequence[Metric]) -> tuple[NetworkRow, ...]:
        """Return the networks that these metrics need."""
        return tuple(part for part in cls._needed_parts(wanted) if isinstance(part, NetworkRow))

    @classmethod
    def _needed_parts(cls, wanted: Sequence[Metric]) -> tuple[AnyRow, ...]:
        parts: tuple[AnyRow, ...] = (*cls.rows, *everywhere.AUDIO, *everywhere.VIDEO)
        return needed(parts, cls.derives, wanted)

    def backbones(self) -> dict[str, str]:
        """Return the content key of every backbone that runs."""
        return everywhere.backbones((*self.audio, *self.video), self.wanted)

    def shared_evidence(self, questions: Sequence[Question], features: Features) -> dict[str, Rows]:
        """Return what needs no profile: features as they stand, and what every profile offers."""
        extractors = (*self.audio, *self.video)
        direct = direct_evidence(extractors, questions, features, self.wanted)
        shared = direct | everywhere.derived(extractors, questions, features, self.wanted)
        return shared | everywhere.of_prompts(_OF_CLASSES, questions, taken(self.wanted))

    def _check_there(self, rows: Sequence[NetworkRow]) -> None:
        """Refuse to go on without files, and name all that are missing.

        Those that are needed beside a backbone may also be elsewhere, so they are named with others, never alone.
        """
        needs = {file: self._needed_by(file) for row in rows for file in (*row.files, *row.beside)}
        missing = checkpoints.MissingCheckpoint.of_all(needs, weights_dir=self._weights_dir)
        if missing and any(file in missing.needs for row in rows for file in row.files):
            raise missing

    def _needed_by(self, file: str) -> str:
        rows = {metric.label: self.needed_rows([metric]) for metric in self.wanted}
        needing = [label for label, own in rows.items() if any(file in (*row.files, *row.beside) for row in own)]
        return f"{', '.join(needing)} (profile {self.name})"

    def _locate(self, file: str) -> checkpoints.Located:
        return checkpoints.located(
            file, weights_dir=self._weights_dir, allow_unverified=self._allow_unverified,
            needed_by=self._needed_by(file),
        )  # fmt: skip

    def _key(self, backbone: str) -> str:
        row = get_backbone(backbone)
        hashes = [self._located[file].digests.sha256 for file in row.files]
        together = hashlib.sha256("+".join(hashes).encode()).hexdigest()
        return f"{row.version}-{hashes[0] if len(hashes) == 1 else together}"

    def _network(self, name: str) -> Any:
        if name not in self._networks:
            weights = self._located[get_backbone(name).files[0]]
            self._networks[name] = load_backbone(
                name, checkpoint=weights.path, device=self.device, allow_unverified=self._allow_unverified
            )
        return self._networks[name]

    def _extractor(self, row: NetworkRow) -> Extractor:
        return Extractor(
            row.name, self._key(row.backbone), row.medium, row.prepare, row.frames, partial(self._features, row),
            batch_size(row.name, self.device), row.yields,
        )  # fmt: skip

    def _features(self, row: NetworkRow, prepared: Sequence[Arrays]) -> list[Arrays]:
        """Return the features of each file: what the row's network makes of what its front end returned."""
        on_device = load(row.on_device) if row.on_device else None
        return self._run(
            row.name, prepared, [row.takes], lambda batch: row.call(self._network(row.backbone), batch), on_device
        )

    def _run(
        self,
        name: str,
        prepared: Sequence[Arrays],
        keys: Sequence[str],
        network: Network,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Arrays]:
        return self._runner.run(prepared, keys, network, growth=BATCH_SIZES[name].growth, prepare=prepare)
