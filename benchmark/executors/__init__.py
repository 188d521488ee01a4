"""Many drivers of one run: processes of this machine, tasks of Slurm, actors of Ray.

An executor hands out no samples. It starts drivers, each of which calls `benchmark.generate` or `benchmark.evaluate`
with the same arguments on the same run directory, and looks after them: one that dies is started again, and the first
that comes back with the run ends the work.
"""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.executors.local import drive_locally
    from benchmark.executors.orders import EvaluateOrder, GenerateOrder
    from benchmark.executors.outcomes import DriversLost
    from benchmark.executors.ray import drive_on_ray
    from benchmark.executors.slurm import SlurmJob

_HOMES = {
    "DriversLost": "benchmark.executors.outcomes",
    "EvaluateOrder": "benchmark.executors.orders",
    "GenerateOrder": "benchmark.executors.orders",
    "drive_locally": "benchmark.executors.local",
    "drive_on_ray": "benchmark.executors.ray",
    "SlurmJob": "benchmark.executors.slurm",
}
__all__ = [
    "DriversLost",
    "EvaluateOrder",
    "GenerateOrder",
    "SlurmJob",
    "drive_locally",
    "drive_on_ray",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
