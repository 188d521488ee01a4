"""`extract` and `download`: clips from archives, and from the web."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.progress import progress
from benchmark.exits import SOME_FAILED, tell
from benchmark.places import CLIPS

ClipsOption = Annotated[Path, typer.Option(help="Folder for the clips.")]
LabelsOption = Annotated[Path | None, typer.Option(help="List of the clips wanted, file or name (r1). None: r2.")]
ReservesOption = Annotated[
    bool, typer.Option("--reserves", help="Also the list's reserves, which stand in for clips that are gone.")
]
TestSplitOption = Annotated[
    Path | None,
    typer.Option(
        "--vggsound", exists=True, dir_okay=False, help="VGGSound's list (CSV): all its test clips are wanted."
    ),
]
SHOWN = 10


def extract(
    archives: Annotated[Path, typer.Argument(help="A tar, or a folder of tars; tars within tars are read too.")],
    out: ClipsOption = CLIPS,
    labels: LabelsOption = None,
    vggsound: TestSplitOption = None,
    reserves: ReservesOption = False,
) -> None:
    """Extract the clips of a list from VGGSound's archives; resume where an earlier call stopped."""
    from vgg_monoaudio.collecting.archives import extract_clips

    wanted = _wanted(labels, vggsound, reserves=reserves)
    with progress("extract") as report:
        found = extract_clips(archives, wanted, out, progress=report)
    for archive, reason in found.broken.items():
        tell(f"{archive}: {reason}", prefix="")
    _tell_missing(list(found.missing))
    typer.echo(f"{out}: {len(found.clips)} of {len(wanted)} clips")
    lacking = _lacks_clips(labels, found.clips) if reserves else bool(found.missing)
    if lacking or found.broken:
        raise typer.Exit(SOME_FAILED)


def download(
    out: ClipsOption = CLIPS,
    labels: LabelsOption = None,
    vggsound: TestSplitOption = None,
    reserves: ReservesOption = False,
    pause_seconds: Annotated[float, typer.Option(min=0, help="Between two videos.")] = 5.0,
    retry: Annotated[bool, typer.Option("--retry", help="Try clips again that failed for good.")] = False,
) -> None:
    """Fetch the clips of a list that are missing from YouTube (extra: download), one by one, each failure named."""
    from vgg_monoaudio.collecting.download import FAILURES_NAME, download_clips, failure_counts

    wanted = _wanted(labels, vggsound, reserves=reserves)
    with progress("download") as report:
        got = download_clips(wanted, out, retry=retry, pause_seconds=pause_seconds, progress=report)
    for failure in got.failures:
        tell(f"{failure.clip_id}: {failure.kind}: {failure.reason}", prefix="")
    typer.echo(f"{out}: {len(got.clips)} of {len(wanted)} clips")
    if got.failures:
        counts = ", ".join(f"{kind} {count}" for kind, count in failure_counts(got.failures).items())
        typer.echo(f"failed: {counts}; reasons in {out / FAILURES_NAME}")
    if got.not_tried:
        typer.echo(f"YouTube limits the rate; {len(got.not_tried)} clips are left, call again later")
    lacking = _lacks_clips(labels, got.clips) if reserves else bool(got.failures)
    if lacking or got.not_tried:
        raise typer.Exit(SOME_FAILED)


def _wanted(labels: Path | None, vggsound: Path | None, *, reserves: bool) -> list[str]:
    from vgg_monoaudio.selection.annotations import describe_problems, read_vggsound
    from vgg_monoaudio.selection.reserves import wanted_clips
    from vgg_monoaudio.selection.source_list import R2

    if vggsound is None:
        return wanted_clips(labels or R2, reserves=reserves)
    if labels is not None:
        raise typer.BadParameter("--labels and --vggsound both say which clips are wanted; give one")
    if reserves:
        raise typer.BadParameter("--reserves belong to a list (--labels); all clips of --vggsound are wanted already")
    listed = read_vggsound(vggsound)
    for line in describe_problems(listed.problems):
        tell(line, prefix="")
    return list(listed.rows.loc[listed.rows["split"] == "test", "clip_id"])


def _lacks_clips(labels: Path | None, clips: Collection[str]) -> bool:
    """Say whether every place of the list can be filled, by its clip or a reserve; return whether one cannot."""
    from vgg_monoaudio.selection.reserves import short_labels
    from vgg_monoaudio.selection.source_list import R2

    short = short_labels(labels or R2, clips)
    if short:
        lines = ", ".join(f"{label} ({there} of {needed})" for label, (there, needed) in short.items())
        typer.echo(f"too few clips, reserves counted: {lines}")
    else:
        typer.echo("every label has its number of clips, reserves counted: `build --reserves` can build")
    return bool(short)


def _tell_missing(clips: list[str]) -> None:
    for clip in clips[:SHOWN]:
        tell(f"{clip}: in none of the archives", prefix="")
    if len(clips) > SHOWN:
        tell(f"and {len(clips) - SHOWN} more", prefix="")
