"""Attention pooling: a learned token gathers a group of tokens into one vector."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttentionPooling(nn.Module):
    """One pre-norm transformer layer, of which only the row of the learned token is computed.

    Entry names are those of `torch.nn.TransformerEncoderLayer` plus `cls_token`, as in the checkpoint. The other rows
    of that layer are thrown away by the reference, so leaving them out changes nothing and saves most of the work.
    """

    def __init__(self, width: int = 768, heads: int = 12, hidden: int = 3072, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return one vector a group: (groups, tokens, width) -> (groups, width)."""
        sequence = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        keys = self.norm1(sequence)
        gathered, _ = self.self_attn(keys[:, :1], keys, keys, need_weights=False)
        pooled = sequence[:, 0] + gathered[:, 0]
        return pooled + self.linear2(functional.gelu(self.linear1(self.norm2(pooled))))

    def weights(self, tokens: Tensor) -> Tensor:
        """Return how much the learned token looks at each token: (groups, tokens, width) -> (groups, tokens).

        Mean over heads; what is missing to a sum of 1 is the weight of the learned token on itself.
        """
        sequence = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        keys = self.norm1(sequence)
        _, weights = self.self_attn(keys[:, :1], keys, keys, need_weights=True)
        return weights[:, 0, 1:]
