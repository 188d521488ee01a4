"""CLAP: sound and text as unit vectors of one space, so that their cosine says whether they belong together.

Source:
    LAION-CLAP (Wu et al. 2023, arXiv:2211.06687), HTSAT-base and RoBERTa without fusion. Where the package laion-clap
    1.1.7 (CC0) is installed, its class: equal to what that package computes for waveforms of at most 10 s, to the bit
    on the same machine. It keeps numpy below 2, so elsewhere the same entries are read by a network of our own, equal
    to 1e-4; `implementation` says which, and features and scores of the two are never mixed.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foundation.extras import is_installed, load_extra
from metrics.backbones import frontends
from metrics.backbones.clap_network import VOCABULARY, ClapNetwork, RobertaWithoutWeights
from metrics.backbones.isolated import class_on_demand, derived, librosa_caches, load_isolated

Implementation = Literal["laion-clap", "own"]

SAMPLE_RATE = frontends.CLAP_RATE
WINDOW_SAMPLES = 480_000  # 10 s
TEXT_TOKENS = 77
TOKENIZER = "roberta-base"
_TOKENIZER_FILES = ("vocab.json", "merges.txt")
# A sentence whose ids are known, so that another vocabulary of the same size is found out.
PROBE, PROBE_IDS = "Hello world", [0, 31414, 232, 2]
OWN_VERSION = 1  # moves when our own network gives other numbers

_AUDIO = {
    "model_type": "HTSAT",
    "model_name": "base",
    "sample_rate": SAMPLE_RATE,
    "clip_samples": WINDOW_SAMPLES,
    "audio_length": 1024,
    "window_size": 1024,
    "hop_size": 480,
    "mel_bins": 64,
    "fmin": 50,
    "fmax": 14_000,
    "class_num": 527,
}
_TEXT = {  # RoBERTa takes its sizes from its own configuration; these are what the class insists on
    "model_type": "roberta",
    "context_length": TEXT_TOKENS,
    "vocab_size": VOCABULARY,
    "width": 768,
    "heads": 12,
    "layers": 12,
}


def _to_dtype_of(layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    """Bring the float32 spectrogram to the dtype of the layers behind it."""
    return (given[0].to(next(layer.parameters()).dtype),)


class _Clap(nn.Module):
    """LAION-CLAP. Entry names are those of the checkpoint's `state_dict` without their leading `module.`.

    The spectrogram and mel matrices are entries of the checkpoint and stay float32 whatever the network's dtype.
    """

    audio_branch: Any
    audio_projection: Any
    encode_audio: Any
    encode_text: Any
    logit_scale_t: Tensor
    settings: Mapping[str, Any] = MappingProxyType({})  # what the class that it derives from is built with

    def __init__(self) -> None:
        with warnings.catch_warnings(), librosa_caches():  # librosa makes the mel matrix
            warnings.filterwarnings("ignore", message="torch.meshgrid")  # a call in the package
            super().__init__(**self.settings)
        self.audio_branch.bn0.register_forward_pre_hook(_to_dtype_of)
        self.eval()

    def audio(self, waveform: Tensor) -> Tensor:
        """Return the embedding of each waveform: (b, n) at 48 kHz -> float32 (b, 512), unit length.

        Shorter than 10 s is repeated as often as it fits whole, then padded with zeros.

        Raises:
            ValueError: another shape, no samples, or more than 10 s: the reference takes a window at random there, so
                what is to be scored must be cut before; or the network is in training mode.
        """
        if waveform.ndim != 2 or waveform.shape[1] == 0:
            raise ValueError(f"waveform: expected shape (b, n) with n > 0, got {tuple(waveform.shape)}")
        if waveform.shape[1] > WINDOW_SAMPLES:
            raise ValueError(
                f"waveform: {waveform.shape[1] / SAMPLE_RATE:g} s is longer than CLAP's window of 10 s; "
                "cut it to what is to be scored"
            )
        self._refuse_training_mode()
        matrices = self.audio_branch.spectrogram_extractor.stft.conv_real.weight
        filled = _filled(waveform).to(matrices)
        latent = self.encode_audio({"waveform": filled}, device=matrices.device)["embedding"]
        return functional.normalize(self.audio_projection(latent), dim=-1).float()

    def text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the embedding of each text: (b, 77), (b, 77) from `tokenize` -> float32 (b, 512), unit length.

        Raises:
            ValueError: shapes that differ or are not (b, tokens), or the network is in training mode.
        """
        if input_ids.ndim != 2 or input_ids.shape != attention_mask.shape:
            raise ValueError(
                f"input_ids, attention_mask: expected the same shape (b, {TEXT_TOKENS}), "
                f"got {tuple(input_ids.shape)} and {tuple(attention_mask.shape)}"
            )
        self._refuse_training_mode()
        device = self.logit_scale_t.device
        projected = self.encode_text({"input_ids": input_ids, "attention_mask": attention_mask}, device=device)
        return functional.normalize(projected, dim=-1).float()

    def _refuse_training_mode(self) -> None:
        if self.training:
            raise ValueError("Clap is in training mode, where dropout and masks are random; call .eval() first")


