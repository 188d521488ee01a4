"""Models behind a service: a request is posted, the answer is an audio file."""

from __future__ import annotations

import base64
import json
import logging
import math
import os
import re
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.exchange import LARGEST_ANSWER_BYTES, NoAnswer, Reply, asked_to_wait, exchange
from baselines.programs.outputs import naming_disk_errors, read_sound
from baselines.programs.process import ProgramFailed
from baselines.programs.retries import Attempt, answer_with_retries, only_answer

log = logging.getLogger(__name__)

pause = time.sleep  # until a busy service wants to be asked again; a test puts its own in its place
LONGEST_WAIT_SECONDS = 600.0  # for one sample, all waits that the service asks for together
SHORTEST_WAIT_SECONDS = 1.0  # so that the waits of "at once, please" come to an end too
SHOWN_CHARACTERS = 300
_READ_BYTES = 1 << 16  # of an answer in words, which may be as long as a sound
_LONGEST_INTEGER = 100  # digits
# Of a page, what nobody sees. Whatever begins here ends at the latest with the text or before the next tag: the search
# takes a time that grows with the text's length, not with its square.
_MARKUP = re.compile(r"<(style|script)\b.*?(?:</\1>|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>", flags=re.DOTALL | re.IGNORECASE)
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_BUSY = frozenset({429, 503})
_TEXTS = ("text/", "application/json", "application/xhtml", "application/xml", "application/problem+json")


