"""The networks that prepare clips: the VAE's encoder, both text encoders, and Synchformer as the teacher."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Literal

import torch
from torch import Tensor

from baselines.mmaudio.features import ClipText, clip_prompt_encoder, text_tower_state
from baselines.mmaudio.frames import sync_input
from baselines.mmaudio.lengths import FORMATS
from baselines.mmaudio.mel import mel_spectrogram
from baselines.mmaudio.native import NativeOptions, check_native
from baselines.mmaudio.vae import VAE
from baselines.mmaudio.weights import WeightSource
from baselines.selva.text import T5Encoder, encoder_state, load_tokenizer, stand_in_tokenizer, t5_prompt_encoder
from baselines.selva.training.store_record import Rate
from foundation.checkpoints import MissingCheckpoint
from foundation.devices import chosen_device, numerics
from metrics.backbones.synchformer import VideoExtractor

AT_ONCE = 8  # clips that go through a network together on a GPU; on a CPU one, so that no bit depends on the others
_TEACHER_PREFIX = "vfeat_extractor."


class PreparingNetworks:
    """Loads each network when it is used first; all compute in float32.

    Args:
        rates: of the latents wanted; none: no VAE is needed.
        clip_text: whether CLIP's text encoder is needed.
        teacher: "kept": Synchformer is needed; "measured": it is used where its weights are there; None: it is not.
        options: see `NativeOptions`; device, weights and `checkpoint`, whose parts are vae_16k, vae_44k, clip, t5,
            t5_tokenizer and synchformer.

    Attributes:
        weights: SHA-256 of each file by part, or "random".
        no_teacher: why there is no teacher; "" where there is one.

    Raises:
        foundation.checkpoints.MissingCheckpoint: files are not there; names them all.
        foundation.checkpoints.WrongCheckpoint: a file is not the published one.
    """

    def __init__(
        self,
        *,
        rates: Sequence[Rate],
        clip_text: bool,
        teacher: Literal["kept", "measured"] | None,
        options: NativeOptions,
    ) -> None:
        check_native(options)
        self.device = chosen_device(options.get("device"))
        names: dict[str, str | None] = {f"vae_{rate}": f"vae-{rate}" for rate in FORMATS}
        names |= {"clip": "dfn5b-clip", "t5": "flan-t5", "t5_tokenizer": "flan-t5-tokenizer"}
        names |= {"synchformer": "synchformer"}
        self._source = WeightSource(names, options, needed_by="preparing clips for training")
        parts = [f"vae_{rate}" for rate in rates] + ["clip"] * clip_text + ["t5", "t5_tokenizer"]
        self.no_teacher = "" if teacher else "not asked for"
        if teacher == "kept":
            parts.append("synchformer")
        self._source.require(parts)
        if teacher == "measured":
            try:
                self._source.require(["synchformer"])
            except MissingCheckpoint:
                self.no_teacher = "Synchformer's weights are not there"
        random = self._source.random_weights
        files = self._source.files
        self.weights = {part: "random" if random else files[part].sha256 for part in parts}

    @property
    def knows_clip(self) -> bool:
        """Whether CLIP's text encoder is there."""
        return "clip" in self.weights

    @property
    def at_once(self) -> int:
        """How many clips go through a network together."""
        return AT_ONCE if self.device.type == "cuda" else 1

    def latents(self, rate: Rate, sounds: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the latents of sounds, (b, samples): float32 (b, n, c) each, here."""
        vae = self._vaes[rate]
        with torch.inference_mode(), numerics("exact"):
            mean, deviation = vae.encode(mel_spectrogram(sounds.to(self.device), FORMATS[rate].sample_rate))
        return mean.float().cpu(), deviation.float().cpu()

    @cached_property
    def _vaes(self) -> Mapping[Rate, VAE]:
        rates: list[Rate] = [rate for rate in ("16k", "44k") if f"vae_{rate}" in self.weights]
        return {
            rate: self._source.build(f"vae_{rate}", partial(VAE.from_variant, rate, encoder=True)).to(self.device)
            for rate in rates
        }

    @property
    def teacher_weights(self) -> str:
        """SHA-256 of Synchformer's file, or "random"."""
        return "random" if self._source.random_weights else self._source.files["synchformer"].sha256

    def teacher(self, frames: Tensor) -> Tensor:
        """Return Synchformer's features of clips, uint8 (b, t, 3, 224, 224): float32 (b, 8 * segments, 768), here."""
        network = self._synchformer
        with torch.inference_mode(), numerics("exact"):
            features: Tensor = network(sync_input(frames.to(self.device)))
        return features.flatten(1, 2).float().cpu()

    @cached_property
    def _synchformer(self) -> Any:
        return self._source.build("synchformer", VideoExtractor, _video_branch).to(self.device)

    @contextmanager
    def text_encoders(self) -> Iterator[TextEncoders]:
        """Yield the text encoders, which are gone when the block ends."""
        yield TextEncoders(self._source, self.device)


class TextEncoders:
    """CLIP's and T5's encoders of texts, each loaded when it is used first."""

    def __init__(self, source: WeightSource, device: torch.device) -> None:
        self._source, self._device = source, device

    def clip(self, text: str) -> Tensor:
        """Return the CLIP states of a text: float32 (77, 1024)."""
        encode = self._clip
        with torch.inference_mode(), numerics("exact"):
            return encode([text])[0].cpu()

    def t5(self, text: str) -> Tensor:
        """Return the T5 states of a text: float32 (l, 768)."""
        encode = self._t5
        with torch.inference_mode(), numerics("exact"):
            return encode([text])[0].cpu()

    @cached_property
    def _clip(self) -> Any:
        return clip_prompt_encoder(
            self._source.build("clip", ClipText, text_tower_state).to(self._device), self._device
        )

    @cached_property
    def _t5(self) -> Any:
        source = self._source
        tokenize = stand_in_tokenizer if source.random_weights else load_tokenizer(source.path("t5_tokenizer"))
        encoder = source.build("t5", T5Encoder, encoder_state).to(self._device)
        return t5_prompt_encoder(encoder, tokenize, self._device)


def _video_branch(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return the entries of the video extractor of a whole Synchformer checkpoint."""
    return {
        name.removeprefix(_TEACHER_PREFIX): value for name, value in state.items() if name.startswith(_TEACHER_PREFIX)
    }
