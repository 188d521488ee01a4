"""CLIP features of prompts and frames: the towers of DFN5B ViT-H/14, as MMAudio and SELVA use them.

Source:
    open_clip (the towers and the tokenizer); weights apple/DFN5B-CLIP-ViT-H-14-384. Uses of MMAudio 974010a: all 77
    token states behind the last norm, and the projected embedding of each frame, both of unit length.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.mmaudio.frames import clip_input
from foundation.extras import load_extra

EMBEDDING = 1024
TEXT_LAYERS, TEXT_HEADS, TEXT_WIDTH, TEXT_TOKENS = 24, 16, 1024, 77
IMAGE_LAYERS, IMAGE_HEADS, IMAGE_WIDTH, PATCH = 32, 16, 1280, 14
IMAGE_SIZE = 378  # what the position table is made for: 27 x 27 patches, of a 384 pixel frame too
FRAMES_AT_ONCE = 16  # on a CPU
FRAMES_ON_GPU = 256
_REMEMBERED_PROMPTS = 256


class ClipText(nn.Module):
    """The text tower of open_clip, read before pooling and projection."""

    def __init__(self) -> None:
        super().__init__()
        package = load_extra("open_clip.transformer", "selva", needed_by="CLIP")
        self.tower = package.TextTransformer(
            context_length=TEXT_TOKENS,
            width=TEXT_WIDTH,
            heads=TEXT_HEADS,
            layers=TEXT_LAYERS,
            output_dim=EMBEDDING,
            act_layer=package.QuickGELU,
        )
        self.tower.attn_mask = None  # made again below: a tower built without memory has no values in it

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids, int64 (batch, 77), to states of unit length, float32 (batch, 77, 1024)."""
        tower = self.tower
        dtype = tower.positional_embedding.dtype
        x = tower.token_embedding(tokens) + tower.positional_embedding
        blocked = torch.full((TEXT_TOKENS, TEXT_TOKENS), float("-inf"), dtype=dtype, device=tokens.device).triu(1)
        x = tower.ln_final(tower.transformer(x, attn_mask=blocked))
        return F.normalize(x.float(), dim=-1)


class ClipImage(nn.Module):
    """The image tower of open_clip."""

    def __init__(self) -> None:
        super().__init__()
        package = load_extra("open_clip.transformer", "selva", needed_by="CLIP")
        self.tower = package.VisionTransformer(
            image_size=IMAGE_SIZE,
            patch_size=PATCH,
            width=IMAGE_WIDTH,
            layers=IMAGE_LAYERS,
            heads=IMAGE_HEADS,
            mlp_ratio=4.0,
            output_dim=EMBEDDING,
            act_layer=package.QuickGELU,
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames, uint8 (n, 3, 384, 384), to embeddings of unit length, float32 (n, 1024)."""
        dtype = self.tower.class_embedding.dtype
        at_once = FRAMES_ON_GPU if frames.is_cuda else FRAMES_AT_ONCE
        parts = [self.tower(clip_input(part).to(dtype)) for part in frames.split(at_once)]
        return F.normalize(torch.cat(parts).float(), dim=-1)


def text_tower_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the text tower's entries of a CLIP checkpoint, in shapes as stored, named as in `ClipText`.

    Both layouts of open_clip are read: with the prefix "text.", and without any.
    """
    nested = {name.removeprefix("text."): value for name, value in state.items() if name.startswith("text.")}
    tower = nested or {
        name: value for name, value in state.items() if not name.startswith("visual.") and name != "logit_scale"
    }
    return {f"tower.{name}": value for name, value in tower.items() if name not in ("logit_bias", "attn_mask")}


def image_tower_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the image tower's entries of a CLIP checkpoint, in shapes as stored, named as in `ClipImage`."""
    return {name.replace("visual.", "tower.", 1): value for name, value in state.items() if name.startswith("visual.")}


class PromptEncoder:
    """Features of prompts by a text encoder, each prompt computed once.

    Args:
        encode: list of prompts -> one tensor per prompt.
    """

    def __init__(self, encode: Callable[[list[str]], Sequence[Tensor]]) -> None:
        self._encode = encode
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def __call__(self, prompts: Sequence[str]) -> list[Tensor]:
        """Return the features of each prompt, in order."""
        known = self._known
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        known.update(zip(new, self._encode(new) if new else (), strict=True))
        for prompt in prompts:
            known.move_to_end(prompt)
        features = [known[prompt] for prompt in prompts]
        while len(known) > _REMEMBERED_PROMPTS:
            known.popitem(last=False)
        return features


def clip_prompt_encoder(tower: ClipText, device: torch.device) -> PromptEncoder:
    """Return an encoder of prompts to float32 (77, 1024); longer prompts are cut at 75 tokens, as CLIP does.

    On a CPU they go through one by one, so that no bit of one depends on the others.
    """

    def encode(prompts: list[str]) -> list[Tensor]:
        at_once = len(prompts) if device.type == "cuda" else 1
        parts = _tokenizer()(prompts).to(device).split(at_once)
        return [features for part in parts for features in tower(part).unbind(0)]

    return PromptEncoder(encode)


@cache
def _tokenizer() -> Any:
    """Return CLIP's tokenizer, which takes a third of a second to read its merges."""
    return load_extra("open_clip", "selva", needed_by="CLIP").SimpleTokenizer(context_length=TEXT_TOKENS)
