"""SELVA: the sound of the one thing in a video that a text names."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from baselines.generator import Request, Waveform
from baselines.mmaudio import frames, weights
from baselines.mmaudio.batches import BatchModel, naming_sample
from baselines.mmaudio.feature_store import FeatureStore
from baselines.mmaudio.features import ClipText, clip_prompt_encoder, text_tower_state
from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.synthesis import GUIDANCE, STEPS, Brief, DType, Settings, Synthesiser
from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.text import T5Encoder, encoder_state, load_tokenizer, stand_in_tokenizer, t5_prompt_encoder
from baselines.selva.video_encoder import MISSING_FRAMES, TextVideoEncoder

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
        steps: Euler steps.
        guidance: strength of classifier-free guidance.
        dtype: fp32, or bf16 for the transformers.
        compile: compile the diffusion transformer.
        device: where to compute; a GPU if there is one.
        weights_dir: folder with the published files.
        checkpoint: files of your own, by part: video_encoder, generator, vae, vocoder, clip, t5, t5_tokenizer.
        allow_unverified: also take files without a published hash, or that differ from the published ones.
        random_weights: no files, seeded random numbers and a stand-in for T5's tokenizer: for timing and smoke tests
            only. `untrained` says so.
        features_dir: folder to keep the prompt-independent features of videos in; None keeps them in memory only.
        store: a `FeatureStore` shared with other models, in place of `features_dir`.

    Raises:
        ValueError: an option out of range.
        foundation.checkpoints.MissingCheckpoint: a file is not there; says how to get it.
        foundation.checkpoints.WrongCheckpoint: a file does not fit; names the first entry that differs.

    Source:
        SELVA (arXiv:2512.02650), jnwnlee/selva @ 70a8589. Frame k of the video stream is the frame at k / 25 s, as
        in its batch path; its demo loses one frame of an 8 s clip.
    """

    def __init__(
        self,
        *,
        variant: str = "small_16k",
        num_sup_tokens: int = DEFAULT_SUP_TOKENS,
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
        settings = Settings.checked(steps=steps, guidance=guidance, dtype=dtype, compile=compile, device=device)
        source = weights.WeightSource(
            checkpoint_names(variant, num_sup_tokens),
            overrides=checkpoint,
            random_weights=random_weights,
            weights_dir=weights_dir,
            allow_unverified=allow_unverified,
            needed_by=f"selva {variant} with {num_sup_tokens} [SUP] tokens",
        )
        self.variant, self.num_sup_tokens, self.untrained = variant, num_sup_tokens, random_weights
        self._device, self._dtype = settings.device, settings.dtype
        self._store = store or FeatureStore(features_dir)
        self._load(source, settings)
        self.weights: dict[str, weights.WeightFile] = source.files

    def _load(self, source: weights.WeightSource, settings: Settings) -> None:
        device, dtype = settings.device, settings.dtype
        source.require(checkpoint_names(self.variant, self.num_sup_tokens))
        # The CLIP file is by far the largest: first, while nothing else is in memory.
        clip = source.build("clip", ClipText, text_tower_state).to(device, dtype)
        self._clip_prompts = clip_prompt_encoder(clip, device)
        tokenize = stand_in_tokenizer if source.random_weights else load_tokenizer(source.path("t5_tokenizer"))
        t5 = source.build("t5", T5Encoder, encoder_state).to(device, dtype)
        self._t5_prompts = t5_prompt_encoder(t5, tokenize, device)
        self._video = source.build("video_encoder", partial(TextVideoEncoder, self.num_sup_tokens))
        self._trunk_weights = _trunk_fingerprint(self._video)
        self._video.to(device, dtype)
        self._synthesiser = Synthesiser(self.variant, source, settings)

    @property
    def notes(self) -> list[str]:
        """What a reader of a results table should know of this configuration."""
        return ["the video encoder sees the whole frame, squashed to a square", f"{self.num_sup_tokens} [SUP] tokens"]

    @property
    def video_encoder(self) -> TextVideoEncoder:
        """The text-conditioned video encoder."""
        return self._video

    @torch.inference_mode()
    def _answer(self, requests: Sequence[Request], lengths: Lengths) -> list[Waveform]:
        sync = torch.cat([self._conditioned(request) for request in requests])
        brief = Brief.of(requests, lengths, self._clip_prompts, sync=sync, clip=None)
        return self._synthesiser.waveforms(brief)

    def _conditioned(self, request: Request) -> Tensor:
        """Return the video features that the prompt conditions, float32 (1, 8 * segments, 768)."""
        text, mask = self.text_states(request.prompt)
        return self._video.condition(self.trunk(request), text, mask).float()

    @torch.inference_mode()
    def text_states(self, prompt: str) -> tuple[Tensor, Tensor]:
        """Return the T5 states of a prompt, (1, l, 768), and their mask, bool (1, l), for the video encoder."""
        text = self._t5_prompts([prompt])[0][None].to(self._dtype)
        return text, torch.ones(text.shape[:2], dtype=torch.bool, device=text.device)

    @torch.inference_mode()
    def trunk(self, request: Request) -> Tensor:
        """Return the space-time tokens of a video, (1, segments, 1568, 768), computed once whatever the prompt.

        Raises:
            GenerationError: the video cannot be read or is shorter than the duration.
        """

        def compute() -> Tensor:
            (pixels,) = frames.read_frames(
                request.video, [frames.sync_request("squash")], request.duration, repeat_last=MISSING_FRAMES
            )
            inputs = frames.sync_input(pixels.to(self._device)).to(self._dtype)
            return self._video.trunk(inputs[None])

        with naming_sample(request):
            key = f"trunk {self._trunk_weights} {request.duration} {self._dtype}"
            return self._store.get(request.video, key, compute).to(self._device)


def _trunk_fingerprint(encoder: TextVideoEncoder) -> str:
    """Return a hash of the weights before the text: equal for all [SUP] counts and sizes, which freeze them."""
    entries = encoder.vfeat_extractor.state_dict().items()
    return weights.fingerprint((name, value) for name, value in entries if not name.startswith("spatial_attn_agg."))
