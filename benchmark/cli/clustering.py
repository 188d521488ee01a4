"""`slurm`: a batch script whose tasks all run one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def slurm(
    words: Annotated[
        list[str],
        typer.Argument(help="After --: generate, evaluate or eval with its arguments.", metavar="-- VERB ..."),
    ],
    *,
    tasks: Annotated[int, typer.Option(min=1, help="How many drivers.")] = 1,
    at_once: Annotated[int | None, typer.Option(min=1, help="Of these, how many at a time. Default: all.")] = None,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each.")] = 1,
    cpus: Annotated[int, typer.Option(min=1, help="Cores of each, on which it decodes.")] = 16,
    time: Annotated[str | None, typer.Option(help="Limit of each, as Slurm writes it: 04:00:00.")] = None,
    partition: Annotated[str | None, typer.Option(help="Where to run.")] = None,
    name: Annotated[str, typer.Option(help="Name of the job.")] = "vgg-monoaudio",
    requeue: Annotated[bool, typer.Option(help="Start a task again whose node was lost.")] = True,
    sbatch: Annotated[
        list[str] | None, typer.Option(help="One more option of sbatch, such as --account=sound; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The script.")] = Path("vgg-monoaudio.sbatch"),
    submit: Annotated[bool, typer.Option("--submit", help="Hand it to sbatch.")] = False,
) -> None:
    """Write a Slurm array whose tasks are drivers of one command: they share its samples, and survive one another.

    Example: slurm --tasks 8 --partition gpu --submit -- generate selva --benchmark data/vgg-monoaudio
    """
    from benchmark.executors.slurm import SlurmJob
    from benchmark.executors.slurm import submit as hand_in

    job = SlurmJob(
        words, tasks=tasks, at_once=at_once, gpus=gpus, cpus=cpus, time=time, partition=partition, name=name,
        requeue=requeue, extra=sbatch or [],
    )  # fmt: skip
    _check_options(words)
    script = job.write(out)
    if submit:
        typer.echo(f"job {hand_in(script)}: {script}")
    else:
        typer.echo(f"{script}; submit it with: sbatch {script}")


def _check_options(words: list[str]) -> None:
    """Let the verb's own parser read its options now: each task would find the mistake by itself.

    Raises:
        click.UsageError: an option that the verb does not have.
    """
    from benchmark.cli import app

    verb, *rest = words
    command = getattr(typer.main.get_command(app), "commands")[verb]  # noqa: B009 - a group, by its subclass
    with command.context_class(command, info_name=verb) as context:
        command.make_parser(context).parse_args(list(rest))
