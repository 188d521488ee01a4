"""One request to a service and its whole answer, within a time and a size; how long a busy service asks us to wait."""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LARGEST_ANSWER_BYTES = 256 << 20
_LARGEST_REFUSAL_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20


class NoAnswer(Exception):
    """A service that cannot be reached, breaks off, or does not come to an end in time; the message says which."""


@dataclass(frozen=True)
class Reply:
    """What a service answered.

    Attributes:
        status: of HTTP.
        phrase: what it calls that.
        headers: by name, whatever its case.
        body: at most a byte more than `LARGEST_ANSWER_BYTES`; of a refusal, its beginning.
    """

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Leaves redirections to us: urllib would ask the new place without the request's body, but with its token."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Return nothing, which makes a redirection an error."""


def exchange(request: urllib.request.Request, limit_seconds: float) -> Reply:
    """Send a request and return the answer; redirections are not followed.

    A thread does it, because the limit of a socket is for its next byte: a service that sends one now and then, or a
    name that is looked up for ever, would never end. A thread that is given up ends when it next hears something.

    Args:
        request: to send.
        limit_seconds: for all of it.

    Raises:
        NoAnswer: nothing whole within the limit.
    """
    results: queue.SimpleQueue[Reply | Exception] = queue.SimpleQueue()
    given_up = threading.Event()
    arguments = (request, limit_seconds, given_up, results)
    threading.Thread(target=_exchange, args=arguments, daemon=True).start()
    try:
        result = results.get(timeout=limit_seconds)
    except queue.Empty:
        raise NoAnswer(f"the service gave no whole answer within {limit_seconds:g} s") from None
    finally:
        given_up.set()
    if isinstance(result, Exception):
        raise result
    return result


def _exchange(
    request: urllib.request.Request,
    limit_seconds: float,
    given_up: threading.Event,
    results: queue.SimpleQueue[Reply | Exception],
) -> None:
    try:
        results.put(_answered(request, limit_seconds, given_up))
    except Exception as error:  # raised again by the thread that waits
        results.put(error)


def _answered(request: urllib.request.Request, limit_seconds: float, given_up: threading.Event) -> Reply:
    late = f"the service gave no whole answer within {limit_seconds:g} s"
    try:
        try:
            response = urllib.request.build_opener(_NoRedirection).open(request, timeout=limit_seconds)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            status, most = response.status, LARGEST_ANSWER_BYTES + 1
            body = _read(response, most if status < 300 else _LARGEST_REFUSAL_BYTES, given_up)
            return Reply(status, response.reason, response.headers, body)
    except TimeoutError as error:
        raise NoAnswer(late) from error
    except (OSError, http.client.HTTPException) as error:  # the latter: it does not speak HTTP, or broke off
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, TimeoutError):
            raise NoAnswer(late) from error
        raise NoAnswer(f"the service at {request.full_url} cannot be reached: {_named(error)}") from error


def _read(response: Any, most: int, given_up: threading.Event) -> bytes:
    """Return the answer's body, or its first bytes where there are more than are read."""
    body = bytearray()
    while len(body) < most and not given_up.is_set():
        piece = response.read1(min(_PIECE_BYTES, most - len(body)))
        if not piece:
            break
        body += piece
    declared = response.headers.get("Content-Length", "")
    whole = float(declared) if declared.isdecimal() else 0.0  # int refuses thousands of digits
    if len(body) < most and len(body) < whole:
        raise NoAnswer(f"the service broke off its answer after {len(body)} of {whole:.15g} bytes")
    return bytes(body)


def _named(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return str(error)


def asked_to_wait(reply: Reply) -> float | None:
    """Return how many seconds a service asks us to wait before the next request, from 0 on; None where it does not.

    A date counts from the answer's own, so that two clocks that differ do no harm.
    """
    text = reply.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])  # longer numbers are as good as for ever
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter: a year or a zone of very many digits
        return None
    try:
        now = parsedate_to_datetime(reply.headers.get("Date", ""))
    except (ValueError, OverflowError):
        now = datetime.now(UTC)
    return max(0.0, (_aware(then) - _aware(now)).total_seconds())


def _aware(time: datetime) -> datetime:
    """Take a time without a zone for one of UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
