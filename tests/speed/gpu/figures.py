"""What a section found, as figures: one a value, with what it stands beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from foundation.measurements import Figure

# Name of a value in a section's row to what is added to "what", and the unit.
VALUES: Mapping[str, tuple[str, str]] = {
    "teraflops_per_second": ("", "TFLOP/s"),
    "gigabytes_per_second": ("", "GB/s"),
    "megabits_per_second": ("", "Mbit/s"),
    "samples_per_second": ("", "samples/s"),
    "files_per_second": ("", "files/s"),
    "steps_per_second": ("", "steps/s"),
    "hours": ("whole stage", "h"),
    "milliseconds": ("", "ms"),
    "milliseconds_per_sample": ("", "ms a sample"),
    "seconds_per_sample": ("", "s a sample"),
    "seconds": ("", "s"),
    "error": ("relative error", ""),
    "busy": ("", "of the time"),
    "cpu_seconds": ("CPU time", "s"),
    "first_batch_seconds": ("first batch", "s"),
    "compile_seconds": ("compiling", "s"),
    "copy_seconds": ("copying frames", "s a sample"),
    "peak_gb": ("peak memory", "GB"),
    "gigaflops_per_file": ("arithmetic", "GFLOP"),
    "batch_against_alone_db": ("a batch against alone", "dB"),
    "lowest_db": ("lowest", "dB"),
    "median_db": ("median", "dB"),
}
# Share of what the hardware could do to the value that it is a share of.
SHARES = {"share_of_bf16_rate": "milliseconds_per_sample", "share_of_float32_rate": "files_per_second"}


def figures_of(row: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield the figures of a section's row; texts and switches of it become the note of the first.

    Args:
        row: "what", and values by the names of `VALUES`; `torch_NAME` is the same value by torch's own operations, a
            share of `SHARES` says how far a value is from its floor, "parts" are seconds a sample.
    """
    what, more = row["what"], {"n": row["n"]} if "n" in row else {}
    values = {name: value for name, value in row.items() if name in VALUES and value is not None}
    note = _note(row)
    for name, value in values.items():
        added, unit = VALUES[name]
        content = {"what": f"{what}: {added}" if added else what, "figure": _digits(value), "unit": unit}
        more |= {"note": note} if note else {}
        yield Figure.model_validate({**content, **_beside(name, value, row), **more})
        more.pop("note", None)
        note = ""
    for part, seconds in row.get("parts", {}).items():
        yield Figure(what=f"{what}: {part}", figure=_digits(seconds), unit="s a sample")


def _beside(name: str, value: float, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if f"torch_{name}" in row:
        found |= {"usual": _digits(row[f"torch_{name}"]), "usual_way": "torch"}
    for share, of in SHARES.items():
        if of == name and row.get(share):
            rate = share.removeprefix("share_of_").removesuffix("_rate")
            floor = value / row[share] if name.endswith("_per_second") else value * row[share]
            found |= {"floor": _digits(floor), "floor_of": f"arithmetic at the card's {rate} rate"}
    return found


def _note(row: Mapping[str, Any]) -> str:
    """Return what a row says beside its values."""
    known = {*VALUES, *SHARES, *(f"torch_{name}" for name in VALUES), "what", "n", "parts"}
    said = {name: value for name, value in row.items() if name not in known and value not in (None, [], {})}
    return "; ".join(f"{name}: {value}" for name, value in said.items())


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
