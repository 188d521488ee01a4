"""FoleyBench: films whose sound is made by what they show, with a caption; they come inside parquet files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from foundation.files import file_sha256, replacing
from foundation.media import is_whole
from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.public.benchmark import BadListing, Part, PublicBenchmark
from vgg_monoaudio.public.listing import Listing
from vgg_monoaudio.public.lists import check_count, check_names, find_list, read_rows

LIST = "foleybench.csv"
SHARDS = "data/train-*.parquet"
CLIPS = "clips"  # the films, taken out of the shards


def read(files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
    """Return the samples; see `vgg_monoaudio.public.listing.Reader`.

    Args:
        files: holds the list, and the films as `clips/<key>.mp4`; those that are missing are taken out of the shards,
            `data/train-*.parquet`, and kept there.
        benchmark: its row.
        part: the whole.

    Raises:
        BadListing: see there; also a shard without the columns, or a film in it that is none.
    """
    file = find_list(files, (LIST,), benchmark, part)
    rows = read_rows(file, ("key", "caption", "ucs_category"))
    check_count(file, rows, part)
    keys = [row["key"] for row in rows]
    check_names(file, keys)
    _unpack(files, {key for key in keys if not is_whole(files / CLIPS / f"{key}.mp4")})
    samples = [
        ListedSample(
            sample_id=row["key"],
            video=(film := files / CLIPS / f"{row['key']}.mp4"),
            prompt=row["caption"],
            audio=film,
            category=row["ucs_category"] or benchmark.title,
        )
        for row in rows
    ]
    return Listing(samples, "target", file_sha256(file))


def _unpack(files: Path, wanted: Collection[str]) -> None:
    """Write the films of these keys that the shards hold."""
    for shard in sorted(files.glob(SHARDS)) if wanted else ():
        for key, film in _films(shard, wanted):
            target = files / CLIPS / f"{key}.mp4"
            target.parent.mkdir(exist_ok=True)
            with replacing(target) as temporary:
                temporary.write_bytes(film)


def _films(shard: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield key and film of the rows wanted, a row at a time: a shard has more than a gigabyte."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table: Any = pq.ParquetFile(shard)  # type: ignore[no-untyped-call]
        missing = {"key", "video_data"} - set(table.schema_arrow.names)
        if missing:
            there = ", ".join(table.schema_arrow.names)
            raise BadListing(f"{shard}: no column {min(missing)!r}; expected key and video_data, there are {there}")
        for batch in table.iter_batches(batch_size=1, columns=["key", "video_data"]):
            for row in batch.to_pylist():
                if str(row["key"]) in wanted:
                    yield str(row["key"]), base64.b64decode(row["video_data"], validate=True)
    except (pa.ArrowInvalid, binascii.Error, TypeError) as error:
        raise BadListing(f"{shard}: not a shard of films in base64 ({error}); download it again") from error
