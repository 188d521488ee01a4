"""PE-AV: one space for sounds, texts and videos, from networks whose licence allows use in a company.

The networks are the classes of transformers; front ends and loading are ours. Loading goes by entry names: transformers
5.23 with timm 1.0.31 cannot read a file of this model itself (it looks for the rotary buffer `bands` among parameters
that are shared), and two of its getters call methods that do not exist.

Source:
    PE-AV (Vyas et al. 2025, arXiv:2512.19687), `facebook/pe-av-small-16-frame` (Apache-2.0), as
    `PeAudioVideoProcessor` and `PeAudioVideoModel` of transformers 5.23 (Apache-2.0) run it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foundation.checkpoints import WrongCheckpoint, open_state_dict
from foundation.extras import load_extra
from metrics.backbones import frontends

SAMPLE_RATE = 48_000  # Hz
HOP_SAMPLES = 1920  # 40 ms, one step of the audio encoder
FRAMES = 16  # of a clip of any length, evenly spaced from its first to its last
SIDE = 336  # pixels
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
# The file has parts that two encoders share once, and which of the names it keeps is for whoever wrote it to choose.
_SHARED = {
    "text_model.": "audio_model.text_model.",
    "audio_model.audio_encoder.": "audio_video_encoder.embedder.audio_encoder.",
    "video_model.video_encoder.": "audio_video_encoder.embedder.video_encoder.",
}


class PeAv(nn.Module):
    """The text, audio and video encoders of PE-AV with the heads of the pairs audio-text and audio-video.

    Entry names are those of the published file, whose other parts (an encoder that joins picture and sound, and the
    heads of further pairs) are left out: no metric here takes them.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Build the networks, unfilled.

        Args:
            config: the content of the published `config.json`.
        """
        package = load_extra("transformers", "open", needed_by="PE-AV")
        audio = load_extra("transformers.models.pe_audio.modeling_pe_audio", "open", needed_by="PE-AV")
        video = load_extra("transformers.models.pe_video.modeling_pe_video", "open", needed_by="PE-AV")
        super().__init__()
        parts: Any = package.PeAudioVideoConfig.from_dict(dict(config))
        sound, picture = parts.audio_config.audio_config, parts.video_config.video_config
        width = parts.text_config.hidden_size
        self.text_model = package.AutoModel.from_config(parts.text_config)
        self.audio_model = nn.ModuleDict(
            {
                "audio_encoder": audio.PeAudioEncoder(sound),
                "audio_head": audio.PeAudioContrastiveHead(sound.hidden_size, width),
                "text_audio_head": audio.PeAudioContrastiveHead(width, width),
            }
        )
        self.video_model = nn.ModuleDict(
            {
                "video_encoder": video.PeVideoEncoder(picture),
                "video_head": video.PeVideoContrastiveHead(picture.hidden_size, width),
            }
        )
        self.eval()

    def audio(self, waveform: Tensor) -> Tensor:
        """Return the embedding of each sound: (b, n) at 48 kHz, n a multiple of 1920 -> (b, d), float32.

        Raises:
            ValueError: another shape.
        """
        if waveform.ndim != 2 or waveform.shape[1] == 0 or waveform.shape[1] % HOP_SAMPLES:
            raise ValueError(f"waveform: expected (b, n), n a multiple of {HOP_SAMPLES}, got {tuple(waveform.shape)}")
        pooled = self.audio_model["audio_encoder"](waveform[:, None]).pooler_output
        return self._embedded(self.audio_model["audio_head"], pooled)

    def video(self, clips: Tensor) -> Tensor:
        """Return the embedding of each clip: (b, 16, 3, 336, 336) in [-1, 1] -> (b, d), float32.

        Raises:
            ValueError: another shape.
        """
        if clips.ndim != 5 or clips.shape[1:] != (FRAMES, 3, SIDE, SIDE):
            raise ValueError(f"clips: expected shape (b, {FRAMES}, 3, {SIDE}, {SIDE}), got {tuple(clips.shape)}")
        pooled = self.video_model["video_encoder"](clips).pooler_output
        return self._embedded(self.video_model["video_head"], pooled)

    def text(self, input_ids: Tensor) -> Tensor:
        """Return the embedding of texts, to be held against sounds: ids (b, l) without padding -> (b, d), float32."""
        states = self.text_model(input_ids=input_ids).last_hidden_state
        return self._embedded(self.audio_model["text_audio_head"], states[:, 0])

    @staticmethod
    def _embedded(head: nn.Module, pooled: Tensor) -> Tensor:
        embedding: Tensor = head(pooled).float()
        return embedding


def load_pe_av(config: Path, weights: Path, *, device: str | torch.device = "cpu") -> PeAv:
    """Return the network with its weights, ready to run: in eval mode, float32, without gradients.

    Args:
        config: the published `config.json`, verified.
        weights: the published `model.safetensors`, verified.
        device: where it runs.

    Raises:
        WrongCheckpoint: the files do not belong together; names the first entry that is absent or of another shape.
    """
    network = PeAv(json.loads(config.read_text(encoding="utf-8")))
    content, entries = open_state_dict(weights), dict[str, Tensor]()
    for name, own in network.state_dict().items():
        found = content.get(name, content.get(_other_name(name)))
        if found is None:
            raise WrongCheckpoint(f"{weights} holds no weights of PE-AV as {config} describes it: it lacks {name}")
        if found.shape != own.shape:
            raise WrongCheckpoint(
                f"{weights} holds no weights of PE-AV as {config} describes it: it has {name} of shape "
                f"{tuple(found.shape)}, expected {tuple(own.shape)}"
            )
        entries[name] = found
    network.load_state_dict(entries)
    return network.requires_grad_(False).float().to(device)


def _other_name(name: str) -> str:
    """Return under which name the file may have an entry that two encoders share; the same for the others."""
    for ours, other in _SHARED.items():
        if name.startswith(ours):
            return other + name.removeprefix(ours)
    return name


def tokenize(text: str, tokenizer: Path) -> Tensor:
    """Return the token ids of one text, int64 (1, l), with the marks at both ends.

    Args:
        text: a prompt.
        tokenizer: the published `tokenizer.json`.
    """
    return torch.tensor([_cutter(tokenizer).encode(text).ids])


@lru_cache(maxsize=1)
def _cutter(tokenizer: Path) -> Any:
    """Return what cuts texts, which takes longer to read than a prompt to cut."""
    cutter = load_extra("tokenizers", "open", needed_by="PE-AV").Tokenizer.from_file(str(tokenizer))
    cutter.no_padding()
    cutter.no_truncation()
    return cutter


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as PE-AV is given them: float32 (n,) at 48 kHz, mirrored at the end to whole steps.

    Mono, not centred.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep; at least 0.04 s, or there is too little to mirror.

    Raises:
        ValueError: see `frontends.as_waveform`, or a sound shorter than a step.
    """
    whole = frontends.mono(frontends.as_waveform(waveform, sample_rate))
    sound = frontends.first_seconds(frontends.resample(whole, sample_rate, SAMPLE_RATE), SAMPLE_RATE, seconds)
    missing = -len(sound) % HOP_SAMPLES
    if missing >= len(sound):
        raise ValueError(f"waveform: expected at least {HOP_SAMPLES} samples at {SAMPLE_RATE} Hz, got {len(sound)}")
    return functional.pad(sound[None], (0, missing), mode="reflect")[0]


