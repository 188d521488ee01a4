"""Whose fault: the file's or the machine's, from an error, from a program's words, from its exit status."""

import errno
import os
import signal

import pytest

from foundation.faults import machine_fault, machine_fault_told, stopped_by
from foundation.media import MediaError


def caused(error, *, quietly):
    """A MediaError with this cause, named or not."""
    try:
        try:
            raise error
        except type(error) as cause:
            if quietly:
                raise MediaError("clip.mp4", "cannot be decoded")  # noqa: B904  # the cause is in the context alone
            raise MediaError("clip.mp4", "cannot be decoded") from cause
    except MediaError as found:
        return found


@pytest.mark.parametrize("quietly", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EMFILE, errno.ENOMEM])
def test_the_machine_is_found_behind_another_error(number, quietly):
    assert machine_fault(caused(OSError(number, "what"), quietly=quietly)) == os.strerror(number)


def test_memory_that_ran_out_is_the_machines():
    assert machine_fault(caused(MemoryError(), quietly=False)) == "Cannot allocate memory"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "what"), OSError(errno.EINVAL, "what"), ValueError("what")])
def test_other_causes_are_not(error):
    assert machine_fault(caused(error, quietly=False)) is None
    assert machine_fault(None) is None


def test_a_programs_words_tell():
    assert machine_fault_told("[out#0] Error writing trailer: No space left on device\n") == "No space left on device"
    assert machine_fault_told("Invalid data found when processing input") is None


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (-signal.SIGKILL, "", "SIGKILL, as when memory runs out"),
        (-signal.SIGTERM, "", "SIGTERM"),
        (-signal.SIGXFSZ, "", "SIGXFSZ"),
        (137, "", "SIGKILL, as when memory runs out"),
        (143, "", "SIGTERM"),
        (255, "Exiting normally, received signal 15.", "signal 15"),
        (0, "", None),
        (1, "", None),
        (183, "Invalid data", None),  # ffmpeg's own number
        (228, "No space left", None),
        (-signal.SIGSEGV, "", None),  # the input may be what it crashed on
        (139, "", None),
    ],
)
def test_a_status_tells_what_stopped_a_program_from_outside(status, told, expected):
    assert stopped_by(status, told) == expected
