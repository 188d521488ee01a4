"""`build`, `build-vggsound-test` and `verify`: benchmark directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    BenchmarkArgument,
    CutWorkersOption,
    OverwriteOption,
    UnusableOption,
    VGGSoundOption,
    one_of,
)
from benchmark.cli.progress import progress
from benchmark.exits import tell
from benchmark.places import DEMO, FULL, SINGLE

if TYPE_CHECKING:
    import pandas as pd

    from vgg_monoaudio.building.scenes import Build
    from vgg_monoaudio.pairing import JudgedPairs


def build(
    sources: Annotated[
        Path | None, typer.Option(help="Folder of clips (VGGSound's file names, or any stem). None: the demo.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Curated list: CSV with clip_id,label[,category,start_seconds], or a list that ships. None: r2."
        ),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Verdicts on intra-class pairs, by `curate pairs`; the rest by subsumption.csv.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help=f"Benchmark directory. Default: {FULL}, or {DEMO}.")] = None,
    name: Annotated[str | None, typer.Option(help="Name in tables. Default: the directory's.")] = None,
    seed: Annotated[int, typer.Option(help="Of the inter-class sample and the sides.")] = 0,
    inter_pairs: Annotated[
        int | None, typer.Option(min=1, help="Inter-class scenes. Default: 560, or all where there are fewer.")
    ] = None,
    fit: Annotated[
        str, one_of("vgg_monoaudio.composition:Fit", "How a clip comes to 640x720.", "stretch|pad|crop")
    ] = "stretch",
    soundtrack: Annotated[
        str, one_of("vgg_monoaudio.composition:Soundtrack", "Of the scenes.", "mixture|target|none")
    ] = "mixture",
    reserves: Annotated[
        bool, typer.Option("--reserves", help="Replace a clip that is missing or unusable by the next of its reserves.")
    ] = False,
    allow_missing: UnusableOption = False,
    overwrite: OverwriteOption = False,
    workers: CutWorkersOption = None,
) -> None:
    """Build a benchmark directory from clips, or the demo, which needs none."""
    from vgg_monoaudio.building.scenes import BuildError, Settings, build_benchmark
    from vgg_monoaudio.collecting.clips import find_clips
    from vgg_monoaudio.selection.funnel import as_stages, funnel_path, read_funnel
    from vgg_monoaudio.selection.reserves import has_reserves, read_reserves
    from vgg_monoaudio.selection.shipped import check_same_list, version_for
    from vgg_monoaudio.selection.source_list import R2, list_path, read_source_list

    if sources is None:
        for option, given in (("--labels", labels), ("--pairs", pairs), ("--reserves", reserves or None)):
            if given is not None:
                raise typer.BadParameter(f"{option} goes with --sources, the folder of the clips that it lists")
        build_demo(out or DEMO, overwrite=overwrite, workers=workers)
        return
    target, listed = out or FULL, list_path(labels or R2)
    rows = read_source_list(listed)
    settings = Settings(
        name=name or target.name, version=version_for(rows["clip_id"]), seed=seed, inter_pairs=inter_pairs,
        fit=fit, soundtrack=soundtrack,  # type: ignore[arg-type]  # compose checks both
    )  # fmt: skip
    spare = read_reserves(listed) if reserves else None
    if not overwrite:
        check_same_list(target, rows["clip_id"])
    judged = None if pairs is None else _judged(pairs, rows)
    beside = funnel_path(listed)
    funnel = as_stages(read_funnel(beside) if beside.is_file() else None)
    try:
        with progress() as report:
            built = build_benchmark(
                rows, find_clips(sources), target, settings, judged=judged, reserves=spare, funnel=funnel,
                allow_missing=allow_missing, overwrite=overwrite, workers=workers, progress=report,
            )  # fmt: skip
    except BuildError as error:
        if error.problems and not reserves and has_reserves(listed):
            hint = "the list has reserves: --reserves (make: RESERVES=1) puts them in their place"
            raise BuildError(f"{error}; {hint}", error.problems) from error
        raise
    _tell_built(built)


def _judged(file: Path, sources: pd.DataFrame) -> JudgedPairs:
    """Read verdicts on pairs; say which of them are about no pair of this list."""
    from foundation.files import file_sha256
    from vgg_monoaudio.pairing import JudgedPairs, exhaustive_pairs
    from vgg_monoaudio.selection.pair_decisions import read_pair_verdicts

    judged = JudgedPairs(read_pair_verdicts(file), file_sha256(file))
    intra = exhaustive_pairs(sources).intra
    unused = judged.unused(intra)
    if len(unused):
        first = unused.iloc[0]
        tell(
            f"{file}: {len(unused)} verdicts are about no pair of this list, the first about "
            f"{first['target_id']} ({first['target_label']}) with {first['paired_id']} ({first['paired_label']})",
            prefix="note: ",
        )
    typer.echo(f"{file}: verdicts on {len(judged.table) - len(unused)} of {len(intra)} intra-class pairs")
    return judged


def build_demo(out: Path = DEMO, *, overwrite: bool = False, workers: int | None = None) -> Path:
    """Build the embedded benchmark where it is not there yet; return its directory."""
    from vgg_monoaudio.demo.benchmark import build_demo_benchmark

    with progress("demo") as report:
        built = build_demo_benchmark(out, overwrite=overwrite, workers=workers, progress=report)
    _tell_built(built)
    return out


def _tell_built(built: Build) -> None:
    counts, replaced = built.benchmark.record.counts, built.benchmark.record.replaced
    for problem in built.problems:
        tell(f"left out: {problem.reason}", prefix="")
    for clip in replaced:
        tell(f"replaced by {clip.by} ({clip.label}, reserve {clip.rank}): {clip.reason}", prefix="")
    state = "is up to date" if built.reused else "built"
    substitutes = f" ({len(replaced)} of them reserves: version {built.benchmark.version})" if replaced else ""
    typer.echo(
        f"{built.benchmark.path} {state}: {counts.clips} of {counts.clips_listed} clips{substitutes}, "
        f"{counts.inter} inter-class scenes (of {counts.inter_pool} pairs), "
        f"{counts.intra} intra-class scenes (of {counts.intra_pool} pairs)"
    )


def build_vggsound_test(
    vggsound: VGGSoundOption,
    sources: Annotated[Path, typer.Option(help="Folder of clips.")],
    out: Annotated[Path, typer.Option(help="Benchmark directory.")] = SINGLE,
    allow_missing: UnusableOption = False,
    overwrite: OverwriteOption = False,
    workers: CutWorkersOption = None,
) -> None:
    """Build the benchmark of VGGSound's single test clips, without composition (Table D4 of the paper)."""
    from vgg_monoaudio.building.single_clips import SingleSettings
    from vgg_monoaudio.building.single_clips import build_vggsound_test as build_all
    from vgg_monoaudio.collecting.clips import find_clips
    from vgg_monoaudio.selection.annotations import describe_problems, read_vggsound

    listed = read_vggsound(vggsound)
    for line in describe_problems(listed.problems):
        tell(line, prefix="")
    with progress("vggsound-test") as report:
        built = build_all(
            listed.rows, find_clips(sources), out, SingleSettings(name=out.name), allow_missing=allow_missing,
            overwrite=overwrite, workers=workers, progress=report,
        )  # fmt: skip
    for problem in built.problems:
        tell(f"left out: {problem.reason}", prefix="")
    counts = built.benchmark.record.counts
    state = "is up to date" if built.reused else "built"
    typer.echo(f"{out} {state}: {counts.clips} of {counts.clips_listed} clips, no composition")


def verify(path: BenchmarkArgument) -> None:
    """Compare every file of a benchmark with the hashes and formats that were recorded when it was built."""
    from vgg_monoaudio.building.verification import differences
    from vgg_monoaudio.dataset import load_benchmark

    benchmark = load_benchmark(path)
    found = differences(benchmark)
    for line in found:
        tell(line, prefix="")
    if found:
        raise typer.Exit(2)
    typer.echo(f"{path}: {len(benchmark)} scenes and {len(benchmark.sources)} sources are as they were built")
