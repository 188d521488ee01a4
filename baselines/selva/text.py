"""Flan-T5-base states of a prompt, for SELVA's video encoder.

Source:
    google/flan-t5-base, encoder only, as SELVA 70a8589 uses it: last hidden states, neither pooled nor normalised;
    prompts verbatim, cut at 512 tokens, `</s>` at the end.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.mmaudio.features import PromptEncoder
from foundation.extras import load_extra

WIDTH = 768
LAYERS = 12
VOCABULARY = 32_128
LONGEST = 512  # tokens, `</s>` among them
END_OF_SEQUENCE = 1
_FIRST_WORD, _LAST_WORD = 3, 32_000  # ids of pieces of text; below are special tokens, above are sentinels

Tokenizer = Callable[[str], list[int]]


class T5Encoder(nn.Module):
    """The encoder of Flan-T5-base, under the entry names of the published file."""

    def __init__(self) -> None:
        super().__init__()
        package = load_extra("transformers", "selva", needed_by="Flan-T5")
        config = package.T5Config(
            vocab_size=VOCABULARY,
            d_model=WIDTH,
            d_kv=64,
            d_ff=2048,
            num_layers=LAYERS,
            num_heads=12,
            relative_attention_num_buckets=32,
            relative_attention_max_distance=128,
            layer_norm_epsilon=1e-6,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            use_cache=False,
        )
        self.model = package.T5EncoderModel(config)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids of one prompt, int64 (1, l), to states, float32 (1, l, 768)."""
        return self.model(input_ids=tokens).last_hidden_state.float()


def encoder_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the encoder's entries of a Flan-T5 checkpoint, in shapes as stored; the decoder's are left out.

    The embedding stands in some files under two names and in some under one.
    """
    encoder = {f"model.{name}": value for name, value in state.items() if name.startswith("encoder.")}
    names = ("shared.weight", "encoder.embed_tokens.weight")
    shared = next((state[name] for name in names if name in state), None)
    if shared is not None:  # else strict loading says what is missing
        encoder.update({f"model.{name}": shared for name in names})
    return encoder


def load_tokenizer(path: Path) -> Tokenizer:
    """Return Flan-T5's own tokenizer from its `tokenizer.json`."""
    pieces = load_extra("tokenizers", "selva", needed_by="Flan-T5").Tokenizer.from_file(str(path))
    pieces.no_padding()
    pieces.enable_truncation(LONGEST)

    def tokenize(prompt: str) -> list[int]:
        return list(pieces.encode(prompt).ids)

    return tokenize


def stand_in_tokenizer(prompt: str) -> list[int]:
    """Return token ids made of hashes of the words: for random weights only, whose features mean nothing anyway.

    Like the real one it answers to every text, ends with `</s>`, and stops at 512 tokens.
    """
    words = re.findall(r"\w+|[^\w\s]", prompt)[: LONGEST - 1]
    span = _LAST_WORD - _FIRST_WORD
    return [_FIRST_WORD + zlib.crc32(word.encode("utf-8", "surrogatepass")) % span for word in words] + [
        END_OF_SEQUENCE
    ]


def t5_prompt_encoder(encoder: T5Encoder, tokenize: Tokenizer, device: torch.device) -> PromptEncoder:
    """Return an encoder of prompts to float32 (l, 768), the last state being that of `</s>`.

    Prompts go through one by one: without padding no prompt can depend on the length of another.
    """

    def encode(prompts: list[str]) -> list[Tensor]:
        return [encoder(torch.tensor([tokenize(prompt)], device=device))[0] for prompt in prompts]

    return PromptEncoder(encode)
