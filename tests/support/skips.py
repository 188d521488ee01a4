"""Skips that continuous integration does not accept: those for want of something that it could have installed."""

import os
from typing import Any

VARIABLE = "VGG_MONOAUDIO_NO_SKIPS"
# What no package brings: files that are not ours to hand on, and a machine of another kind.
ACCEPTED = ("no real clips at ", "no annotations at ", "there is a GPU", "this machine ")


def refusal(reason: str) -> str | None:
    """Return what to say of a skip for this reason where skips are refused; None where it stands."""
    reason = reason.removeprefix("Skipped: ")
    if not os.environ.get(VARIABLE) or reason.startswith(ACCEPTED):
        return None
    return f"skipped, and {VARIABLE} is set: {reason}. Install what it needs (see CONTRIBUTING.md)."


def refuse(report: Any) -> None:
    """Turn the report of a skipped test or file into that of a failed one, where skips are refused."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    said = refusal(reason)
    if said is not None:
        report.outcome, report.longrepr = "failed", said
