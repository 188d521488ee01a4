"""A benchmark as a folder that the library `datasets` and its Hub read: Parquet with the files inside, and a card.

One configuration per subset, and one, `sources`, with every clip once: a row of a subset names its clips by `target_id`
and `paired_id`, so their sounds are not stored again for each of the scenes that share them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.files import PathLike, replacing, write_text
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Subset
from vgg_monoaudio.publishing.card import card
from vgg_monoaudio.publishing.shards import exported, split_by_size

SHARD_BYTES = 500_000_000  # what the Hub recommends for a Parquet file
ROWS_AT_ONCE = 16  # of a row group: a reader that streams holds so many videos

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

    The same benchmark and versions give the same bytes. Columns of a subset: those of the manifest, and `video`;
    of `sources`: clip_id, label, category, `video` and `audio`.

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
            media = {column: {".wav": "Audio"}.get(path.suffix, "Video") for column, path in table[0].files.items()}
            parts = list(split_by_size(table, [row.size for row in table], shard_bytes))
            for place, part in enumerate(parts):
                path = folder / name / f"test-{place:05d}-of-{len(parts):05d}.parquet"
                _write_parquet(path, part, media)
                done += len(part)
                if progress is not None:
                    progress("rows", done, total)
        write_text(folder / "README.md", card(benchmark, _configurations(list(rows))))
    return Path(out)


def _samples(benchmark: Benchmark, subset: Subset) -> list[_Row]:
    rows = benchmark.manifests[subset].to_dict("records")
    return [
        _Row({str(key): str(value) for key, value in row.items()}, {"video": sample.video})
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
