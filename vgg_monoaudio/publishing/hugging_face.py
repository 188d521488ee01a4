"""A benchmark as a folder that the library `datasets` and its Hub read: Parquet with the files inside, and a card.

One configuration per subset, whose rows hold the scene and the target's own sound, and one, `sources`, with every clip
once: a row of a subset names its clips by `target_id` and `paired_id`, so all else is not stored again for each of the
scenes that share them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.files import PathLike, replacing, write_text
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Subset
from vgg_monoaudio.publishing.card import card, columns_table, is_single
from vgg_monoaudio.publishing.shards import exported, split_by_size

SHARD_BYTES = 500_000_000  # what the Hub recommends for a Parquet file
ROWS_AT_ONCE = 16  # of a row group: a reader that streams holds so many videos

_MEDIA = {"target_audio": "the target's own sound, what an answer is compared with (wav, 16 kHz mono)"}
_TEXT = {"dtype": "string", "_type": "Value"}


@dataclass(frozen=True)
class _Row:
    """One row before it is read: its text columns, and the files that go into the others."""

    text: dict[str, str]
    files: dict[str, Path]

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())


def export_hugging_face(
    benchmark: Benchmark, out: PathLike, *, shard_bytes: int = SHARD_BYTES, progress: Progress | None = None
) -> Path:
    """Write `<out>/<configuration>/test-00000-of-00003.parquet`, ... and `README.md`; return the folder.

    The same benchmark, versions and name of the folder give the same bytes. Columns of a subset: those of the manifest,
    `video` and, where the benchmark has it, `target_audio`; of `sources`: clip_id, label, category, `video`, `audio`.

    Args:
        benchmark: a built one.
        out: a folder that is absent or empty.
        shard_bytes: of media in one file, at most (a single row may be larger).
        progress: called after each row.

    Raises:
        ValueError: the folder is not empty, or `shard_bytes` is below 1.
    """
    with exported(out) as folder:
        rows: dict[str, list[_Row]] = {subset: _samples(benchmark, subset) for subset in benchmark.subsets}
        rows["sources"] = _sources(benchmark)
        total, done = sum(map(len, rows.values())), 0
        for name, table in rows.items():
            media = {column: _kind(column) for column in table[0].files}
            parts = list(split_by_size(table, [row.size for row in table], shard_bytes))
            for place, part in enumerate(parts):
                path = folder / name / f"test-{place:05d}-of-{len(parts):05d}.parquet"
                _write_parquet(path, part, media)
                done += len(part)
                if progress is not None:
                    progress("rows", done, total)
        form = _form(benchmark, Path(out).resolve().name, {name: list(table[0].files) for name, table in rows.items()})
        write_text(folder / "README.md", card(benchmark, _configurations(list(rows)), form))
    return Path(out)


def _samples(benchmark: Benchmark, subset: Subset) -> list[_Row]:
    rows = benchmark.manifests[subset].to_dict("records")
    return [
        _Row(
            {str(key): str(value) for key, value in row.items()},
            {"video": sample.video} | ({} if sample.target_audio is None else {"target_audio": sample.target_audio}),
        )
        for row, sample in zip(rows, benchmark.samples(subset), strict=True)
    ]


def _sources(benchmark: Benchmark) -> list[_Row]:
    return [
        _Row(
            {"clip_id": source.clip_id, "label": source.label, "category": source.category},
            {"video": source.video} | ({} if source.audio is None else {"audio": source.audio}),
        )
        for source in benchmark.sources
    ]


def _write_parquet(path: Path, rows: Sequence[_Row], media: dict[str, str]) -> None:
    """Write rows in groups, each read from disk only when its turn comes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(rows[0].text)
    stored = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features: dict[str, Any] = {
        **dict.fromkeys(names, _TEXT),
        **{name: {"_type": kind} for name, kind in media.items()},
    }
    schema = pa.schema(
        [*[(name, pa.string()) for name in names], *[(name, stored) for name in media]],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    # Films and sounds do not shrink, so compression would only cost time.
    settings: dict[str, Any] = {"compression": "none", "use_dictionary": names}
    open_file: Callable[..., Any] = pq.ParquetWriter
    with replacing(path) as temporary, open_file(temporary, schema, **settings) as file:
        for group in _groups(rows):
            columns: dict[str, list[Any]] = {name: [row.text[name] for row in group] for name in names}
            for name in media:
                columns[name] = [_content(row.files[name]) for row in group]
            file.write_table(pa.table(columns, schema=schema))


def _groups(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[first : first + ROWS_AT_ONCE]


def _content(path: Path) -> dict[str, Any]:
    return {"bytes": path.read_bytes(), "path": path.name}


def _configurations(names: Sequence[str]) -> list[str]:
    """Return the lines of YAML that tell `datasets` which files belong to which configuration."""
    lines = ["configs:"]
    for place, name in enumerate(names):
        lines += [f"- config_name: {name}", *(["  default: true"] if place == 0 else [])]
        lines += ["  data_files:", "  - split: test", f"    path: {name}/test-*.parquet"]
    return lines


def _form(benchmark: Benchmark, folder: str, media: Mapping[str, Sequence[str]]) -> str:
    """Return what the card says of this form: configurations, columns, and the lines that load it.

    Args:
        benchmark: what is exported.
        folder: name of the export.
        media: the columns of films and sounds of each configuration.
    """
    subset = benchmark.subsets[0]
    casts = "".join(f'.cast_column("{name}", {_kind(name)}(decode=False))' for name in media[subset])
    kinds = ", ".join(sorted({_kind(name) for name in media[subset]}))
    shown = ", ".join(f'scene["{name}"]["bytes"]' for name in media[subset])
    meanings = {**_MEDIA, "video": "the clip" if is_single(benchmark) else "the scene"}
    columns = "\n".join(f"| `{name}` | {meanings[name]} |" for name in media[subset])
    audio = ", `audio` (its sound, wav)" if "audio" in media["sources"] else ""
    return f"""\
```
<configuration>/test-*.parquet   rows with their films and sounds inside, split `test`
```

Configurations: {", ".join(media)}. Columns of {", ".join(benchmark.subsets)}:

{columns_table(benchmark)}
{columns}

`sources` has every clip once: `clip_id`, `label`, `category`, `video` (what it contributes, mp4){audio}. A row of a
subset names its clips by `target_id` and `paired_id`.

```python
from datasets import {kinds}, load_dataset

scenes = load_dataset("{folder}", "{subset}", split="test")  # the path of this folder, or its name on the Hub
# The files as they are; without this line torchcodec decodes them.
scenes = scenes{casts}
for scene in scenes:
    scene["label"], {shown}
sources = load_dataset("{folder}", "sources", split="test")
row_of = {{clip: row for row, clip in enumerate(sources["clip_id"])}}  # sources[row_of[scene["target_id"]]]
```"""


def _kind(column: str) -> str:
    """Return what `datasets` calls a column of films or of sounds."""
    return "Audio" if column in ("audio", "target_audio") else "Video"
