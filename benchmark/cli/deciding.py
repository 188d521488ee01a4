"""`curate apply`, `serve` and `pairs`: people decide which clips and pairs are taken, and what that amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.curating import (
    CandidatesOption,
    VGGSounderOption,
    funnel_beside,
    screened_rows,
    show_funnel,
)
from benchmark.cli.table import show_table
from benchmark.exits import tell
from benchmark.help_pages import Group
from foundation.names import nearest

if TYPE_CHECKING:
    import pandas as pd

    from vgg_monoaudio.selection.agreement import CriterionAgreement

_NOT_FOR_APPLY = ("-h", "--help")


class _Curate(Group):
    """The group `curate`; what is given without a subcommand goes to `apply`, as before there was a group."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `apply` before arguments that name no subcommand, and say so."""
        if not args or (args[0] not in self.commands and args[0] not in _NOT_FOR_APPLY):
            near = _misspelled(args[0], self.commands) if args else None
            if near is not None:
                ctx.fail(f"no subcommand and no file {args[0]!r}; did you mean `curate {near}`?")
            tell("curate without a subcommand is spelled `curate apply` now", prefix="note: ")
            args = ["apply", *args]
        return super().parse_args(ctx, args)


def _misspelled(word: str, commands: Iterable[str]) -> str | None:
    """Return the subcommand that a word may have meant; None where it is an option, or may be a file."""
    if word.startswith("-") or Path(word).suffix or Path(word).exists():
        return None
    return next(iter(nearest(word, commands, most=1)), None)


curate = typer.Typer(cls=_Curate, help="Decide which clips become sources and which pairs are kept.")


@curate.command("apply")
def apply(
    decisions: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of decisions, one, or one per reviewer.", show_default="curation.csv"),
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="First add to the (first) file what the screening alone decides.")
    ] = False,
    candidates: CandidatesOption = None,
    vggsounder: VGGSounderOption = None,
    out: Annotated[Path, typer.Option(help="List of accepted clips, for `build --labels`.")] = Path("sources.csv"),
    time: Annotated[str | None, typer.Option(help="Of the automatic decisions, ISO 8601. Default: now.")] = None,
) -> None:
    """Turn decisions into a list of sources; show who agrees, and every conflict."""
    from vgg_monoaudio.selection.agreement import agreement
    from vgg_monoaudio.selection.decisions import CURATION, is_program
    from vgg_monoaudio.selection.funnel import add_stage, first_stage, funnel_path, write_funnel
    from vgg_monoaudio.selection.source_list import source_list, write_source_list
    from vgg_monoaudio.selection.verdicts import apply_decisions, conflicts

    files = decisions or [Path("curation.csv")]
    funnel = None
    if auto:
        funnel = _fill(files[0], candidates, vggsounder, time)
    made = CURATION.read_all(files)
    applied = apply_decisions(made)
    _show_agreement(agreement(made))
    disputed = conflicts(made)
    for row in disputed.to_dict("records"):
        typer.echo(f"conflict: {row['clip_id']} {row['criterion']}: {row['votes']}")
    sources = source_list(applied)
    write_source_list(out, sources)
    clips = len(applied.sources) + len(applied.rejected)
    if funnel is None and candidates is not None:
        funnel = funnel_beside(candidates)
        if clips <= int(funnel["clips"].iloc[-1]):
            funnel = add_stage(funnel, "decided on", clips, "no decision yet")
    if funnel is None or int(funnel["clips"].iloc[-1]) != clips:
        funnel = first_stage("clips decided on", clips)
    funnel = add_stage(funnel, "accepted", len(sources), "a criterion is not met, or reviewers do not agree")
    write_funnel(funnel_path(out), funnel)
    show_funnel(funnel)
    programs = sum(is_program(names.partition(", ")[0]) for names in sources["reviewers"])
    typer.echo(
        f"{out}: {len(sources)} clips of {sources['label'].nunique()} labels and {sources['category'].nunique()} "
        f"categories accepted, {programs} of them by the screening alone; {len(applied.rejected)} rejected, "
        f"{len(disputed)} conflicts"
    )


