"""The tables of the paper: which rows each holds, under which names and with which rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from benchmark.report.results import Results, Row
from benchmark.report.subsets import subset_rank
from benchmark.report.tables.cells import Breadth, Table
from benchmark.report.tables.table import build_table
from foundation.names import natural

if TYPE_CHECKING:
    from vgg_monoaudio.dataset import Subset

PresetName = Literal["main", "sup-tokens", "scaling", "vggsound", "ablation"]
DEFAULT_SUP_TOKENS = 5
SIZES = ("selva-s-16k", "selva-s-44k", "selva-m-44k", "selva-l-44k")
VGGSOUND_SUBSET: Subset = "single"  # the VGGSound test set, clip by clip
VGGSOUND_DECIMALS = {"fad": 2}  # Tables A1 and D4 print FAD with two places, the tables on VGG-MonoAudio with one


@dataclass(frozen=True)
class Preset:
    """One table of the paper.

    Attributes:
        published: table under `results/published` with its printed rows.
        keeps: which rows belong.
        label: what the first column shows.
        heading: title of the first column.
        decimals: places that differ from the registry's.
        about: what it shows, for messages.
        counted: what its labels count, for where no heading says it: "[SUP]" makes "5 [SUP]" of 5.
        by_label: its models stand in the order of their labels, numbers by their size; else as in the registry.
    """

    published: str
    keeps: Callable[[Row], bool]
    about: str
    label: Callable[[Row], str] = field(default=lambda row: row.model)
    heading: str = "Model"
    decimals: Mapping[str, int] = field(default_factory=dict)
    counted: str = ""
    by_label: bool = False


def _is_selva(row: Row) -> bool:
    return row.model_name in ("selva", "selva-s-16k") or row.model_name.startswith("selva-s-16k-sup-")


def _sup_tokens(row: Row) -> str:
    return str(row.options.get("num_sup_tokens", DEFAULT_SUP_TOKENS)) if _is_selva(row) else row.model


def _is_vggsound(row: Row) -> bool:
    return row.subset == VGGSOUND_SUBSET


def _ablation(row: Row) -> str:
    removed = [name for name in ("clip", "sync") if row.options.get(f"null_{name}")]
    names = {"clip": "CLIP", "sync": "Synchformer"}
    return f"w/ null {' and '.join(names[name] for name in removed)} emb." if removed else row.model_name


PRESETS: Mapping[PresetName, Preset] = {
    "main": Preset("D5", lambda _row: True, "every model"),
    "sup-tokens": Preset(
        "D3",
        lambda row: row.kind in ("control", "published") or _is_selva(row),
        "SELVA-S-16k with different numbers of [SUP] tokens",
        label=_sup_tokens,
        heading="# of [SUP]",
        counted="[SUP]",
        by_label=True,
    ),
    "scaling": Preset(
        "D5",
        lambda row: row.kind in ("control", "published") or row.model_name in (*SIZES, "selva"),
        "SELVA in its four sizes",
    ),
    "vggsound": Preset("D4", _is_vggsound, "models on the VGGSound test set", decimals=VGGSOUND_DECIMALS),
    "ablation": Preset(
        "A1",
        lambda row: (
            _is_vggsound(row) and (row.kind in ("control", "published") or row.model_name.startswith("mmaudio"))
        ),
        "MMAudio with null embeddings on the VGGSound test set",
        label=_ablation,
        decimals=VGGSOUND_DECIMALS,
    ),
}


def preset_rows(results: Results, name: PresetName) -> tuple[Row, ...]:
    """Return those of the rows that belong in one of the paper's tables, in its order.

    Raises:
        ValueError: no such preset, or none of the rows belongs in it.
    """
    if name not in PRESETS:
        raise ValueError(f"table: expected one of {', '.join(PRESETS)}, got {name!r}")
    preset = PRESETS[name]
    rows = [row for row in results.rows if preset.keeps(row)]
    if not rows:
        raise ValueError(f"table {name} shows {preset.about}; none of the runs given is one")
    if preset.by_label:
        kinds = {"control": 1, "published": 2}
        rows.sort(key=lambda row: (subset_rank(row.subset), kinds.get(row.kind, 0), _in_order(row, preset)))
    return tuple(rows)


def _in_order(row: Row, preset: Preset) -> tuple[tuple[int, int, str], ...]:
    return () if row.kind in ("control", "published") else natural(preset.label(row))  # these keep their own order


def preset_label(row: Row, name: PresetName) -> str:
    """Return what the first column of one of the paper's tables shows of a row."""
    return row.model if row.kind == "published" else PRESETS[name].label(row)


def preset_table(
    results: Results,
    name: PresetName = "main",
    *,
    breadth: Breadth = "compact",
    intervals: bool = True,
    standard_errors: bool = False,
) -> Table:
    """Return one of the paper's tables from these rows.

    Raises:
        ValueError: no such preset, or none of the rows belongs in it.
    """
    rows = preset_rows(results, name)
    preset = PRESETS[name]
    return build_table(
        replace(results, rows=rows),
        breadth=breadth,
        intervals=intervals,
        standard_errors=standard_errors,
        heading=preset.heading,
        decimals=preset.decimals,
        labels={row.key: preset_label(row, name) for row in rows},
    )
