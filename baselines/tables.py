"""The tables of the documents that come from the rows, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from baselines.recipes import RECIPES, built_in, read_file
from baselines.registry import ModelEntry, list_models


def markdown_tables() -> dict[str, str]:
    """Return every table of models, by the mark that it stands under: `<!-- table: controls -->`."""
    entries = [entry for entry in list_models() if entry.place.startswith("baselines.")]  # not of other packages
    return {
        "models": _models(entries),
        "controls": _controls(entries),
        "programs": _programs(entries),
        "recipes": _recipes(entries),
        "rows of the paper": _rows_of_the_paper(entries),
    }


def _models(entries: Sequence[ModelEntry]) -> str:
    aliases = {entry.alias_of: entry.name for entry in entries if entry.alias_of}
    return _table(
        ("name", "what", "rows of the paper", "weights", "their licence"),
        (
            (
                f"`{e.name}`" + (f" (= `{aliases[e.name]}`)" if e.name in aliases else ""),
                e.summary,
                "; ".join(e.rows) or "–",
                _weights(e),
                e.licence,
            )
            for e in entries
            if e.kind == "model" and not e.program and not e.alias_of
        ),
    )


def _controls(entries: Sequence[ModelEntry]) -> str:
    parts = ((f"`{e.name}`", *map(str.strip, e.summary.partition(":")[::2])) for e in entries if e.kind == "control")
    return _table(("name", "answer", "what it shows"), parts)


def _programs(entries: Sequence[ModelEntry]) -> str:
    return _table(
        ("name", "what", "program", "licence of its code"),
        (
            (
                f"`{e.name}`",
                e.summary,
                f"[{e.source.removeprefix('https://github.com/')}]({e.source}) @ `{e.revision}`" if e.source else "–",
                e.code_licence or "–",
            )
            for e in entries
            if e.program or e.kind in ("external", "recorded")
        ),
    )


def _recipes(entries: Sequence[ModelEntry]) -> str:
    names = {entry.name for entry in entries}
    recipes = [read_file(RECIPES / f"{name}.toml").content for name in built_in() if name in names]
    return _table(
        ("name", "sound", "starts", "options", "GPU memory, as stated", "licence of the weights"),
        (
            (
                f"`{recipe['name']}`",
                _sound(recipe),
                _starts(recipe),
                ", ".join(f"`{name}`" for name in recipe.get("parameters", {})) or "–",
                recipe.get("memory", "–"),
                recipe["licence"],
            )
            for recipe in recipes
        ),
    )


def _sound(recipe: Mapping[str, Any]) -> str:
    rate = f"{recipe['sample_rate'] / 1000:g} kHz" if "sample_rate" in recipe else "as its file says"
    return rate + (f", at most {recipe['longest_seconds']:g} s" if "longest_seconds" in recipe else "")


def _starts(recipe: Mapping[str, Any]) -> str:
    if "driver" in recipe:
        return "once a run"
    if not recipe.get("together"):
        return "once a sample"
    return "once a batch" if "own_seed" in recipe else "once for those with one seed"


def _rows_of_the_paper(entries: Sequence[ModelEntry]) -> str:
    rows = sorted((row, entry.name, _weights(entry)) for entry in entries for row in entry.rows)
    return _table(
        ("table", "row", "command", "weights"),
        ((*row.split(": ", 1), f"`--model {name}`", weights) for row, name, weights in rows),
    )


def _weights(entry: ModelEntry) -> str:
    if not entry.unpublished:
        return "published"
    return "not published: " + " ".join(f"`--checkpoint {part}=FILE`" for part in entry.unpublished)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in (headings, *rows)]
    return "\n".join([lines[0], "|---" * len(headings) + "|", *lines[1:]])