@curate.command("serve")
def serve(
    candidates: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="What `candidates` or `screen` wrote.")
    ],
    clips: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of the clips.")],
    decisions: Annotated[Path, typer.Option(help="File of decisions; goes on with it if it is there.")] = Path(
        "curation.csv"
    ),
    screened: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What `screen` wrote: evidence beside each clip.")
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(help="List whose pairs are judged (r2, r1, or a file). None: of the clips accepted so far."),
    ] = None,
    imports: Annotated[
        list[Path] | None,
        typer.Option("--import", exists=True, dir_okay=False, help="File of decisions to take in; several times."),
    ] = None,
    blind: Annotated[
        bool, typer.Option(help="Hide what others decided about a clip until one has decided oneself.")
    ] = True,
    reviewer: Annotated[str | None, typer.Option(help="Your name, if you are alone. None: the page asks.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need the link.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8321,
) -> None:
    """Serve the page on which reviewers decide about clips and pairs (extra: web)."""
    from foundation.extras import load_extra

    run = load_extra("benchmark.web.curation.serving", "web", needed_by="the curation page").serve_curation
    from benchmark.web.curation.site import Asked

    asked = Asked(
        candidates, clips, decisions, screened=screened, sources=None if sources is None else _listed(sources),
        imports=tuple(imports or ()), blind=blind, reviewer=reviewer,
    )  # fmt: skip
    run(asked, host=host, port=port, tell=lambda line: tell(line, prefix=""), started=typer.echo)


@curate.command("pairs")
def pairs(
    decisions: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of decisions about pairs.", show_default="curation.pairs.csv"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Verdicts, for `build --pairs`.")] = Path("pairs.csv"),
) -> None:
    """Turn decisions about intra-class pairs into verdicts; show who agrees, and every conflict."""
    from vgg_monoaudio.selection.pair_decisions import (
        PAIR_DECISIONS,
        pair_agreement,
        pair_conflicts,
        pair_verdicts,
        write_pair_verdicts,
    )

    made = PAIR_DECISIONS.read_all(decisions or [Path("curation.pairs.csv")])
    _show_agreement([pair_agreement(made)])
    disputed = pair_conflicts(made)
    for row in disputed.to_dict("records"):
        typer.echo(f"conflict: {row['target_id']} ({row['target_label']}) with {row['paired_id']}: {row['votes']}")
    verdicts = pair_verdicts(made)
    write_pair_verdicts(out, verdicts)
    dropped = int(verdicts["also_describes"].sum())
    typer.echo(f"{out}: {len(verdicts)} pairs judged, {dropped} of them dropped; {len(disputed)} conflicts")


def _listed(sources: Path) -> Path:
    from vgg_monoaudio.selection.source_list import list_path

    return list_path(sources)


def _fill(file: Path, candidates: Path | None, vggsounder: Path | None, time: str | None) -> pd.DataFrame:
    """Add the automatic decisions to a file; return the funnel up to them."""
    from datetime import UTC, datetime

    from vgg_monoaudio.selection.decisions import append_decisions, new_automatic_decisions, read_decisions

    rows, funnel, labels = screened_rows(candidates, vggsounder)
    earlier = read_decisions(file) if file.is_file() else []
    when = time or datetime.now(UTC).isoformat(timespec="seconds")
    new = new_automatic_decisions(rows, earlier, label_version=labels.version, time=when)
    append_decisions(file, new)
    typer.echo(f"{file}: {len(new)} automatic decisions added, {len(earlier)} were there")
    return funnel


def _show_agreement(found: Sequence[CriterionAgreement]) -> None:
    if not any(row.clips for row in found):
        typer.echo("agreement: nothing was judged by two people")
        return
    rows = [
        [row.criterion, str(row.reviewers), str(row.clips), _number(row.observed), _number(row.kappa), row.method,
         _number(row.alpha), "; ".join(dict.fromkeys(why for why in (row.reason, row.alpha_reason) if why))]
        for row in found
    ]  # fmt: skip
    show_table(["criterion", "reviewers", "judged", "observed", "kappa", "method", "alpha", ""], rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