class HttpEndpoint:
    """A service of your own; docs/external-models.openapi.json describes what it is sent and what it answers.

    Args:
        endpoint: address that requests are posted to, http or https.
        sample_rate: Hz that every answer must have; by default each file may have its own.
        time_limit_seconds: longest time for one request and its whole answer.
        token_env: name of the environment variable that holds a bearer token; the token itself is never recorded.

    Raises:
        ValueError: an address that is none, a time limit that is none, or no token in that environment variable.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        sample_rate: int | None = None,
        time_limit_seconds: float = 600.0,
        token_env: str | None = None,
    ) -> None:
        check_endpoint(endpoint)
        if isinstance(time_limit_seconds, bool) or not isinstance(time_limit_seconds, int | float):
            raise ValueError(f"time_limit_seconds: expected seconds, got {time_limit_seconds!r}")
        if not 0 < time_limit_seconds < math.inf:
            raise ValueError(f"time_limit_seconds: expected seconds above 0, got {time_limit_seconds!r}")
        self._token = None if token_env is None else _token(token_env)
        self._endpoint, self._limit = endpoint, float(time_limit_seconds)
        self.sample_rate = sample_rate
        self.notes = [f"answers of a service: {endpoint}"]

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return the service's sound, float32 (round(duration * rate),), and its rate in Hz.

        A service that is busy, broken or out of reach is asked once more; one that says when (429 and 503 with
        Retry-After) is waited for, up to `LONGEST_WAIT_SECONDS`, as often as it says so.

        Raises:
            GenerationError: it refused the request, failed twice, or its sound cannot be used.
        """
        return only_answer(answer_with_retries([request], self._attempt))

    def _attempt(self, requests: Sequence[Request]) -> Attempt:
        (request,) = requests
        try:
            with naming_disk_errors():
                body = _body(request)
            content, kind = self._post(body)
            if kind.startswith(_TEXTS):  # a login page, say, with status 200
                raise GenerationError(f"the service answered with {kind}, not with sound: {_said(content, 'nothing')}")
            with naming_disk_errors(), tempfile.TemporaryDirectory(prefix="http-") as folder:
                path = Path(folder, "answer")  # no ending: its content decides
                path.write_bytes(content)
                try:
                    sound = read_sound(path, request.duration, sample_rate=self.sample_rate)
                except GenerationError as error:
                    where = f"the service's answer ({kind}, {len(content)} bytes)"
                    raise GenerationError(str(error).replace(str(path), where)) from error
            return Attempt({request.sample_id: sound})
        except ProgramFailed as error:
            return Attempt({}, str(error))
        except GenerationError as error:
            return Attempt({request.sample_id: error})

    def _post(self, body: bytes) -> tuple[bytes, str]:
        """Return what the service answers, and what it calls that; wait where it asks for that."""
        headers = {"Content-Type": "application/json", "Accept": "audio/*"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        post = urllib.request.Request(self._endpoint, data=body, headers=headers, method="POST")
        waited = 0.0
        while True:
            try:
                reply = exchange(post, self._limit)
            except NoAnswer as error:
                raise ProgramFailed(str(error)) from error
            wait = asked_to_wait(reply) if reply.status in _BUSY else None
            if wait is None:
                return _sound_of(reply)
            length = max(wait, SHORTEST_WAIT_SECONDS)
            waited += length
            if waited > LONGEST_WAIT_SECONDS:
                raise GenerationError(
                    f"{_refusal(reply)}; it asks to wait {wait:g} s, more than {LONGEST_WAIT_SECONDS:g} s in all"
                )
            log.warning("%s; it is asked again in %g s", _refusal(reply), length)
            pause(length)


def _sound_of(reply: Reply) -> tuple[bytes, str]:
    """Return an answer's body and its type.

    Raises:
        ProgramFailed: a refusal that may be another one the next time.
        GenerationError: any other refusal, or too large a body.
    """
    if not 200 <= reply.status < 300:
        raise (ProgramFailed if reply.status in _TRY_AGAIN else GenerationError)(_refusal(reply))
    if len(reply.body) > LARGEST_ANSWER_BYTES:
        raise GenerationError(f"the service answered with more than {LARGEST_ANSWER_BYTES >> 20} MiB")
    return reply.body, reply.headers.get("Content-Type", "of no stated type").lower()


def _refusal(reply: Reply) -> str:
    place = reply.headers.get("Location")
    said = f"it has moved to {place[:SHOWN_CHARACTERS]}" if place else _said(reply.body, reply.phrase)
    return f"the service answered {reply.status}: {said}"


def check_endpoint(endpoint: object) -> None:
    """Refuse what is not an address to post to.

    Raises:
        ValueError: says what is wrong with it.
    """
    expected = f"endpoint: expected http://... or https://..., got {endpoint!r}"
    if not isinstance(endpoint, str) or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise ValueError(expected)
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{expected}: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(expected)
    if parts.username is not None or parts.password is not None:
        raise ValueError("endpoint: a password in it would be recorded; use token_env")


def _token(variable: str) -> str:
    token = os.environ.get(variable, "").strip()
    if not token:
        raise ValueError(f"token_env: there is no environment variable {variable!r}, or nothing in it")
    if not token.isascii() or not token.isprintable():  # such a header is refused later, with the token in the message
        raise ValueError(f"token_env: the environment variable {variable!r} holds characters that no header may have")
    return token


def _body(request: Request) -> bytes:
    content = {
        "id": request.sample_id,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "duration_seconds": request.duration,
        "seed": request.seed,
        "video": base64.b64encode(Path(request.video).read_bytes()).decode("ascii"),
    }
    return json.dumps(content).encode()


def _said(body: bytes, otherwise: str) -> str:
    """Return the reason that an answer gives: its member `error`, else what it says."""
    text = body[:_READ_BYTES].decode("utf-8", "replace").strip()
    try:
        content = json.loads(text, parse_int=_number)
        reason = content.get("error") if isinstance(content, dict) else None
        return str(reason or text)[:SHOWN_CHARACTERS]
    except (ValueError, RecursionError):  # the latter also of str
        return " ".join(_MARKUP.sub(" ", text).split())[:SHOWN_CHARACTERS] or otherwise


def _number(digits: str) -> int | float:
    """Return a whole number; one of very many digits, which int refuses, as good as it can be shown."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)