def square(frames: Tensor | NDArray[Any]) -> Tensor:
    """Return frames of 336x336 pixels, aspect given up: uint8 (t, 3, h, w) -> (t, 3, 336, 336).

    Bilinear with antialiasing on bytes, as the published processor does it.

    Raises:
        ValueError: another shape or dtype, or no frames.
    """
    given = torch.as_tensor(frames)
    if given.ndim != 4 or given.shape[1] != 3 or given.numel() == 0 or given.dtype != torch.uint8:
        raise ValueError(f"frames: expected uint8 (t, 3, h, w) with t > 0, got {given.dtype} {tuple(given.shape)}")
    transforms = load_extra("torchvision.transforms.v2", "open", needed_by="PE-AV")
    bilinear = transforms.InterpolationMode.BILINEAR
    resized: Tensor = transforms.functional.resize(given, [SIDE, SIDE], interpolation=bilinear, antialias=True)
    return resized


def chosen_frames(count: int) -> list[int]:
    """Return which 16 of `count` frames stand for a clip, evenly spaced from the first to the last.

    Raises:
        ValueError: there is no frame.
    """
    if count < 1:
        raise ValueError(f"frames: expected at least one, got {count}")
    return [index * (count - 1) // (FRAMES - 1) for index in range(FRAMES)]


def prepare_video(frames: Tensor) -> Tensor:
    """Return chosen frames of 336x336 pixels as PE-AV eats them: uint8 (16, 3, 336, 336) -> float32 in [-1, 1]."""
    return (frames.float() / 255 - 0.5) / 0.5
