"""The networks that a run starts from: Synchformer and MMAudio as published, and what the first stage made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from baselines.mmaudio.model import video_branch
from baselines.mmaudio.native import NativeOptions
from baselines.mmaudio.transformer import MMDiT
from baselines.mmaudio.weights import WeightSource
from baselines.selva.training import draws
from baselines.selva.training.encoder_stage import starting_network
from baselines.selva.training.recipe import Recipe
from baselines.selva.training.run_folder import OWN_VIDEO_ENCODER, StageName
from baselines.selva.training.store import Store
from baselines.selva.video_encoder import TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor

_PARTS: Mapping[StageName, str] = {"encoder": "synchformer", "generator": "generator"}


def checkpoint_names(variant: str) -> dict[str, str | None]:
    """Return which published file each part starts from, by its name in `foundation.checkpoints`."""
    names = {"synchformer": "synchformer", "generator": f"mmaudio-{variant.replace('_', '-')}"}
    return {**names, OWN_VIDEO_ENCODER: None}


class Start:
    """Makes the networks of a run as they are before its first step.

    Args:
        recipe: of the run.
        store: whose texts the encoder's empty one is taken from.
        video_encoder: a file of one's own in place of the first stage.
        weights: where the published files are; `weights_dir`, `allow_unverified`, `random_weights`, and `checkpoint`
            with files of one's own for synchformer and generator.

    Raises:
        ValueError: a file for a part that there is not.
    """

    def __init__(
        self, recipe: Recipe, store: Store, *, video_encoder: Path | None, weights: NativeOptions | None
    ) -> None:
        self.recipe, self._store = recipe, store
        self.has_own_encoder = video_encoder is not None
        options: NativeOptions = {**weights} if weights else {}
        files = dict(options.get("checkpoint") or {})
        if video_encoder is not None:
            files[OWN_VIDEO_ENCODER] = video_encoder
        options["checkpoint"] = files
        self.source = WeightSource(
            checkpoint_names(recipe.generator.variant), options, needed_by=f"training by recipe {recipe.name}"
        )

    @property
    def untrained(self) -> bool:
        """Whether networks start from random numbers."""
        return self.source.random_weights

    def require(self, stages: Sequence[StageName]) -> None:
        """Look for the files of all stages before hours go into the first.

        Raises:
            foundation.checkpoints.MissingCheckpoint: one or more are not there; names them all.
            foundation.checkpoints.WrongCheckpoint: one is not the published file.
        """
        wanted = {_PARTS[stage] for stage in stages} | {OWN_VIDEO_ENCODER if self.has_own_encoder else "synchformer"}
        self.source.require(sorted(wanted))

    def teacher(self) -> VideoExtractor:
        """Return Synchformer's video branch as published."""
        return self.source.build("synchformer", VideoExtractor, video_branch)

    def encoder(self, teacher: VideoExtractor | None = None) -> TextVideoEncoder:
        """Return the encoder before the first stage, which is the same whenever it is asked for."""
        return starting_network(
            self.recipe.encoder.sup_tokens,
            (teacher or self.teacher()).state_dict(),
            self._store.t5_states(""),
            draws.generator(self.recipe.seed, "encoder", "start"),
        )

    def generator(self) -> MMDiT:
        """Return MMAudio's generator."""
        return self.source.build("generator", partial(MMDiT.from_variant, self.recipe.generator.variant))

    def finished_encoder(self, averages: Mapping[str, Tensor] | None) -> TextVideoEncoder:
        """Return the encoder that the second stage looks through, frozen.

        Args:
            averages: what the first stage made of the weights that it trains; None for a file of one's own.

        Raises:
            foundation.checkpoints.WrongCheckpoint: the file is no encoder with so many [SUP] tokens.
        """
        if averages is None:
            return self.source.build(OWN_VIDEO_ENCODER, partial(TextVideoEncoder, self.recipe.encoder.sup_tokens))
        network = self.encoder()
        fill(network, averages)
        return network.requires_grad_(False).eval()


def fill(network: TextVideoEncoder | MMDiT, trained: Mapping[str, Tensor]) -> None:
    """Put trained weights into a network; all else stays.

    Raises:
        ValueError: it has no such entry; names it.
    """
    _, unknown = network.load_state_dict(dict(trained), strict=False)
    if unknown:
        raise ValueError(f"{type(network).__name__} has no entry {unknown[0]!r} ({len(unknown)} such)")
