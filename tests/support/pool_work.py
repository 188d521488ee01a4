"""What worker processes of the tests do; they can import it."""

import os
import signal
import threading
from pathlib import Path

import numpy as np

from foundation import transfer


def die_once(path):
    """Be killed at the first try, as for the memory of others, and tell at the second which process it is."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def hang(item):
    if item == "hang":
        threading.Event().wait()
    return item


def process_id(_item):
    return os.getpid()


def arrays(value):
    return {"large": np.full(3_000_000, value, np.uint8), "small": np.full(5, value, np.uint8)}


def half_an_array(item):
    """Be killed, or hang, when the head of the result is on its way and its array is not."""

    def stop(_pipe, _memory):
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()

    if item == "begin":
        return "begun"
    transfer._write = stop
    return arrays(1)


class Unreadable:
    """Can be sent and not be received."""

    def __reduce__(self):
        return int, ("not a number",)


def unreadable_if_odd(number: int) -> object:
    return Unreadable() if number % 2 else number


def begins_at_the_second_try(pipe, work):
    """Be a worker process, but for the first one, which is killed as it begins."""
    from foundation import isolation

    try:
        Path(os.environ["FIRST_WORKER"]).touch(exist_ok=False)
    except FileExistsError:
        isolation._serve(pipe, work)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
