"""`--executor` and `--drivers`: a verb's work done by several processes, on this machine or on a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from benchmark.cli.options import number_or_auto, one_of
from benchmark.help_pages import REST
from foundation.work import Progress

if TYPE_CHECKING:
    from benchmark.executors.orders import Order

Executor = Literal["local", "ray"]


@dataclass(frozen=True)
class DriverOptions:
    """Who does the work."""

    executor: Annotated[
        str | None,
        one_of(Executor, "Share the work among drivers: processes here, or actors of a Ray cluster.", rest=True),
    ] = None
    drivers: Annotated[
        str,
        typer.Option(
            rich_help_panel=REST,
            metavar="N|auto",
            callback=number_or_auto,
            help="How many; auto: one a GPU, else one a machine.",
        ),
    ] = "auto"
    readers: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=REST,
            min=0,
            help="Executor ray: cores that decode for the drivers. Default: all that no driver has.",
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=REST, help="Executor ray: the cluster's address. Default: $RAY_ADDRESS, else one here."
        ),
    ] = None


@dataclass(frozen=True)
class Drivers:
    """An executor, and how many drivers it is to start; on Ray, and readers."""

    executor: Executor
    count: int | None
    readers: int | None
    address: str | None

    def drive(self, order: Order, progress: Progress | None) -> str:
        """Have an order done; return the run directory, or its address.

        Raises:
            Exception: see `benchmark.executors`.
        """
        if self.executor == "local":
            from benchmark.executors.local import drive_locally

            return drive_locally(order, drivers=self.count, progress=progress)
        from benchmark.executors.ray import drive_on_ray

        return drive_on_ray(order, drivers=self.count, readers=self.readers, address=self.address, progress=progress)


def drivers_of(told: DriverOptions, *, fresh: bool = False) -> Drivers | None:
    """Return who does the work; None where this process does it alone.

    Args:
        told: the options.
        fresh: whether what is there is to be discarded.

    Raises:
        ValueError: options that do not go together.
    """
    count = told.drivers if isinstance(told.drivers, int) else None
    if told.executor != "ray" and told.ray_address is not None:
        raise ValueError("--ray-address: only with --executor ray")
    if told.executor != "ray" and told.readers is not None:
        raise ValueError(f"--readers {told.readers}: only with --executor ray")
    if told.executor is None:
        if count not in (None, 1):
            raise ValueError(f"--drivers {count}: say where, with --executor local or --executor ray")
        return None
    if fresh:
        raise ValueError(
            "--fresh: each driver that is started again would remove what the others have made; "
            "name another run with --run-name, or remove the old one before"
        )
    return Drivers("ray" if told.executor == "ray" else "local", count, told.readers, told.ray_address)
