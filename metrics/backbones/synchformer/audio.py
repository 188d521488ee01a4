"""Audio branch of Synchformer: an Audio Spectrogram Transformer, segment by segment.

Written out instead of taken from transformers, because that package renames the layers of its AST between releases
and the checkpoint is loaded strictly by name.

Source:
    AST (Gong et al. 2021, arXiv:2104.01778) as trained by Synchformer (arXiv:2401.16423, v-iashin/Synchformer
    @ b66668a, MIT). Equal to the reference to 1e-5 of the largest value in float32.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.backbones.synchformer.pooling import AttentionPooling

MEL_BINS, MEL_FRAMES = 128, 66
ROWS, COLUMNS = 12, 6  # patches of 16 x 16, 10 apart: along frequency, along time
WIDTH, HEADS, DEPTH = 768, 12, 12
EPSILON = 1e-12


class _Dense(nn.Module):
    """A linear layer under the name that the checkpoint gives it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x)


class _Heads(nn.Module):
    """Multi-head attention without the output projection."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(2, (HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = _Heads()
        self.output = _Dense(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.attention(x))


class _Layer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = _Attention()
        self.intermediate = _Dense(WIDTH, 4 * WIDTH)
        self.output = _Dense(4 * WIDTH, WIDTH)
        self.layernorm_before = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layernorm_after = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.layernorm_before(x))
        return x + self.output(functional.gelu(self.intermediate(self.layernorm_after(x))))


class _Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Conv2d(1, WIDTH, 16, 10)

    def forward(self, mels: Tensor) -> Tensor:
        """Return tokens, frequency-major: (n, 128, 66) -> (n, 12 * 6, 768)."""
        return self.projection(mels[:, None]).flatten(2).transpose(1, 2)


class _Embeddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 2 + ROWS * COLUMNS, WIDTH))
        self.patch_embeddings = _Patches()

    def forward(self, mels: Tensor) -> Tensor:
        extra = torch.cat([self.cls_token, self.distillation_token], dim=1).expand(len(mels), -1, -1)
        return torch.cat([extra, self.patch_embeddings(mels)], dim=1) + self.position_embeddings


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer() for _ in range(DEPTH))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x)
        return x


class _SpectrogramTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = _Embeddings()
        self.encoder = _Encoder()
        self.layernorm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, mels: Tensor) -> Tensor:
        """Return the patch tokens: (n, 128, 66) -> (n, 72, 768)."""
        return self.layernorm(self.encoder(self.embeddings(mels)))[:, 2:]


class AudioExtractor(nn.Module):
    """AST over log-mel segments, pooled along frequency."""

    def __init__(self) -> None:
        super().__init__()
        self.ast = _SpectrogramTransformer()
        self.freq_attn_agg = AttentionPooling(WIDTH, HEADS, 4 * WIDTH, 1e-6)

    def forward(self, mels: Tensor) -> Tensor:
        """Return the features of every segment.

        Args:
            mels: (b, segments, 128, 66), log-mel segments of `prepare_audio`.

        Returns:
            (b, segments, 6, 768): one vector a time column.

        Raises:
            ValueError: another shape.
        """
        if mels.ndim != 4 or mels.shape[2:] != (MEL_BINS, MEL_FRAMES):
            raise ValueError(f"mels: expected shape (b, segments, {MEL_BINS}, {MEL_FRAMES}), got {tuple(mels.shape)}")
        batch, segments = mels.shape[:2]
        tokens = self.ast(mels.flatten(0, 1)).unflatten(1, (ROWS, COLUMNS)).transpose(1, 2)
        return self.freq_attn_agg(tokens.flatten(0, 1)).view(batch, segments, COLUMNS, WIDTH)
