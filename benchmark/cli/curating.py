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
    name: Annotated[str, typer.Argument(help="A list that ships (r2, r1), or the path of one of your own.")] = "r2",
    unav: Annotated[
        Path | None, typer.Option("--unav", exists=True, dir_okay=False, help="UnAV-100's JSON: report the overlap.")
    ] = None,
    derive: Annotated[bool, typer.Option(help="Derive the list again by its rule and compare byte by byte.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a list of sources: clips and reserves of each label, conflicts between data sets, the pairs, the overlap."""
    import json

    from vgg_monoaudio.publishing.statistics import count_pairs
    from vgg_monoaudio.selection.reserves import count_reserves, has_reserves, read_reserves
    from vgg_monoaudio.selection.source_list import SHIPPED, load_source_list

    sources = load_source_list(name, strict=False)
    facts: dict[str, Any] = {"list": name, "clips": len(sources), **count_pairs(sources)}
    reserves = count_reserves(sources, read_reserves(name)) if has_reserves(name) else None
    if unav is not None:
        facts |= _overlap(sources, unav)
    if derive:
        facts["derived_again"] = _derived_again(name)
    conflicts = _conflicts(sources)
    if as_json:
        facts |= {"conflicts": conflicts} if conflicts else {}
        facts |= {} if reserves is None else {"reserves": reserves}
        typer.echo(json.dumps({**facts, "sources": sources.to_dict("records")}, indent=2, ensure_ascii=False))
    else:
        _show_labels(sources, reserves)
        for key, value in facts.items():
            typer.echo(f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")
        for conflict in conflicts:
            typer.echo(f"conflict: {conflict['clip_id']}, {conflict['label']}: {conflict['reason']}")
        if name in SHIPPED:
            typer.echo(f"{name} is screened by annotations; it is not the list of the paper's authors")
    if facts.get("derived_again") == "differs":
        raise typer.Exit(SOME_FAILED)


def _conflicts(sources: pd.DataFrame) -> list[dict[str, str]]:
    """Return the clips of a list whose label another data set does not share, with the reason that the list gives."""
    if "reason" not in sources:
        return []
    rows = sources.loc[sources["reason"] != "", ["clip_id", "label", "reason"]]
    return [{str(key): str(value) for key, value in row.items()} for row in rows.to_dict("records")]


def _show_labels(sources: pd.DataFrame, reserves: dict[str, int] | None) -> None:
    """Print clips, and reserves, of each label, and which labels have few or none."""
    from vgg_monoaudio.publishing.statistics import clips_per_label
    from vgg_monoaudio.selection.rule_r2 import RESERVES_PER_CLIP

    counts = clips_per_label(sources).to_numpy().tolist()
    if reserves is None:
        show_table(["category", "label", "clips"], [[str(value) for value in row] for row in counts])
        return
    rows = [(category, label, clips, reserves[label]) for category, label, clips in counts]
    show_table(["category", "label", "clips", "reserves"], [[str(value) for value in row] for row in rows])
    few = [f"{label} ({count})" for _, label, clips, count in rows if 0 < count < RESERVES_PER_CLIP * clips]
    none = [label for _, label, _, count in rows if not count]
    if few:
        typer.echo(f"fewer than {RESERVES_PER_CLIP} reserves per clip: {', '.join(few)}")
    if none:
        typer.echo(f"no reserve at all: {', '.join(none)}")


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
    """Derive a list that ships, and its reserves, by its rule; say whether every byte is as it ships."""
    from vgg_monoaudio.selection.drawing import list_as_csv
    from vgg_monoaudio.selection.rule_r1 import derive_list
    from vgg_monoaudio.selection.rule_r2 import derive_r2, derive_reserves
    from vgg_monoaudio.selection.screening import load_vggsounder
    from vgg_monoaudio.selection.screening import screen as screen_all
    from vgg_monoaudio.selection.source_list import LISTS, SHIPPED
    from vgg_monoaudio.taxonomy import load_vggsound_labels

    if name not in SHIPPED:
        raise ValueError(f"--derive: only the lists that ship ({', '.join(SHIPPED)}) follow from a rule, not {name}")
    screened, own = screen_all(load_vggsounder()), load_vggsound_labels()
    if name == "r1":
        derived = {"r1.csv": derive_list(screened)}
    else:
        r2 = derive_r2(screened, own)
        derived = {"r2.csv": r2, "r2.reserves.csv": derive_reserves(screened, own, r2)}
    same = all(list_as_csv(table) == (LISTS / file).read_bytes() for file, table in derived.items())
    return "the same" if same else "differs"


def _write(path: Path, table: pd.DataFrame) -> None:
    from foundation.files import replacing

    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def show_funnel(funnel: pd.DataFrame) -> None:
    """Print a funnel."""
    show_table(list(funnel.columns), [[str(value) for value in row] for row in funnel.to_numpy().tolist()])
