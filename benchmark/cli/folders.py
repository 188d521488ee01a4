"""`score`: two folders of sounds, without a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.choices import ProfileName
from benchmark.cli.options import (
    BandwidthOption,
    CacheOption,
    DeviceOption,
    ExtendedOption,
    JsonOption,
    MetricsOption,
    ResamplesOption,
    WorkersOption,
    one_of,
)
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table
from benchmark.exits import SOME_FAILED, tell
from benchmark.places import DEFAULT_CACHE
from benchmark.report.options import UnverifiedOption

if TYPE_CHECKING:
    from benchmark.folders import FoldersRecord

SHOWN_FAILURES = 10


def score(
    generated: Annotated[Path, typer.Argument(help="Folder of generated sounds, or of films with sound.")],
    reference: Annotated[Path, typer.Argument(help="Folder of reference sounds; files of one name are compared.")],
    video: Annotated[Path | None, typer.Option(help="Folder of films of the same names, for IB and DeSync.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Table with the columns name and prompt, for CLAP (signal: IS and KL too).")
    ] = None,
    profile: Annotated[str, one_of(ProfileName, "Which backbones score.")] = "paper",
    metrics: MetricsOption = None,
    extended: ExtendedOption = False,
    seconds: Annotated[float, typer.Option(help="Scored of each file, from its beginning; KAD hears all.")] = 8.0,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Compare the folders as sets, though they share names.")
    ] = False,
    bandwidth_from: BandwidthOption = "generated",
    resamples: ResamplesOption = 1000,
    cache: CacheOption = DEFAULT_CACHE,
    workers: WorkersOption = None,
    device: DeviceOption = None,
    allow_unverified: UnverifiedOption = False,
    out: Annotated[Path | None, typer.Option(help="Keep the table (.csv), or all with each sample (.json).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a folder of generated sounds against a folder of reference sounds, without a benchmark.

    Files are paired by their names without ending. One that lacks its counterpart or cannot be read is named and not
    scored, and the status is 1. Where no name is in both, the folders are compared as sets: FAD and KAD.
    """
    from benchmark.folders import record_of_folders
    from benchmark.folders.record import check_format
    from foundation.disk import check_file

    if out is not None:
        check_format(out)
        check_file(out)
    chosen: Any = {"profile": profile, "bandwidth_from": bandwidth_from}
    with progress("score") as report:
        record = record_of_folders(
            generated, reference, video=video, prompts=prompts, metrics=metrics or (), extended=extended,
            seconds=seconds, unpaired=unpaired, resamples=resamples, cache=cache, workers=workers, progress=report,
            device=device, allow_unverified=allow_unverified, **chosen,
        )  # fmt: skip
    if as_json:
        typer.echo(record.text(), nl=False)
    else:
        _show(record)
    if out is not None:
        record.write(out)
    _leave_with(record)


def _show(record: FoldersRecord) -> None:
    """Print the table, and below it what it is of and why a value or an interval is not there."""
    from metrics.registry import get_metric

    rows, reasons = [], []
    for name, value in record.metrics.items():
        metric = get_metric(name)
        ends = "–" if value.ci95 is None else " to ".join(f"{end:.{metric.decimals}f}" for end in value.ci95)
        text = "–" if value.value is None else f"{value.value:.{metric.decimals}f} {metric.unit}".rstrip()
        rows.append((metric.heading, text, ends, "–" if value.value is None else str(value.n)))
        if value.reason:
            reasons.append(f"{metric.label}: {value.reason}")
    show_table(("metric", "value", "95 % interval", "n"), rows)
    how = "paired by name" if record.paired else "compared as sets"
    counts = record.counts
    typer.echo(
        f"\n{counts.scored} of {counts.expected} scored, {how}; {record.seconds:g} s of each; "
        f"profile {record.scoring.profile}" + (", weights not verified" if record.scoring.unverified_weights else "")
    )
    for reason in reasons:
        typer.echo(reason)


def _leave_with(record: FoldersRecord) -> None:
    """Name what was not scored, and leave with status 1; do nothing where all was."""
    if not record.failures:
        return
    tell(f"{len(record.failures)} not scored:", prefix="")
    for name, reason in list(record.failures.items())[:SHOWN_FAILURES]:
        tell(f"  {name}: {reason}", prefix="")
    if len(record.failures) > SHOWN_FAILURES:
        tell(f"  and {len(record.failures) - SHOWN_FAILURES} more; --out FILE.json has all", prefix="")
    raise typer.Exit(SOME_FAILED)
