"""What stands for the reading of a clip in worker processes of the tests: decoders that crash or never end."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from baselines.selva.training.preparing_reading import _read


def crashing(*how: Any) -> Any:
    """Read a clip, but for the one called c, which ends the process as a decoder's fault does."""
    job = how[-1]
    if job.path is not None and job.path.stem == "c":
        os.kill(os.getpid(), signal.SIGSEGV)
    return _read(*how)


def hanging(*how: Any) -> Any:
    """Tell which process this is, and never come back."""
    Path(os.environ["WORKERS_AT_WORK"], str(os.getpid())).touch()
    threading.Event().wait()
