"""Models behind a service: a request is posted, the answer is an audio file."""

from __future__ import annotations

import base64
import http.client
import json
import math
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.outputs import naming_disk_errors, read_sound
from baselines.programs.process import ProgramFailed
from baselines.programs.retries import Attempt, answer_with_retries, only_answer

LARGEST_ANSWER_BYTES = 256 << 20
SHOWN_CHARACTERS = 300
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TEXTS = ("text/", "application/json", "application/xhtml", "application/xml", "application/problem+json")


class HttpEndpoint:
    """A service of your own; docs/external-models.openapi.json describes what it is sent and what it answers.

    Args:
        endpoint: address that requests are posted to, http or https.
        sample_rate: Hz that every answer must have; by default each file may have its own.
        time_limit_seconds: longest wait for the service to say something.
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
        self._opener = urllib.request.build_opener(_NoRedirection)
        self.sample_rate = sample_rate
        self.notes = [f"answers of a service: {endpoint}"]

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return the service's sound, float32 (round(duration * rate),), and its rate in Hz.

        A service that is busy, broken or out of reach is asked once more.

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
        """Return what the service answers, and what it calls that."""
        headers = {"Content-Type": "application/json", "Accept": "audio/*"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        post = urllib.request.Request(self._endpoint, data=body, headers=headers, method="POST")
        try:
            with self._opener.open(post, timeout=self._limit) as response:
                content: bytes = response.read(LARGEST_ANSWER_BYTES + 1)
                kind: str = response.headers.get("Content-Type", "of no stated type").lower()
        except urllib.error.HTTPError as error:
            with error:
                place = error.headers.get("Location")
                said = f"it has moved to {place}" if place else _said(error.read(1 << 16), error.reason)
                reason = f"the service answered {error.code}: {said}"
            if error.code in _TRY_AGAIN:
                raise ProgramFailed(reason) from error
            raise GenerationError(reason) from error
        except TimeoutError as error:
            raise ProgramFailed(f"the service said nothing for {self._limit:g} s") from error
        except (OSError, http.client.HTTPException) as error:  # the latter: it does not speak HTTP, or broke off
            if isinstance(error, urllib.error.URLError) and isinstance(error.reason, TimeoutError):
                raise ProgramFailed(f"the service said nothing for {self._limit:g} s") from error
            raise ProgramFailed(f"the service at {self._endpoint} cannot be reached: {_named(error)}") from error
        if len(content) > LARGEST_ANSWER_BYTES:
            raise GenerationError(f"the service answered with more than {LARGEST_ANSWER_BYTES >> 20} MiB")
        return content, kind


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Leaves redirections to us: urllib would ask the new place without the request's body, but with its token."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Return nothing, which makes a redirection an error."""


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


def _named(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return str(error)


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
    text = body.decode("utf-8", "replace").strip()
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        words = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
        return " ".join(words.split())[:SHOWN_CHARACTERS] or otherwise
    reason = content.get("error") if isinstance(content, dict) else None
    return str(reason or text)[:SHOWN_CHARACTERS]
