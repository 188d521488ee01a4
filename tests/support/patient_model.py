"""A model that driver processes load by its file, slow enough to be killed at work."""

import os
import time
from pathlib import Path

import numpy as np


class Patient:
    """Hums; says in a folder which process asked for which sample; on a word there it ends its process."""

    sample_rate = 16_000

    def __init__(self, *, notes: str, seconds: float = 0.1) -> None:
        self._notes, self._seconds = Path(notes), seconds

    def generate(self, request):
        (self._notes / f"{request.sample_id} {os.getpid()}").touch()
        deadly = self._notes / "deadly"
        if deadly.exists():
            deadly.unlink()
            os._exit(9)
        if (self._notes / "broken").exists():
            raise MemoryError("no room for a network")
        time.sleep(self._seconds)
        rng = np.random.default_rng(request.seed)
        return (0.1 * rng.standard_normal(round(request.duration * self.sample_rate))).astype(np.float32)
