"""LAION-CLAP as a network of our own, for where the package laion-clap cannot be installed: it keeps numpy below 2.

Entries have the names of the published file, so that the same file fills it; the text branch is RoBERTa of
transformers, as in the package.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from foundation.extras import load_extra
from metrics.backbones.htsat import EMBEDDING, HtsAt

JOINT, TEXT_WIDTH = 512, 768
VOCABULARY = 50_265


class RobertaWithoutWeights:
    """Builds the text branch from its configuration; the package would fetch weights that the checkpoint replaces."""

    @staticmethod
    def from_pretrained(_name: str) -> Any:
        """Return RoBERTa as of `roberta-base`, unfilled."""
        package = load_extra("transformers", "paper", needed_by="CLAP")
        return package.RobertaModel(
            package.RobertaConfig(
                vocab_size=VOCABULARY, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
            )
        )


class _Transform(nn.Module):
    """Entries of the file that no score takes."""

    def __init__(self) -> None:
        super().__init__()
        dropout = 0.1
        self.sequential = nn.Sequential(
            nn.Linear(JOINT, JOINT), nn.ReLU(), nn.Dropout(dropout), nn.Linear(JOINT, JOINT)
        )


def _projection(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, JOINT), nn.ReLU(), nn.Linear(JOINT, JOINT))


class ClapNetwork(nn.Module):
    """The parts of LAION-CLAP, under the names and with the two methods that the package's class has."""

    def __init__(self) -> None:
        super().__init__()
        scale = math.log(1 / 0.07)
        self.audio_branch = HtsAt()
        self.text_branch = RobertaWithoutWeights.from_pretrained("roberta-base")
        self.text_transform = _Transform()
        self.text_projection = _projection(TEXT_WIDTH)
        self.audio_transform = _Transform()
        self.audio_projection = _projection(EMBEDDING)
        self.logit_scale_a = nn.Parameter(torch.tensor(scale))
        self.logit_scale_t = nn.Parameter(torch.tensor(scale))

    def encode_audio(self, audio: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
        """Return the branch's vector of each waveform, before any projection: (b, 480000) -> (b, 1024)."""
        return {"embedding": self.audio_branch(audio["waveform"].to(device))}

    def encode_text(self, text: Mapping[str, Tensor], device: torch.device) -> Tensor:
        """Return the vector of each text, of any length: ids and mask (b, tokens) -> (b, 512)."""
        read = self.text_branch(**{name: text[name].to(device) for name in ("input_ids", "attention_mask")})
        projected: Tensor = self.text_projection(read.pooler_output)
        return projected
