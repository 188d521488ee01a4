"""Feature folders of av-benchmark and score files of kadtk, read and written, so that both tools can share our runs.

av-benchmark keeps one `.pth` file per feature in a folder: a dictionary from sample name (file stem) to a float32
tensor, for PANNs to a dictionary of two. Published features can therefore serve as the reference side here, and
features made here can be scored there. On the command line: `export-av-benchmark`, `import-av-benchmark`,
`export-kadtk`, `import-kadtk`.
"""

import csv
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foundation.files import replacing
from foundation.text import composed

Feature = Literal[
    "panns_embedding",
    "panns_logits",
    "clap_text",
    "clap_audio",
    "imagebind_video",
    "imagebind_audio",
    "synchformer_video",
    "synchformer_audio",
    "vggish_embedding",
    "passt_embedding",
    "passt_logits",
]
KADTK_COLUMNS = ("model", "baseline", "eval", "score", "time")
CUT_LENGTHS = frozenset({20, 21, 30})  # av-benchmark takes names of these lengths for VGGSound ids with additions


class UnreadableFeatures(Exception):
    """A feature or score file that is missing, damaged or not of the expected layout; the message names it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a feature lies: file, key within a sample where there are several, shape of a sample."""

    file: str
    key: str | None
    shape: tuple[int, ...]


_LAYOUTS: dict[str, _Layout] = {
    "panns_embedding": _Layout("pann_features.pth", "2048", (2048,)),
    "panns_logits": _Layout("pann_features.pth", "logits", (527,)),
    "clap_text": _Layout("clap_laion_text.pth", None, (512,)),
    "clap_audio": _Layout("clap_laion_audio.pth", None, (512,)),
    "imagebind_video": _Layout("imagebind_video.pth", None, (1024,)),
    "imagebind_audio": _Layout("imagebind_audio.pth", None, (1024,)),
    "synchformer_video": _Layout("synchformer_video.pth", None, (24, 8, 768)),
    "synchformer_audio": _Layout("synchformer_audio.pth", None, (24, 6, 768)),
    "vggish_embedding": _Layout("vggish_features.pth", None, (8, 128)),
    "passt_embedding": _Layout("passt_features_embed.pth", None, (768,)),
    "passt_logits": _Layout("passt_logits.pth", None, (527,)),
}


def read_av_benchmark(folder: Path, feature: Feature) -> dict[str, NDArray[np.float32]]:
    """Return one feature of every sample in a folder of av-benchmark, sorted by name (in the Unicode form NFC).

    Args:
        folder: the cache folder, e.g. that of the reference side.
        feature: which; a sample has the shape (2048,) or (527,) for PANNs, (512,) for CLAP, (1024,) for ImageBind,
            (24, 8, 768) or (24, 6, 768) for the video and audio segments of Synchformer, (8, 128) for VGGish and
            (768,) or (527,) for PaSST.

    Raises:
        UnreadableFeatures: the file is missing or not such a dictionary, or a sample has another shape or a value that
            is not finite; names it.
        ValueError: no feature has this name.

    Source:
        av-benchmark 050a5cd, `av_bench/extract.py`, `extract_video.py`, `extract_text.py`.
    """
    layout = _layout(feature)
    path = folder / layout.file
    samples: dict[str, NDArray[np.float32]] = {}
    for name, entry in sorted(_composed(path, _load(path)).items()):
        if layout.key is not None:
            if not isinstance(entry, Mapping) or layout.key not in entry:
                raise UnreadableFeatures(path, f'sample "{name}" has no entry "{layout.key}"')
            entry = entry[layout.key]
        shape = tuple(getattr(entry, "shape", ()))
        if shape != layout.shape:
            raise UnreadableFeatures(path, f'sample "{name}": expected shape {layout.shape}, got {shape}')
        samples[name] = entry.detach().cpu().float().numpy()
        if not np.isfinite(samples[name]).all():
            raise UnreadableFeatures(path, f'sample "{name}": {feature} is not finite; extract it again')
    return samples


def stack(samples: Mapping[str, NDArray[np.float32]], names: Sequence[str]) -> NDArray[np.float32]:
    """Return the features of these samples as one array, in this order; shape (len(names), ...).

    Raises:
        ValueError: names without features; gives their number and the first three. No sample is left out silently.
    """
    missing = [name for name in names if name not in samples]
    if missing:
        some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise ValueError(f"no features for {len(missing)} of {len(names)} samples: {some}")
    return np.stack([samples[name] for name in names])


