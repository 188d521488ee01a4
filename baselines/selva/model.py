"""SELVA: the sound of the one thing in a video that a text names."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor

from baselines.generator import Prepared, Request, Waveform
from baselines.mmaudio import frames, weights
from baselines.mmaudio.batches import VIDEOS_AT_ONCE, BatchModel, FramePreparation
from baselines.mmaudio.features import ClipText, clip_prompt_encoder, text_tower_state
from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.native import PACKAGES, NativeOptions, check_native, store_of
from baselines.mmaudio.regions import compile_regions
from baselines.mmaudio.synthesis import Brief, Settings, Synthesiser
from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.text import T5Encoder, encoder_state, load_tokenizer, stand_in_tokenizer, t5_prompt_encoder
from baselines.selva.training import own_weights
from baselines.selva.video_encoder import MISSING_FRAMES, TextVideoEncoder
from foundation.devices import numerics
from foundation.extras import require

DEFAULT_SUP_TOKENS = 5


def checkpoint_names(variant: str, num_sup_tokens: int) -> dict[str, str | None]:
    """Return which published file each part is loaded from, by its name in `foundation.checkpoints`.

    None stands for what is not published: other sizes, other counts of [SUP] tokens.
    """
    rate, default = VARIANTS[variant].rate, num_sup_tokens == DEFAULT_SUP_TOKENS
    return {
        "video_encoder": "selva-video-encoder" if default else None,
        "generator": "selva-generator-small-16k" if default and variant == "small_16k" else None,
        "vae": f"vae-{rate}",
        "vocoder": f"bigvgan-{rate}",
        "clip": "dfn5b-clip",
        "t5": "flan-t5",
        "t5_tokenizer": "flan-t5-tokenizer",
    }


class SELVA(BatchModel):
    """Text-conditioned selective video-to-audio; a `Generator`. Importing needs no weights, making one does.

    A negative prompt acts on the generator's side only; the video encoder never sees it.

    Args:
        variant: small_16k, small_44k, medium_44k, large_44k (or large_44k_v2, for weights of that layout).
        num_sup_tokens: supplementary tokens in front of the text; the paper has 0, 1, 3, 5 and 7. Only small_16k
            with 5 is published; other weights come through `checkpoint`.
        native: see `NativeOptions`. The parts of `checkpoint` are video_encoder, generator, vae, vocoder, clip, t5
            and t5_tokenizer; with `random_weights` a stand-in takes the place of T5's tokenizer. Of files that
            `python -m benchmark train export` wrote, `selva.json` beside them is read with them.

    Raises:
        ValueError: an option out of range, or files that `selva.json` beside them says are others, or for another
            variant or number of [SUP] tokens.
        TypeError: an option that it does not have.
        foundation.extras.MissingPackage: a package of the extra `selva` is not installed.
        foundation.checkpoints.MissingCheckpoint: a file is not there; says how to get it.
        foundation.checkpoints.WrongCheckpoint: a file does not fit; names the first entry that differs.

    Source:
        SELVA (arXiv:2512.02650), jnwnlee/selva @ 70a8589. Frame k of the video stream is the frame at k / 25 s, as
        in its batch path; its demo loses one frame of an 8 s clip.
    """

    packages: ClassVar[tuple[str, ...]] = (*PACKAGES, "transformers", "tokenizers")  # of the extra `selva`

    def __init__(
        self,
        *,
        variant: str = "small_16k",
        num_sup_tokens: int = DEFAULT_SUP_TOKENS,
        **native: Unpack[NativeOptions],
    ) -> None:
        check_native(native)
        if variant not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {variant!r}")
        settings = Settings.checked(native)
        given = native.get("checkpoint") or {}
        self._own = own_weights.read_beside(given)
        self._own_parts = [part for part in own_weights.PARTS if part in given and own_weights.record_path(given[part])]
        if self._own is not None:
            self._own.check(variant=variant, sup_tokens=num_sup_tokens, parts=self._own_parts)
        require(self.packages, "selva", needed_by=f"selva {variant}")
        source = weights.WeightSource(
            checkpoint_names(variant, num_sup_tokens),
            native,
            needed_by=f"selva {variant} with {num_sup_tokens} [SUP] tokens",
        )
        self.variant, self.num_sup_tokens = variant, num_sup_tokens
        self.untrained = source.random_weights or (self._own is not None and self._own.untrained)
        self._settings, self._store = settings, store_of(native)
        self.prepare = FramePreparation({"sync": frames.sync_request("squash")}, MISSING_FRAMES)
        self._load(source, settings)
        self.weights: dict[str, weights.WeightFile] = source.files

    def _load(self, source: weights.WeightSource, settings: Settings) -> None:
        device, dtype = settings.device, settings.dtype
        source.require(checkpoint_names(self.variant, self.num_sup_tokens))
        # The CLIP file is by far the largest: first, while nothing else is in memory.
        clip = source.build("clip", ClipText, text_tower_state).to(device, dtype)
        self._clip_prompts = clip_prompt_encoder(clip, device)
        stand_in = source.is_random("t5_tokenizer")
        tokenize = stand_in_tokenizer if stand_in else load_tokenizer(source.path("t5_tokenizer"))
        t5 = source.build("t5", T5Encoder, encoder_state).to(device, dtype)
        self._t5_prompts = t5_prompt_encoder(t5, tokenize, device)
        self._video = source.build("video_encoder", partial(TextVideoEncoder, self.num_sup_tokens))
        self._trunk_weights = _trunk_fingerprint(self._video)
        self._video.to(device, dtype)
        if settings.compile:
            compile_regions(self._video)
        self._synthesiser = Synthesiser(self.variant, source, settings)

    @property
    def notes(self) -> list[str]:
        """What a reader of a results table should know of this configuration."""
        seen = "the video encoder sees the whole frame, squashed to a square"
        trained = [] if self._own is None else [self._own.note(self._own_parts)]
        return [seen, f"{self.num_sup_tokens} [SUP] tokens", *trained, *self._settings.notes]

    @property
    def training_record(self) -> dict[str, Any] | None:
        """What `selva.json` says of files that were trained here; None for others."""
        return None if self._own is None else self._own.model_dump(mode="json", by_alias=True)

    @property
    def video_encoder(self) -> TextVideoEncoder:
        """The text-conditioned video encoder."""
        return self._video

    @torch.inference_mode()
    def _answer(self, requests: Sequence[Request], prepared: Sequence[Prepared], lengths: Lengths) -> list[Waveform]:
        brief = Brief.of(requests, lengths, self._clip_prompts, sync=self._conditioned(requests, prepared), clip=None)
        return self._synthesiser.waveforms(brief)

    def _conditioned(self, requests: Sequence[Request], prepared: Sequence[Prepared]) -> Tensor:
        """Return the video features that the prompts condition, float32 (n, 8 * segments, 768)."""
        trunks = self._trunks(requests, prepared)
        at_once = len(requests) if self.device.type == "cuda" else 1  # on a CPU no bit depends on the batch
        parts = []
        for start in range(0, len(requests), at_once):
            text, mask = self.text_states(*(request.prompt for request in requests[start : start + at_once]))
            parts.append(self._video.condition(torch.stack(trunks[start : start + at_once]), text, mask).float())
        return torch.cat(parts)

    @torch.inference_mode()
    def text_states(self, *prompts: str) -> tuple[Tensor, Tensor]:
        """Return the T5 states of prompts, (n, longest, 768), and their mask, bool (n, longest), for the encoder."""
        states = self._t5_prompts(prompts)
        text = torch.nn.utils.rnn.pad_sequence(states, batch_first=True).to(self._settings.dtype)
        lengths = torch.tensor([len(one) for one in states])[:, None]
        return text, (torch.arange(text.shape[1]) < lengths).to(text.device)

    @torch.inference_mode()
    def trunk(self, request: Request) -> Tensor:
        """Return the space-time tokens of a video, (1, segments, 1568, 768), computed once whatever the prompt.

        Raises:
            GenerationError: the video cannot be read or is shorter than the duration.
        """
        with numerics(self._settings.precision):
            return self._trunks([request], [{}])[0][None]

    def _trunks(self, requests: Sequence[Request], prepared: Sequence[Prepared]) -> list[Tensor]:
        """Return the tokens of each video, (segments, 1568, 768)."""
        return [trunk for (trunk,) in self._features(requests, prepared, {"sync": self._trunk_of})]

    def _trunk_of(self, pixels: Tensor) -> list[Tensor]:
        """Return the tokens of videos, uint8 (n, frames, 3, 224, 224); a few at a time."""
        trunks: list[Tensor] = []
        for part in pixels.split(VIDEOS_AT_ONCE):
            trunks += self._video.trunk(frames.sync_input(part).to(self._settings.dtype)).unbind()
        return trunks

    def _descriptions(self, request: Request) -> list[str]:
        return [f"trunk {self._trunk_weights} {request.duration} {self._settings.dtype}"]


def _trunk_fingerprint(encoder: TextVideoEncoder) -> str:
    """Return a hash of the weights before the text: equal for all [SUP] counts and sizes, which freeze them."""
    entries = encoder.vfeat_extractor.state_dict().items()
    return weights.fingerprint((name, value) for name, value in entries if not name.startswith("spatial_attn_agg."))
