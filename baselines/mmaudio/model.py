"""MMAudio: the sound of a whole video, steered by a text."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.generator import Request, Waveform
from baselines.mmaudio import frames, weights
from baselines.mmaudio.batches import BatchModel, naming_sample
from baselines.mmaudio.feature_store import FeatureStore
from baselines.mmaudio.features import (
    ClipImage,
    ClipText,
    clip_prompt_encoder,
    image_tower_state,
    text_tower_state,
)
from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.synthesis import GUIDANCE, STEPS, Brief, DType, Settings, Synthesiser
from baselines.mmaudio.transformer import VARIANTS
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
        steps: Euler steps.
        guidance: strength of classifier-free guidance.
        dtype: fp32, or bf16 for the transformers.
        compile: compile the diffusion transformer.
        device: where to compute; a GPU if there is one.
        weights_dir: folder with the published files.
        checkpoint: files of your own, by part: generator, vae, vocoder, clip, synchformer.
        allow_unverified: also take files without a published hash, or that differ from the published ones.
        random_weights: no files, seeded random numbers: for timing and smoke tests only. `untrained` says so.
        features_dir: folder to keep video features in; None keeps them in memory only.
        store: a `FeatureStore` shared with other models, in place of `features_dir`.

    Raises:
        ValueError: an option out of range.
        foundation.checkpoints.MissingCheckpoint: a file is not there; says how to get it.
        foundation.checkpoints.WrongCheckpoint: a file does not fit; names the first entry that differs.

    Source:
        MMAudio (Cheng et al. 2025, arXiv:2412.15322), hkchengrex/MMAudio @ 974010a. Frame k of the sync stream is the
        frame at k / 25 s, as in its batch path; its demo loses one frame of an 8 s clip.
    """

    def __init__(
        self,
        *,
        variant: str = "small_16k",
        null_clip: bool = False,
        null_sync: bool = False,
        sync_frames: frames.SyncFrames = "centre-crop",
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        dtype: DType = "fp32",
        compile: bool = False,
        device: str | None = None,
        weights_dir: Path | None = None,
        checkpoint: Mapping[str, str | Path] | None = None,
        allow_unverified: bool = False,
        random_weights: bool = False,
        features_dir: Path | None = None,
        store: FeatureStore | None = None,
    ) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {variant!r}")
        self._sync_request = frames.sync_request(sync_frames)
        settings = Settings.checked(steps=steps, guidance=guidance, dtype=dtype, compile=compile, device=device)
        source = weights.WeightSource(
            checkpoint_names(variant),
            overrides=checkpoint,
            random_weights=random_weights,
            weights_dir=weights_dir,
            allow_unverified=allow_unverified,
            needed_by=f"mmaudio {variant}",
        )
        self.variant, self.null_clip, self.null_sync, self.sync_frames = variant, null_clip, null_sync, sync_frames
        self.untrained = random_weights
        self._device, self._dtype = settings.device, settings.dtype
        self._store = store or FeatureStore(features_dir)
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
            self._synchformer = source.build("synchformer", VideoExtractor, _video_branch)
            self._sync_weights = weights.fingerprint(self._synchformer.state_dict().items())
            self._synchformer.to(device, dtype)
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
        return [seen, *(["no CLIP image features (null)"] if self.null_clip else [])]

    @torch.inference_mode()
    def _answer(self, requests: Sequence[Request], lengths: Lengths) -> list[Waveform]:
        pictures = [self._picture(request) for request in requests]
        clip, sync = (
            None if parts[0] is None else torch.stack([part.to(self._device) for part in parts])
            for parts in zip(*pictures, strict=True)
        )
        brief = Brief.of(requests, lengths, self._encode_prompts, sync=sync, clip=clip)
        return self._synthesiser.waveforms(brief)

    def _picture(self, request: Request) -> tuple[Any, Any]:
        """Return the CLIP features (clip frames, 1024) and the Synchformer features (8 * segments, 768) of a video."""
        decoded: dict[str, Tensor] = {}

        def stream(name: str) -> Tensor:
            if not decoded:  # one pass for both streams, and none when the store has both features
                wanted = {"clip": frames.clip_request(), "sync": self._sync_request}
                used = [n for n, net in (("clip", self._clip), ("sync", self._synchformer)) if net is not None]
                streams = frames.read_frames(
                    request.video, [wanted[n] for n in used], request.duration, repeat_last=MISSING_FRAMES
                )
                decoded.update(zip(used, streams, strict=True))
            return decoded[name].to(self._device)

        clip = sync = None
        with naming_sample(request):
            if self._clip is not None:
                network = self._clip
                key = f"clip {self._clip_weights} {request.duration} {self._dtype}"
                clip = self._store.get(request.video, key, lambda: network(stream("clip")).cpu())
            if self._synchformer is not None:
                key = f"synchformer {self.sync_frames} {self._sync_weights} {request.duration} {self._dtype}"
                sync = self._store.get(request.video, key, lambda: self._synchronise(stream("sync")))
        return clip, sync

    def _synchronise(self, pixels: Tensor) -> Tensor:
        network: Any = self._synchformer
        segments = frames.sync_input(pixels).to(self._dtype)[None]
        return network(segments)[0].flatten(0, 1).float().cpu()


def _video_branch(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return the entries of the video extractor of a whole Synchformer checkpoint."""
    return {
        name.removeprefix(_SYNCHFORMER_PREFIX): value
        for name, value in state.items()
        if name.startswith(_SYNCHFORMER_PREFIX)
    }
