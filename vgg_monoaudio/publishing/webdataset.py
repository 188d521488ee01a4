"""A benchmark as WebDataset shards: tar files whose members are grouped by sample, the same bytes every time."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from foundation.files import PathLike, replacing, write_text
from foundation.work import Progress
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, NEGATIVE_PROMPT, Benchmark, Sample
from vgg_monoaudio.publishing.card import card, columns_table
from vgg_monoaudio.publishing.shards import exported, split_by_size

SHARD_BYTES = 1_000_000_000
_MEANINGS = {
    "mp4": "what a model is shown",
    "target.wav": "the target's own sound, 16 kHz mono",
    "target.mp4": "the target's own clip",
    "paired.wav": "the paired clip's sound, 16 kHz mono",
}


def export_webdataset(
    benchmark: Benchmark, out: PathLike, *, shard_bytes: int = SHARD_BYTES, progress: Progress | None = None
) -> list[Path]:
    """Write `<out>/<subset>-000000.tar`, ... and `README.md`; return the tars in order.

    Each sample is complete: `<key>.json` (the manifest's row), `<key>.mp4` (the scene), `<key>.target.wav`,
    `<key>.target.mp4`, and `<key>.paired.wav` where the scene has a second clip. A key is the sample's name;
    a dot in it becomes "_", because to WebDataset a key ends at the first dot.

    Args:
        benchmark: a built one.
        out: a folder that is absent or empty.
        shard_bytes: of media in one tar, at most (a single sample may be larger).
        progress: called after each tar.

    Raises:
        ValueError: the folder is not empty, `shard_bytes` is below 1, or two samples would get one key.
    """
    keys = _keys(benchmark)
    written, done = [], 0
    with exported(out) as folder:
        for subset in benchmark.subsets:
            samples = benchmark.samples(subset)
            sizes = [sum(path.stat().st_size for path in _files(sample).values()) for sample in samples]
            for place, part in enumerate(split_by_size(samples, sizes, shard_bytes)):
                path = folder / f"{subset}-{place:06d}.tar"
                with replacing(path) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
                    for sample in part:
                        _add_sample(tar, keys[sample.sample_id], sample)
                written.append(Path(out) / path.name)
                done += len(part)
                if progress is not None:
                    progress("samples", done, len(benchmark))
        write_text(folder / "README.md", card(benchmark, form=_form(benchmark, written[0].name)))
    return written


def _form(benchmark: Benchmark, first: str) -> str:
    """Return what the card says of this form: what a sample is, and the lines that read one.

    Args:
        benchmark: what is exported.
        first: name of the first tar.
    """
    sample = next(iter(benchmark))
    files = "\n".join(f"<key>.{suffix:<12}{_MEANINGS[suffix]}" for suffix in _files(sample))
    return f"""\
```
<subset>-000000.tar, ...   samples, each whole:
<key>.json        its row: subset, and the columns below
{files}
```

A key is the sample's name; a dot in it became "_". Subsets here: {", ".join(benchmark.subsets)}.

{columns_table(benchmark)}

```python
import tarfile

with tarfile.open("{first}") as tar:
    for member in tar:
        key, _, kind = member.name.partition(".")
        content = tar.extractfile(member).read()
```

The library `webdataset` reads the tars as they are."""


def _keys(benchmark: Benchmark) -> dict[str, str]:
    keys = {sample.sample_id: sample.sample_id.replace(".", "_") for sample in benchmark}
    taken: dict[str, str] = {}
    for name, key in keys.items():
        other = taken.setdefault(key, name)
        if other != name:
            raise ValueError(f"samples {other} and {name} would both be {key!r} in a tar; rename a clip")
    return keys


def _files(sample: Sample) -> dict[str, Path]:
    sounds = {"target.wav": sample.target_audio, "paired.wav": sample.paired_audio}
    files = {"mp4": sample.video, "target.mp4": sample.target_video}
    return files | {suffix: sound for suffix, sound in sounds.items() if sound is not None}


def _add_sample(tar: tarfile.TarFile, key: str, sample: Sample) -> None:
    row = {name: getattr(sample, "sample_id" if name == "filename" else name) for name in MANIFEST_COLUMNS}
    if sample.negative_prompt:
        row[NEGATIVE_PROMPT] = sample.negative_prompt
    text = json.dumps({**row, "subset": sample.subset}, ensure_ascii=False, indent=1)
    _add(tar, f"{key}.json", text.encode("utf-8"))
    for suffix, path in sorted(_files(sample).items()):
        _add(tar, f"{key}.{suffix}", path.read_bytes())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file without a time, an owner or a machine in its header."""
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = len(content), 0o644, 0
    tar.addfile(header, io.BytesIO(content))
