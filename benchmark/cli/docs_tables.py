"""`docs-tables`: the tables of the documents, written from the rows of the registries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.exits import SOME_FAILED
from foundation.names import load, nearest

DOCS = Path("docs")
_MARKED = re.compile(r"(<!-- table: (?P<name>[^\n>]+) -->\n)(?P<table>.*?)(\n?<!-- end of table -->)", re.DOTALL)


@dataclass(frozen=True)
class DocsTable:
    """Where a table's text comes from: "module:function", and what the function is given."""

    source: str
    options: Mapping[str, bool]

    def text(self) -> str:
        """Return the table as Markdown, without a newline at its end."""
        return str(load(self.source)(**self.options)).rstrip("\n")


# The name in a document's mark, `<!-- table: NAME -->`, to the function that writes the table.
TABLES: Mapping[str, DocsTable] = {
    "metrics": DocsTable("metrics.registry:markdown_table", {}),
    "extended metrics": DocsTable("metrics.registry:markdown_table", {"extended": True}),
    "models": DocsTable("baselines.catalogue:markdown_table", {}),
}


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
        typer.echo(f"{docs}: {len(texts)} documents with tables, all up to date")
    if check and outdated:
        raise typer.Exit(SOME_FAILED)


def with_tables(docs: Path) -> dict[Path, str]:
    """Return the documents of a folder that have marked tables, each with its text as the rows make it.

    Raises:
        ValueError: a mark without an end, or one that names no table; says which file.
    """
    texts = {}
    for path in sorted(docs.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        begun, found = text.count("<!-- table: "), len(_MARKED.findall(text))
        if begun != found:
            raise ValueError(
                f"{path}: {begun} tables begin, {found} of them end; close each with <!-- end of table -->"
            )
        if found:
            texts[path] = _MARKED.sub(partial(_filled, path), text)
    return texts


def _filled(path: Path, mark: re.Match[str]) -> str:
    name = mark["name"]
    if name not in TABLES:
        close = nearest(name, TABLES)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(TABLES)}"
        raise ValueError(f"{path}: no table is called {name!r}; {hint}")
    return f"{mark[1]}{TABLES[name].text()}\n<!-- end of table -->"
