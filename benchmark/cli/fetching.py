"""`extract` and `download`: clips from archives, and from the web."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.progress import progress
from benchmark.exits import SOME_FAILED, tell
from benchmark.places import CLIPS

ClipsOption = Annotated[Path, typer.Option(help="Folder for the clips.")]
LabelsOption = Annotated[Path | None, typer.Option(help="List of the clips wanted. None: the list that ships (r1).")]
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
) -> None:
    """Extract the clips of a list from VGGSound's archives; resume where an earlier call stopped."""
    from vgg_monoaudio.collecting.archives import extract_clips

    wanted = _wanted(labels, vggsound)
    with progress("extract") as report:
        found = extract_clips(archives, wanted, out, progress=report)
    for archive, reason in found.broken.items():
        tell(f"{archive}: {reason}", prefix="")
    _tell_missing(list(found.missing))
    typer.echo(f"{out}: {len(found.clips)} of {len(wanted)} clips")
    if found.missing or found.broken:
        raise typer.Exit(SOME_FAILED)


def download(
    out: ClipsOption = CLIPS,
    labels: LabelsOption = None,
    vggsound: TestSplitOption = None,
    pause_seconds: Annotated[float, typer.Option(min=0, help="Between two videos.")] = 5.0,
    retry: Annotated[bool, typer.Option("--retry", help="Try clips again that failed for good.")] = False,
) -> None:
    """Fetch the clips of a list that are missing from YouTube (extra: download), one by one, each failure named."""
    from vgg_monoaudio.collecting.download import FAILURES_NAME, download_clips, failure_counts

    wanted = _wanted(labels, vggsound)
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
    if got.failures or got.not_tried:
        raise typer.Exit(SOME_FAILED)


def _wanted(labels: Path | None, vggsound: Path | None) -> list[str]:
    from vgg_monoaudio.selection.annotations import describe_problems, read_vggsound
    from vgg_monoaudio.selection.source_list import R1, read_source_list

    if vggsound is None:
        return list(read_source_list(labels or R1)["clip_id"])
    if labels is not None:
        raise typer.BadParameter("--labels and --vggsound both say which clips are wanted; give one")
    listed = read_vggsound(vggsound)
    for line in describe_problems(listed.problems):
        tell(line, prefix="")
    return list(listed.rows.loc[listed.rows["split"] == "test", "clip_id"])


def _tell_missing(clips: list[str]) -> None:
    for clip in clips[:SHOWN]:
        tell(f"{clip}: in none of the archives", prefix="")
    if len(clips) > SHOWN:
        tell(f"and {len(clips) - SHOWN} more", prefix="")
