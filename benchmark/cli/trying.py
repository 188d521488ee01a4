"""`try`: a page on which models are asked about a film."""

from __future__ import annotations

import math
import socket
from typing import Annotated, Any

import typer

from benchmark.cli.options import BenchmarkOption, CheckpointOption, DeviceOption, OptionOption, RandomOption
from benchmark.exits import tell


def try_models(
    model: Annotated[
        list[str], typer.Option(help="A name of `list-models`, or a class of your own; may be given several times.")
    ],
    benchmark: BenchmarkOption = None,
    duration: Annotated[float, typer.Option(min=0.1, help="Seconds of a film that are used, at most.")] = 8.0,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    device: DeviceOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
) -> None:
    """Serve a page to try models: a film, a prompt and another, the answers side by side (extra: web)."""
    from foundation.extras import load_extra

    serve = load_extra("benchmark.web.trying.serving", "web", needed_by="the page to try a model").serve_trying
    from benchmark.cli.asking import check_device_of, check_options, find_benchmark, model_options, options_of
    from benchmark.web.trying.models import Models

    if not math.isfinite(duration):
        raise ValueError(f"--duration: expected seconds, got {duration}")
    own: dict[str, Any] = model_options(option, checkpoint=checkpoint, random_weights=random_weights)
    check_options(model, own, None)
    for name in model:
        check_device_of(name, device)
    asked = {name: options_of(name, own) for name in model}
    models = Models(asked, device=device, telling=lambda name: tell(f"loading {name}", prefix=""))
    built = find_benchmark(benchmark)
    serve(models, built, at_most_seconds=duration, host=host, port=port, started=lambda address: _told(address, host))


def _told(address: str, host: str) -> None:
    """Print the address, and how it is reached from another machine."""
    from urllib.parse import urlsplit

    from benchmark.web.serving import is_loopback

    typer.echo(address)
    if is_loopback(host):
        port = urlsplit(address).port
        typer.echo(f"from another machine, first: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}")