def implementation() -> Implementation:
    """Return whose network `Clap` is here: that of the package where it is installed, otherwise our own."""
    return "laion-clap" if is_installed("laion_clap") else "own"


def key_mark() -> str:
    """Return what the content key says of the implementation, so that features of the two are never mixed."""
    return "" if implementation() == "laion-clap" else f".own{OWN_VERSION}"


@cache
def network_class(wanted: Implementation) -> type:
    """Return the class of one implementation; both have the published file's entries.

    Raises:
        foundation.extras.MissingPackage: the package is wanted and not installed.
    """
    if wanted == "own":
        return derived(_Clap, ClapNetwork, "Clap")
    package = load_isolated("laion_clap.clap_module.model", "paper", needed_by="CLAP")
    package.RobertaModel = RobertaWithoutWeights  # in our own copy of the module
    sizes = {"embed_dim": 1024, "audio_cfg": _AUDIO, "text_cfg": _TEXT, "enable_fusion": False, "fusion_type": "None"}
    return derived(_Clap, package.CLAP, "Clap", settings=sizes)


__getattr__ = class_on_demand(__name__, "Clap", lambda: network_class(implementation()))


def _filled(waveform: Tensor) -> Tensor:
    """Repeat whole and pad to 10 s: (b, n) -> (b, 480000)."""
    repeated = waveform.repeat(1, WINDOW_SAMPLES // waveform.shape[1])
    return functional.pad(repeated, (0, WINDOW_SAMPLES - repeated.shape[1]))


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as av-benchmark hands them to CLAP: float32 (n,) at 48 kHz.

    Mono, centred by the mean of the whole file, not padded; `Clap.audio` fills its 10 s itself.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep, at most 10 for `Clap.audio`.

    Raises:
        ValueError: see `frontends.centred_mono`.
    """
    return frontends.centred_mono(waveform, sample_rate, seconds, SAMPLE_RATE)


def load_tokenizer(folder: Path | None = None) -> Any:
    """Return RoBERTa's tokenizer from a local folder or from the Hugging Face cache; nothing is downloaded.

    Args:
        folder: holds `vocab.json` and `merges.txt` of roberta-base. Without it: `<weights>/roberta-base`, then the
            Hugging Face cache.

    Raises:
        MissingCheckpoint: in none of these places.
        WrongCheckpoint: a tokenizer, but not that of roberta-base.
    """
    from foundation.checkpoints import MissingCheckpoint, WrongCheckpoint, weights_folder

    places = [folder] if folder is not None else [weights_folder() / TOKENIZER, *_cached_tokenizers()]
    # Looked for by hand: from_pretrained makes an empty tokenizer where it finds no files.
    found = next((place for place in places if all((place / name).is_file() for name in _TOKENIZER_FILES)), None)
    if found is None:
        looked_in: list[Path | str] = [*places, *(["the Hugging Face cache"] if folder is None else [])]
        raise MissingCheckpoint.of("roberta-vocab", looked_in, needed_by="clap (text)")
    package = load_extra("transformers", "paper", needed_by="CLAP (text)")
    tokenizer = package.RobertaTokenizer.from_pretrained(str(found), local_files_only=True)
    ids = tokenizer(PROBE)["input_ids"]
    if len(tokenizer) != VOCABULARY or ids != PROBE_IDS:
        raise WrongCheckpoint(
            f"{found} is not the tokenizer of roberta-base: {len(tokenizer)} entries (expected {VOCABULARY}), "
            f"{PROBE!r} becomes {ids} (expected {PROBE_IDS})"
        )
    return tokenizer


def _cached_tokenizers() -> list[Path]:
    """Return the folders of the Hugging Face cache that hold roberta-base, under its old and its new name."""
    from huggingface_hub import try_to_load_from_cache

    cached = (try_to_load_from_cache(name, "vocab.json") for name in (TOKENIZER, f"FacebookAI/{TOKENIZER}"))
    return [Path(file).parent for file in cached if isinstance(file, str)]


def tokenize(texts: Sequence[str], tokenizer: Any) -> tuple[Tensor, Tensor]:
    """Return what `Clap.text` reads: ids and mask, int64 (b, 77) each; longer texts are cut.

    Args:
        texts: used verbatim, also the empty one.
        tokenizer: of `load_tokenizer`.

    Raises:
        ValueError: no texts, or a bare string.
    """
    if isinstance(texts, str) or not len(texts):
        raise ValueError(f"texts: expected a sequence of at least one string, got {texts!r}")
    coded = tokenizer(list(texts), padding="max_length", max_length=TEXT_TOKENS, truncation=True, return_tensors="pt")
    return coded["input_ids"], coded["attention_mask"]
