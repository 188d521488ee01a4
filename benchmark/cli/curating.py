"""`candidates`, `screen` and `list-sources`: which clips may become sources, and which are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import JsonOption, VGGSoundOption
from benchmark.cli.table import show_table
from benchmark.exits import SOME_FAILED, tell

if TYPE_CHECKING:
    import pandas as pd

    from vgg_monoaudio.selection.screening import VGGSounder

CandidatesOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="What `candidates` wrote. None: all VGGSound test clips."),
]
VGGSounderOption = Annotated[
    Path | None, typer.Option(help="VGGSounder's label file. None: the installed package's (extra: curation).")
]
UnavOption = Annotated[
    Path, typer.Option("--unav", exists=True, dir_okay=False, help="UnAV-100's annotation file (JSON).")
]


def candidates(
    unav: UnavOption,
    vggsound: VGGSoundOption,
    trims: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Where UnAV-100 cut its videos: its download_video.csv. None: all count."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Table of candidates; the funnel goes next to it.")] = Path(
        "candidates.csv"
    ),
    expected_common_videos: Annotated[int, typer.Option(help="Another number is noted.")] = 907,
) -> None:
    """Find the clips that both datasets know and that carry a single sound event; print the funnel."""
    from vgg_monoaudio.selection.annotations import describe_problems, read_trims, read_vggsound
    from vgg_monoaudio.selection.candidates import find_candidates
    from vgg_monoaudio.selection.funnel import funnel_path, write_funnel
    from vgg_monoaudio.selection.unav100 import read_unav100

    clips, events = read_vggsound(vggsound), read_unav100(unav)
    cuts = None if trims is None else read_trims(trims)
    tables = [clips.problems, events.problems, *([] if cuts is None else [cuts.problems])]
    problems = [line for table in tables for line in describe_problems(table)]
    for line in problems:
        tell(line, prefix="")
    found = find_candidates(
        clips.rows, events.events, None if cuts is None else cuts.rows, expected_common_videos=expected_common_videos
    )
    _write(out, found.clips)
    write_funnel(funnel_path(out), found.funnel)
    typer.echo(f"videos in both datasets: {found.common_videos} (expected {expected_common_videos})")
    show_funnel(found.funnel)
    for note in found.notes:
        typer.echo(f"note: {note}")
    differ = int(found.clips["labels_differ"].sum())
    typer.echo(f"{out}: {len(found.clips)} candidates; in {differ} of them the labels of the datasets differ")
    if problems:
        tell(f"{len(problems)} malformed rows were left out", prefix="")
        raise typer.Exit(SOME_FAILED)


def screen(
    candidates: CandidatesOption = None,
    vggsounder: VGGSounderOption = None,
    out: Annotated[Path, typer.Option(help="Table of evidence, a row per clip and label.")] = Path("screened.csv"),
) -> None:
    """Collect the annotations of VGGSounder for the three criteria; print the proposals for each label."""
    from vgg_monoaudio.selection.funnel import funnel_path, write_funnel
    from vgg_monoaudio.selection.screening import proposals_per_label

    rows, funnel, labels = screened_rows(candidates, vggsounder)
    _write(out, rows)
    write_funnel(funnel_path(out), funnel)
    counts = proposals_per_label(rows)
    show_table(["label", "clips proposed"], [[label, str(count)] for label, count in counts.items()])
    show_funnel(funnel)
    empty = [label for label, count in counts.items() if not count]
    if empty:
        typer.echo(f"no clip is proposed for {len(empty)} of {len(counts)} labels: {', '.join(empty)}")
    typer.echo(f"{out}: {int(rows['proposed'].sum())} of {len(rows)} proposed, by VGGSounder {labels.version}")


def list_sources(
    name: Annotated[str, typer.Argument(help="A list that ships (r1), or the path of one of your own.")] = "r1",
    unav: Annotated[
        Path | None, typer.Option("--unav", exists=True, dir_okay=False, help="UnAV-100's JSON: report the overlap.")
    ] = None,
    derive: Annotated[bool, typer.Option(help="Derive r1 again from VGGSounder and compare byte by byte.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a list of sources: clips for each category and label, the pairs they make, the overlap with UnAV-100."""
    import json

    from vgg_monoaudio.publishing.statistics import clips_per_label, count_pairs
    from vgg_monoaudio.selection.source_list import load_source_list

    sources = load_source_list(name, strict=False)
    facts: dict[str, Any] = {"list": name, "clips": len(sources), **count_pairs(sources)}
    if unav is not None:
        facts |= _overlap(sources, unav)
    if derive:
        facts["derived_again"] = _derived_again(name)
    if as_json:
        typer.echo(json.dumps({**facts, "sources": sources.to_dict("records")}, indent=2, ensure_ascii=False))
    else:
        counts = clips_per_label(sources)
        show_table(
            ["category", "label", "clips"], [[str(value) for value in row] for row in counts.to_numpy().tolist()]
        )
        for key, value in facts.items():
            typer.echo(f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")
        if name == "r1":
            typer.echo("r1 is screened by annotations; it is not the list of the paper's authors")
    if facts.get("derived_again") == "differs":
        raise typer.Exit(SOME_FAILED)


def screened_rows(candidates: Path | None, vggsounder: Path | None) -> tuple[pd.DataFrame, pd.DataFrame, VGGSounder]:
    """Return the evidence, the funnel up to the proposals, and the labels behind it."""
    import pandas as pd

    from foundation.text import read_text
    from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
    from vgg_monoaudio.selection.funnel import add_stage, first_stage
    from vgg_monoaudio.selection.screening import load_vggsounder, screen_candidates
    from vgg_monoaudio.selection.screening import screen as screen_all

    labels = load_vggsounder(vggsounder)
    rows = screen_all(labels)
    if candidates is None:
        funnel = first_stage("clips that VGGSounder gives one of the 39 labels", rows["clip_id"].nunique())
    else:
        ids = {"clip_id": str, "youtube_id": str}  # some consist of digits, and begin with zeros
        table = pd.read_csv(io.StringIO(read_text(candidates)), keep_default_na=False, dtype=ids)
        if list(table.columns) != list(CANDIDATE_COLUMNS):
            raise ValueError(f"{candidates}: not what `candidates` writes; expected {', '.join(CANDIDATE_COLUMNS)}")
        screened = screen_candidates(rows, table)
        for row in screened.without.to_dict("records"):
            tell(f"{row['clip_id']}: {row['reason']}", prefix="")
        rows = screened.rows
        clips = rows["clip_id"].nunique()
        funnel = funnel_beside(candidates)
        funnel = add_stage(funnel, "annotated by VGGSounder", clips, "VGGSounder does not give the label")
    return rows, funnel, labels


def funnel_beside(candidates: Path) -> pd.DataFrame:
    """Return the funnel that was written next to a table, or one that begins with the table."""
    import pandas as pd

    from vgg_monoaudio.selection.funnel import first_stage, funnel_path, read_funnel

    beside = funnel_path(candidates)
    return read_funnel(beside) if beside.is_file() else first_stage("candidates", len(pd.read_csv(candidates)))


def _overlap(sources: pd.DataFrame, unav: Path) -> dict[str, Any]:
    from vgg_monoaudio.selection.annotations import describe_problems
    from vgg_monoaudio.selection.rule_r1 import overlap_with_unav100
    from vgg_monoaudio.selection.unav100 import read_unav100

    annotations = read_unav100(unav)
    for line in describe_problems(annotations.problems):
        tell(line, prefix="")
    overlap = overlap_with_unav100(sources, annotations.videos)
    return {"in_unav100": f"{len(overlap.shared)} of {overlap.clips}", "clips_in_unav100": list(overlap.shared)}


def _derived_again(name: str) -> str:
    from importlib.resources import files

    from vgg_monoaudio.selection.rule_r1 import derive_list, list_as_csv
    from vgg_monoaudio.selection.screening import load_vggsounder
    from vgg_monoaudio.selection.screening import screen as screen_all

    if name != "r1":
        raise ValueError(f"--derive: only r1 follows from a rule, {name} does not")
    shipped = files("vgg_monoaudio.selection").joinpath("lists", "r1.csv").read_bytes()
    return "the same" if list_as_csv(derive_list(screen_all(load_vggsounder()))) == shipped else "differs"


def _write(path: Path, table: pd.DataFrame) -> None:
    from foundation.files import replacing

    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def show_funnel(funnel: pd.DataFrame) -> None:
    """Print a funnel."""
    show_table(list(funnel.columns), [[str(value) for value in row] for row in funnel.to_numpy().tolist()])