def write_av_benchmark(folder: Path, features: Mapping[Feature, Mapping[str, NDArray[np.float32]]]) -> list[Path]:
    """Write features as av-benchmark keeps them and return the files, each written whole or not at all.

    Names of 20, 21 or 30 characters cause a warning: av-benchmark cuts them when it pairs samples and loses them for
    every metric but FD, IS and PANNs KL.

    Args:
        folder: made where it does not exist. Files in it of the same names are replaced, others stay.
        features: feature to sample name to array; shapes as for `read_av_benchmark`. PANNs embedding and logits share
            a file, so they come together and for the same samples.

    Raises:
        ValueError: an unknown feature, another shape, a value that is not finite, or half of PANNs; names the sample.
    """
    files: dict[str, dict[str, Any]] = {}
    for feature, samples in features.items():
        layout = _layout(feature)
        entries = files.setdefault(layout.file, {})
        for name, values in samples.items():
            tensor = _tensor(feature, name, values, layout.shape)
            if layout.key is None:
                entries[name] = tensor
            else:
                entries.setdefault(name, {})[layout.key] = tensor
    for name, entry in files.get(_LAYOUTS["panns_logits"].file, {}).items():
        if len(entry) != 2:
            raise ValueError(f'sample "{name}": panns_embedding and panns_logits share a file, so write both')
    cut = sorted({name for entries in files.values() for name in entries if len(name) in CUT_LENGTHS})
    if cut:
        warnings.warn(f"av-benchmark cuts and thus loses {len(cut)} names, such as {cut[0]!r}", stacklevel=2)
    folder.mkdir(parents=True, exist_ok=True)
    return [_save(folder / file, entries) for file, entries in files.items()]


@dataclass(frozen=True, slots=True)
class KadtkScore:
    """A line of kadtk's score file.

    Attributes:
        model: embedding model, in kadtk's spelling, e.g. "panns-cnn14-16k".
        baseline: folder of the reference set.
        evaluated: folder of the generated set.
        score: KAD times 100.
        time: when it was computed, in seconds since 1970.
    """

    model: str
    baseline: str
    evaluated: str
    score: float
    time: float


def append_kadtk_score(path: Path, score: KadtkScore) -> None:
    """Append a line to a score file, as `kadtk --csv` does; a new file gets the heading first.

    Raises:
        UnreadableFeatures: the file is another table, or not a table; nothing is written then.

    Source:
        kadtk 8bda71d, `kadtk/__main__.py`, which does not quote a folder with a comma; this does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.is_file() else b""
    if before or path.is_dir():
        _kadtk_lines(path)  # refuses what is not a score file
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not before:
            writer.writerow(KADTK_COLUMNS)
        elif not before.endswith(b"\n"):
            file.write("\n")
        writer.writerow([score.model, score.baseline, score.evaluated, score.score, score.time])


def read_kadtk_scores(path: Path) -> list[KadtkScore]:
    """Return the lines of a score file, in order; blank lines are skipped.

    Raises:
        UnreadableFeatures: no such file, not a table, another heading, or a line that does not fit it; names the line.
    """
    scores = []
    for number, line in _kadtk_lines(path):
        try:
            model, baseline, evaluated, score, time = line
            scores.append(KadtkScore(model, baseline, evaluated, float(score), float(time)))
        except ValueError as error:
            raise UnreadableFeatures(path, f"line {number} does not fit the heading: {','.join(line)}") from error
    return scores


def _kadtk_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines of a score file below its heading, each with its number."""
    if not path.is_file():
        there = "a folder" if path.is_dir() else "no such file"
        raise UnreadableFeatures(path, f"{there}; give the score file (CSV) that `kadtk --csv` writes")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, line) for line in reader if line]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableFeatures(path, f"not a table: {error}") from error
    if not lines or tuple(lines[0][1]) != KADTK_COLUMNS:
        raise UnreadableFeatures(path, f"expected the heading {','.join(KADTK_COLUMNS)}")
    return lines[1:]


def _layout(feature: str) -> _Layout:
    if feature not in _LAYOUTS:
        raise ValueError(f'no feature is called "{feature}"; there are {", ".join(_LAYOUTS)}')
    return _LAYOUTS[feature]


def _composed(path: Path, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries under their names in the Unicode form NFC: macOS gives the names of files in NFD."""
    found: dict[str, Any] = {}
    for name, entry in entries.items():
        if composed(name) in found:
            raise UnreadableFeatures(
                path, f'two samples "{composed(name)}", in the Unicode forms NFC and NFD; keep one'
            )
        found[composed(name)] = entry
    return found


def _load(path: Path) -> dict[str, Any]:
    """The dictionary in a `.pth` file; nothing but tensors and plain containers is unpickled."""
    import torch

    if not path.is_file():
        there = "not a file" if path.exists() else "no such file"
        raise UnreadableFeatures(path, f"{there}; av-benchmark writes it when it extracts features")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of bytes that it then refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # damaged bytes lead the unpickler into errors of any kind, of several lines each
        reason = "cannot be opened as tensors alone: it is damaged or holds code; extract the features again"
        raise UnreadableFeatures(path, reason) from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UnreadableFeatures(path, "expected a dictionary from sample name to features")
    return content


def _tensor(feature: str, name: str, values: NDArray[np.float32], shape: tuple[int, ...]) -> Any:
    import torch

    if values.shape != shape:
        raise ValueError(f'{feature}: sample "{name}": expected shape {shape}, got {values.shape}')
    if not np.isfinite(values).all():
        raise ValueError(f'{feature}: sample "{name}" is not finite')
    return torch.from_numpy(np.array(values, dtype=np.float32))  # a copy: the array may be read-only


def _save(path: Path, entries: dict[str, Any]) -> Path:
    import torch

    with replacing(path) as temporary:
        torch.save(entries, temporary)
    return path
