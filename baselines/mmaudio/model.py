"""MMAudio: the sound of a whole video, steered by a text."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor

from baselines.generator import Prepared, Request, Waveform
from baselines.mmaudio import frames, weights
from baselines.mmaudio.batches import VIDEOS_AT_ONCE, BatchModel, FramePreparation
from baselines.mmaudio.features import (
    ClipImage,
    ClipText,
    clip_prompt_encoder,
    image_tower_state,
    text_tower_state,
)
from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.native import PACKAGES, NativeOptions, check_native, store_of
from baselines.mmaudio.regions import compile_regions
from baselines.mmaudio.synthesis import Brief, Settings, Synthesiser
from baselines.mmaudio.transformer import VARIANTS
from foundation.extras import require
from metrics.backbones.synchformer import VideoExtractor

# The last frame of a container is easily lost to rounding; the reference drops such samples, here it is repeated.
MISSING_FRAMES = 1
_SYNCHFORMER_PREFIX = "vfeat_extractor."


def checkpoint_names(variant: str) -> dict[str, str | None]:
    """Return which published file each part of a variant is loaded from, by its name in `foundation.checkpoints`."""
    rate = VARIANTS[variant].rate
    return {
        "generator": f"mmaudio-{variant.replace('_', '-')}",
        "vae": f"vae-{rate}",
        "vocoder": f"bigvgan-{rate}",
        "clip": "dfn5b-clip",
        "synchformer": "synchformer",
    }


class MMAudio(BatchModel):
    """Text and video to mono audio; a `Generator`. Importing needs no weights, making one does.

    Args:
        variant: small_16k, small_44k, medium_44k, large_44k or large_44k_v2.
        null_clip: replace the CLIP image features by the learned null feature (a row of Table A1).
        null_sync: replace the Synchformer features by the learned null feature (a row of Table A1).
        sync_frames: what Synchformer sees: "centre-crop" is MMAudio's own, only the middle of a side-by-side scene;
            "squash" shows it the whole frame, as SELVA has it.
        native: see `NativeOptions`. The parts of `checkpoint` are generator, vae, vocoder, clip and synchformer.

    Raises:
        ValueError: an option out of range.
        TypeError: an option that it does not have.
        foundation.extras.MissingPackage: a package of the extra `selva` is not installed.
        foundation.checkpoints.MissingCheckpoint: a file is not there; says how to get it.
        foundation.checkpoints.WrongCheckpoint: a file does not fit; names the first entry that differs.

    Source:
        MMAudio (Cheng et al. 2025, arXiv:2412.15322), hkchengrex/MMAudio @ 974010a. Frame k of the sync stream is the
        frame at k / 25 s, as in its batch path; its demo loses one frame of an 8 s clip.
    """

    packages: ClassVar[tuple[str, ...]] = PACKAGES  # of the extra `selva`

    def __init__(
        self,
        *,
        variant: str = "small_16k",
        null_clip: bool = False,
        null_sync: bool = False,
        sync_frames: frames.SyncFrames = "centre-crop",
        **native: Unpack[NativeOptions],
    ) -> None:
        check_native(native)
        if variant not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {variant!r}")
        wanted = {"clip": frames.clip_request(), "sync": frames.sync_request(sync_frames)}
        unused = {"clip": null_clip, "sync": null_sync}
        settings = Settings.checked(native)
        require(self.packages, "selva", needed_by=f"mmaudio {variant}")
        source = weights.WeightSource(
            checkpoint_names(variant),
            native,
            needed_by=f"mmaudio {variant}",
        )
        self.variant, self.null_clip, self.null_sync, self.sync_frames = variant, null_clip, null_sync, sync_frames
        self.untrained = source.random_weights
        self._settings, self._store = settings, store_of(native)
        self.prepare = FramePreparation({n: ask for n, ask in wanted.items() if not unused[n]}, MISSING_FRAMES)
        self._load(source, settings)
        self.weights: dict[str, weights.WeightFile] = source.files

    def _load(self, source: weights.WeightSource, settings: Settings) -> None:
        device, dtype = settings.device, settings.dtype
        source.require(("generator", "vae", "vocoder", "clip", *(() if self.null_sync else ("synchformer",))))
        # The CLIP file is by far the largest: first, while nothing else is in memory.
        text = source.build("clip", ClipText, text_tower_state).to(device, dtype)
        self._encode_prompts = clip_prompt_encoder(text, device)
        self._clip: ClipImage | None = None
        self._synchformer: VideoExtractor | None = None
        if not self.null_clip:
            self._clip = source.build("clip", ClipImage, image_tower_state)
            self._clip_weights = weights.fingerprint(self._clip.state_dict().items())
            self._clip.to(device, dtype)
        if not self.null_sync:
            self._synchformer = source.build("synchformer", VideoExtractor, video_branch)
            self._sync_weights = weights.fingerprint(self._synchformer.state_dict().items())
            self._synchformer.to(device, dtype)
            if settings.compile:
                compile_regions(self._synchformer)
        self._synthesiser = Synthesiser(self.variant, source, settings)

    @property
    def notes(self) -> list[str]:
        """What a reader of a results table should know of this configuration."""
        if self.null_sync:
            seen = "no Synchformer features (null)"
        elif self.sync_frames == "squash":
            seen = "Synchformer sees the whole frame, squashed to a square"
        else:
            seen = "Synchformer sees the centre crop of the frame"
        unseen = ["no CLIP image features (null)"] if self.null_clip else []
        return [seen, *unseen, *self._settings.notes]

    @torch.inference_mode()
    def _answer(self, requests: Sequence[Request], prepared: Sequence[Prepared], lengths: Lengths) -> list[Waveform]:
        networks = {"clip": self._embed, "sync": self._synchronise}
        used = {stream: networks[stream] for stream in self.prepare.streams}
        features = self._features(requests, prepared, used) if used else [[] for _ in requests]
        seen = dict(zip(used, map(torch.stack, zip(*features, strict=True)), strict=True))
        brief = Brief.of(requests, lengths, self._encode_prompts, sync=seen.get("sync"), clip=seen.get("clip"))
        return self._synthesiser.waveforms(brief)

    def needs_preparing(self, request: Request) -> bool:
        """Tell whether a request's video must be decoded: not where its features are kept, or none is used.

        Raises:
            GenerationError: there is no such video.
        """
        return bool(self.prepare.streams) and super().needs_preparing(request)

    def _embed(self, pixels: Tensor) -> Tensor:
        """Return the CLIP features of videos: uint8 (n, frames, 3, 384, 384) -> float32 (n, frames, 1024)."""
        network: Any = self._clip
        return network(pixels.flatten(0, 1)).unflatten(0, pixels.shape[:2])

    def _synchronise(self, pixels: Tensor) -> Tensor:
        """Return Synchformer's features: uint8 (n, frames, 3, 224, 224) -> float32 (n, 8 * segments, 768)."""
        network: Any = self._synchformer
        parts = [network(frames.sync_input(part).to(self._settings.dtype)) for part in pixels.split(VIDEOS_AT_ONCE)]
        return torch.cat(parts).flatten(1, 2).float()

    def _descriptions(self, request: Request) -> list[str]:
        ending = f"{request.duration} {self._settings.dtype}"
        words = {
            "clip": lambda: f"clip {self._clip_weights} {ending}",
            "sync": lambda: f"synchformer {self.sync_frames} {self._sync_weights} {ending}",
        }
        return [words[stream]() for stream in self.prepare.streams]


def video_branch(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return the entries of the video extractor of a whole Synchformer checkpoint."""
    return {
        name.removeprefix(_SYNCHFORMER_PREFIX): value
        for name, value in state.items()
        if name.startswith(_SYNCHFORMER_PREFIX)
    }
