"""A model's `prepare` that worker processes can import."""

import time

import numpy as np


def prepare_slowly(request):
    """Take 20 ms."""
    time.sleep(0.02)
    return {"sync": np.zeros(8, np.uint8)}
