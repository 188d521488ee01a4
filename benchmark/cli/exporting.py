"""`statistics`, `card`, `export-benchmark`: a benchmark for people, search engines and other libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmark.cli.options import BenchmarkArgument, JsonOption
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table

MEGABYTE = 1_000_000


def statistics(
    path: BenchmarkArgument,
    csv: Annotated[Path | None, typer.Option(help="Folder for the tables, one CSV each.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Count clips and pairs by category and label (Figs. B3 and B4 of the paper)."""
    import json

    from vgg_monoaudio.dataset import load_benchmark
    from vgg_monoaudio.publishing.statistics import benchmark_statistics, describe

    tables = describe(benchmark_statistics(load_benchmark(path)))
    if csv is not None:
        from foundation.files import replacing
        from foundation.markup import spreadsheet_text

        for title, table in tables:
            with replacing(csv / f"{_file_name(title)}.csv") as temporary:
                texts = table.map(lambda cell: spreadsheet_text(cell) if isinstance(cell, str) else cell)
                texts.rename(columns=lambda name: spreadsheet_text(str(name))).to_csv(
                    temporary, index=False, lineterminator="\n"
                )
    if as_json:
        typer.echo(json.dumps({title: table.to_dict("records") for title, table in tables}, indent=2))
        return
    for title, table in tables:
        typer.echo(f"\n{title}")
        show_table([*map(str, table.columns)], [[*map(str, row)] for row in table.to_numpy().tolist()])


def card(
    path: BenchmarkArgument,
    funnel: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The stages that led to the list, as `curate` writes them next to it."
        ),
    ] = None,
) -> None:
    """Write a benchmark's dataset card (README.md) and Croissant metadata, and its funnel into benchmark.json."""
    from vgg_monoaudio.dataset import load_benchmark
    from vgg_monoaudio.publishing.card import CARD_NAME, write_card
    from vgg_monoaudio.publishing.croissant import write_croissant
    from vgg_monoaudio.selection.funnel import funnel_path, read_funnel, record_funnel
    from vgg_monoaudio.selection.shipped import list_of
    from vgg_monoaudio.selection.source_list import LISTS

    built = load_benchmark(path)
    shipped = None if built.record.kind else list_of(built.record.listed)
    if funnel is None and shipped is not None:
        funnel = funnel_path(LISTS / f"{shipped}.csv")
    if funnel is not None or not built.record.funnel:
        record_funnel(path, None if funnel is None else read_funnel(funnel))
    benchmark = write_card(path)
    typer.echo(benchmark.path / CARD_NAME)
    typer.echo(write_croissant(path))


def export_benchmark(
    path: BenchmarkArgument,
    to: Annotated[Literal["hf", "webdataset"], typer.Option(help="hf: a folder for `datasets` and its Hub.")],
    out: Annotated[Path, typer.Option(help="Folder, absent or empty.")],
    shard_megabytes: Annotated[
        int | None, typer.Option(min=1, help="Of one file, at most. Default: 500 for hf, 1000 for webdataset.")
    ] = None,
) -> None:
    """Write a benchmark in the form of another library; the same benchmark gives the same bytes."""
    from vgg_monoaudio.dataset import load_benchmark
    from vgg_monoaudio.publishing import hugging_face, webdataset

    benchmark = load_benchmark(path)
    with progress("export") as report:
        if to == "hf":
            size = hugging_face.SHARD_BYTES if shard_megabytes is None else shard_megabytes * MEGABYTE
            hugging_face.export_hugging_face(benchmark, out, shard_bytes=size, progress=report)
        else:
            size = webdataset.SHARD_BYTES if shard_megabytes is None else shard_megabytes * MEGABYTE
            webdataset.export_webdataset(benchmark, out, shard_bytes=size, progress=report)
    files = [file for file in out.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files) / MEGABYTE
    typer.echo(f"{out}: {len(benchmark)} samples in {len(files)} files, {total:.1f} MB")


def _file_name(title: str) -> str:
    """Return a table's title as a file name: `inter_samples_by_target_label`."""
    words = "".join(letter if letter.isalnum() else " " for letter in title.partition("(")[0].lower()).split()
    return "_".join(word for word in words if not word.isdigit())
