"""`docs-tables`: the tables of the documents, written from the rows of the registries and from what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.exits import SOME_FAILED
from foundation.names import joined, nearest

DOCS = Path("docs")
MEASURED = "performance"  # folder of the documents' folder: what was measured, see `foundation.measurements`
_MARKED = re.compile(r"(<!-- table: (?P<name>[^\n>]+) -->\n)(?P<table>.*?)(\n?<!-- end of table -->)", re.DOTALL)


def tables() -> dict[str, str]:
    """Return every table of the documents as Markdown, by the name in its mark: `<!-- table: NAME -->`."""
    from baselines.tables import markdown_tables
    from metrics.registry import markdown_table
    from vgg_monoaudio.public.catalogue import markdown_table as benchmarks
    from vgg_monoaudio.publishing.statistics import relations_table

    of_metrics = {"metrics": markdown_table(), "extended metrics": markdown_table(extended=True)}
    return {**of_metrics, "benchmarks": benchmarks(), "relations": relations_table(), **markdown_tables()}


def docs_tables(
    docs: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of the documents.")] = DOCS,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; status 1 where a table is not up to date.")
    ] = False,
) -> None:
    """Write the tables between `<!-- table: NAME -->` and `<!-- end of table -->` in the documents of a folder."""
    from foundation.files import write_text

    texts = with_tables(docs)
    outdated = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in outdated:
        if not check:
            write_text(path, texts[path])
        typer.echo(f"{path}: {'not up to date' if check else 'written'}")
    if not outdated:
        documents = "1 document" if len(texts) == 1 else f"{len(texts)} documents"
        typer.echo(f"{docs}: {documents} with tables, all up to date")
    if check and outdated:
        raise typer.Exit(SOME_FAILED)


def with_tables(docs: Path) -> dict[Path, str]:
    """Return the documents of a folder that have marked tables, each with its text as the rows make it.

    Raises:
        ValueError: a mark without an end, or one that names no table, says which file; or no document has a mark; or
            a record of measurements cannot be read.
    """
    from foundation.measurements import measured_tables

    known, texts = {**tables(), **measured_tables(docs / MEASURED)}, {}
    for path in sorted(docs.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        begun, found = text.count("<!-- table: "), len(_MARKED.findall(text))
        if begun != found:
            raise ValueError(
                f"{path}: {begun} tables begin, {found} of them end; close each with <!-- end of table -->"
            )
        if found:
            texts[path] = _MARKED.sub(partial(_filled, path, known), text)
    if not texts:
        raise ValueError(
            f"{docs}: no document here has a table; mark its place with <!-- table: NAME --> and "
            "<!-- end of table -->, or give the folder of the documents with --docs"
        )
    return texts


def _filled(path: Path, known: Mapping[str, str], mark: re.Match[str]) -> str:
    name = mark["name"]
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean {joined(close)}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"{path}: no table is called {name!r}; {hint}")
    return f"{mark[1]}{known[name]}\n<!-- end of table -->"
