"""HTS-AT, the audio branch of LAION-CLAP, written out for where the package laion-clap cannot be installed.

A log-mel picture of 10 s is folded so that time runs through four rows of 64 bands, and read by a Swin transformer.

Source:
    HTS-AT (Chen et al. 2022, arXiv:2202.00874) and Swin (Liu et al. 2021, arXiv:2103.14030) at the sizes of
    LAION-CLAP's HTSAT-base, with the entry names of its checkpoint. Equal to the class of laion-clap 1.1.7 to 1e-5.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.backbones.isolated import librosa_caches

RATE = 48_000  # Hz
FFT, HOP = 1024, 480
MEL_HERTZ = (50.0, 14_000.0)
MELS, BINS = 64, FFT // 2 + 1
CLASSES = 527
SIDE, FOLDS = 256, 4  # the picture is 256x256: four stretches of time, one below the other
PATCH, WINDOW = 4, 8
WIDTH, DEPTHS, HEADS = 128, (2, 2, 12, 2), (4, 8, 16, 32)
EMBEDDING = WIDTH * 2 ** (len(DEPTHS) - 1)
_POWER_FLOOR = 1e-10


class _Spectrogram(nn.Module):
    """Power of each bin of the FFT, by matrices that are entries of the checkpoint: (b, n) -> (b, 1, frames, 513)."""

    def __init__(self) -> None:
        super().__init__()
        names = ("conv_real", "conv_imag")
        self.stft = nn.ModuleDict({name: nn.Conv1d(1, BINS, FFT, stride=HOP, bias=False) for name in names})
        for part, matrix in zip(self.stft.values(), _fourier(), strict=True):
            part.weight = nn.Parameter(matrix[:, None], requires_grad=False)

    def forward(self, waveform: Tensor) -> Tensor:
        padded = functional.pad(waveform[:, None], (FFT // 2, FFT // 2), mode="reflect")
        real, imaginary = (part(padded).transpose(1, 2)[:, None] for part in self.stft.values())
        return real**2 + imaginary**2


class _LogMel(nn.Module):
    """Decibels of each mel band: (..., 513) -> (..., 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.melW = nn.Parameter(_mel_matrix(), requires_grad=False)

    def forward(self, power: Tensor) -> Tensor:
        return 10.0 * torch.log10(torch.clamp(power @ self.melW, min=_POWER_FLOOR))


class _Patches(nn.Module):
    """4x4 patches as tokens: (b, 1, 256, 256) -> (b, 4096, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, picture: Tensor) -> Tensor:
        return self.norm(self.proj(picture).flatten(2).transpose(1, 2))


class _Attention(nn.Module):
    """Attention within windows of 8x8 tokens, with a bias for each distance between two of them."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("relative_position_index", _distances())
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Map (b * windows, 64, width) to the same; `mask` (windows, 64, 64) is added to the scores."""
        rows, tokens, width = windows.shape
        query, key, value = self.qkv(windows).reshape(rows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index]  # (64, 64, heads)
        scores = scores + bias.permute(2, 0, 1)
        if mask is not None:
            scores = (scores.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        return self.proj((scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    """Attention and a perceptron, each behind a norm; in every second block the windows lie half a window further."""

    attn_mask: Tensor | None

    def __init__(self, width: int, heads: int, side: int, shift: int) -> None:
        super().__init__()
        self.side, self.shift = side, shift if side > WINDOW else 0
        self.register_buffer("attn_mask", _mask(side, self.shift) if self.shift else None)
        self.norm1 = nn.LayerNorm(width)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, side * side, width) to the same."""
        picture = self.norm1(tokens).unflatten(1, (self.side, self.side))
        picture = picture.roll((-self.shift, -self.shift), dims=(1, 2))
        attended = self.attn(_windows(picture), self.attn_mask)
        picture = _from_windows(attended, self.side).roll((self.shift, self.shift), dims=(1, 2))
        tokens = tokens + picture.flatten(1, 2)
        return tokens + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(tokens))))


