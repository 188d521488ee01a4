"""Models behind a service: a request is posted, the answer is an audio file."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from baselines.external import Attempt, answer_with_retries, naming_disk_errors, only_answer, read_sound
from baselines.external_process import ProgramFailed
from baselines.generator import GenerationError, Request, Waveform

LARGEST_ANSWER_BYTES = 256 << 20
SHOWN_CHARACTERS = 300
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpEndpoint:
    """A service of your own; docs/external-models.openapi.json describes what it is sent and what it answers.

    Args:
        endpoint: address that requests are posted to, http or https.
        sample_rate: Hz that every answer must have; by default each file may have its own.
        time_limit_seconds: longest wait for the service to say something.
        token_env: name of the environment variable that holds a bearer token; the token itself is never recorded.

    Raises:
        ValueError: an address that is none, a time limit that is none, or no such environment variable.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        sample_rate: int | None = None,
        time_limit_seconds: float = 600.0,
        token_env: str | None = None,
    ) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"endpoint: expected http://... or https://..., got {endpoint!r}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("endpoint: a password in it would be recorded; use token_env")
        if not time_limit_seconds > 0:
            raise ValueError(f"time_limit_seconds: expected seconds above 0, got {time_limit_seconds!r}")
        if token_env is not None and token_env not in os.environ:
            raise ValueError(f"token_env: there is no environment variable {token_env!r}")
        self._endpoint, self._limit, self._token_env = endpoint, float(time_limit_seconds), token_env
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
            content = self._post(body)
            with naming_disk_errors(), tempfile.TemporaryDirectory(prefix="http-") as folder:
                path = Path(folder, "answer.wav")  # whatever it is: its content decides, not its name
                path.write_bytes(content)
                sound = read_sound(path, request.duration, sample_rate=self.sample_rate)
            return Attempt({request.sample_id: sound})
        except ProgramFailed as error:
            return Attempt({}, str(error))
        except GenerationError as error:
            return Attempt({request.sample_id: error})

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "audio/*"}
        if self._token_env is not None:
            headers["Authorization"] = f"Bearer {os.environ[self._token_env]}"
        post = urllib.request.Request(self._endpoint, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(post, timeout=self._limit) as response:
                content: bytes = response.read(LARGEST_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                reason = f"the service answered {error.code}: {_said(error.read(1 << 16), error.reason)}"
            if error.code in _TRY_AGAIN:
                raise ProgramFailed(reason) from error
            raise GenerationError(reason) from error
        except TimeoutError as error:
            raise ProgramFailed(f"the service said nothing for {self._limit:g} s") from error
        except (urllib.error.URLError, ConnectionError, OSError) as error:
            raise ProgramFailed(f"the service at {self._endpoint} cannot be reached: {error}") from error
        if len(content) > LARGEST_ANSWER_BYTES:
            raise GenerationError(f"the service answered with more than {LARGEST_ANSWER_BYTES >> 20} MiB")
        return content


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
    except json.JSONDecodeError:
        return text[:SHOWN_CHARACTERS] or otherwise
    reason = content.get("error") if isinstance(content, dict) else None
    return str(reason or text)[:SHOWN_CHARACTERS]