class _Halving(nn.Module):
    """Four neighbouring tokens become one of twice the width: (b, n, width) -> (b, n / 4, 2 * width)."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, tokens: Tensor) -> Tensor:
        picture = tokens.unflatten(1, (self.side, self.side))
        corners = [picture[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1).flatten(1, 2)))


class _Stage(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, side: int, *, last: bool) -> None:
        super().__init__()
        shifts = [WINDOW // 2 * (index % 2) for index in range(depth)]
        self.blocks = nn.ModuleList(_Block(width, heads, side, shift) for shift in shifts)
        self.downsample = None if last else _Halving(width, side)

    def forward(self, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class HtsAt(nn.Module):
    """The audio branch: 10 s of sound to one vector."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrogram_extractor = _Spectrogram()
        self.logmel_extractor = _LogMel()
        self.bn0 = nn.BatchNorm2d(MELS)
        self.patch_embed = _Patches()
        last, side = len(DEPTHS) - 1, SIDE // PATCH
        self.layers = nn.ModuleList(
            _Stage(WIDTH << at, depth, heads, side >> at, last=at == last)
            for at, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True))
        )
        self.norm = nn.LayerNorm(EMBEDDING)
        # The classifier of AudioSet's classes, which CLAP does not use: entries of the checkpoint.
        self.tscam_conv = nn.Conv2d(EMBEDDING, CLASSES, (2, 3), padding=(0, 1))
        self.head = nn.Linear(CLASSES, CLASSES)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map (b, 480000), as float32 as the spectrogram's matrices, to (b, 1024)."""
        mels = self.logmel_extractor(self.spectrogram_extractor(waveform))  # (b, 1, 1001, 64)
        normed = self.bn0(mels.transpose(1, 3)).transpose(1, 3)
        tokens = self.patch_embed(_folded(normed))
        for stage in self.layers:
            tokens = stage(tokens)
        return self.norm(tokens).mean(dim=1)


def _fourier() -> tuple[Tensor, Tensor]:
    """Return both parts of the windowed Fourier transform, float32 (513, 1024) each."""
    window = torch.hann_window(FFT, periodic=True, dtype=torch.float64)
    angles = 2 * torch.pi / FFT * (torch.arange(BINS)[:, None] * torch.arange(FFT) % FFT).double()
    return (angles.cos() * window).float(), (-angles.sin() * window).float()


def _mel_matrix() -> Tensor:
    """Return the weights of FFT bins in Slaney's mel bands, float32 (513, 64)."""
    with librosa_caches():
        import librosa

        lowest, highest = MEL_HERTZ
        bands = librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=MELS, fmin=lowest, fmax=highest)
    return torch.from_numpy(bands.T.copy())


def _folded(mels: Tensor) -> Tensor:
    """Stretch to 1024 frames and fold time into four rows: (b, 1, frames, 64) -> (b, 1, 256, 256)."""
    frames = SIDE * FOLDS
    stretched = functional.interpolate(mels, (frames, MELS), mode="bicubic", align_corners=True)
    return stretched.transpose(2, 3).unflatten(3, (FOLDS, SIDE)).transpose(2, 3).flatten(2, 3)


def _windows(picture: Tensor) -> Tensor:
    """Cut a picture: (b, side, side, width) -> (b * windows, 64, width)."""
    rows = picture.unflatten(2, (-1, WINDOW)).unflatten(1, (-1, WINDOW))  # (b, row, 8, column, 8, width)
    return rows.transpose(2, 3).flatten(0, 2).flatten(1, 2)


def _from_windows(windows: Tensor, side: int) -> Tensor:
    """Put a picture together again: the inverse of `_windows`."""
    across = side // WINDOW
    rows = windows.unflatten(1, (WINDOW, WINDOW)).unflatten(0, (-1, across, across))
    return rows.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _distances() -> Tensor:
    """Return the row of the bias table for each pair of a window's tokens, int64 (64, 64)."""
    rows, columns = torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()])
    down, right = (places[:, :, None] - places[:, None, :]) + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


def _mask(side: int, shift: int) -> Tensor:
    """Return what keeps apart, in each window of a picture rolled by `shift`, what is not side by side in it."""
    edges = torch.zeros(side, dtype=torch.long)
    edges[-WINDOW:], edges[-shift:] = 1, 2
    regions = _windows((edges[:, None] * 3 + edges)[None, :, :, None].float())[..., 0]  # (windows, 64)
    apart = regions[:, None, :] != regions[:, :, None]
    return torch.where(apart, -100.0, 0.0)
