"""Names that a browser may see: signed, of one kind and one owner, and telling nothing of what they name."""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from foundation.flushing import flush_folder
from foundation.partials import partial_name
from foundation.write_failures import naming_failures

SECRET_BYTES = 32


class BadToken(Exception):
    """A token that was not signed here, or for another kind or owner."""


class Tokens:
    """Signs what a browser gives back, so that nothing can be asked for but what it was given.

    A token holds an opaque number or word and no more: names of models, clips and people stay on the server.
    """

    def __init__(self, secret: bytes) -> None:
        """Take the secret of one folder; see `read_secret`."""
        self._secret = secret

    def signed(self, kind: str, value: str | int, *, owner: str = "") -> str:
        """Return a token for `value`, good for this kind of thing and this owner alone."""
        return str(self._serializer(kind, owner).dumps(value))

    def opened(self, kind: str, token: str, *, owner: str = "") -> str | int:
        """Return what a token names.

        Raises:
            BadToken: it was not signed here, or for another kind or owner.
        """
        try:
            value = self._serializer(kind, owner).loads(token)
        except BadSignature as error:
            raise BadToken(f"not a token of a {kind}") from error
        if not isinstance(value, str | int):
            raise BadToken(f"not a token of a {kind}")
        return value

    def word(self, kind: str, token: str | None) -> str | None:
        """Return the word that a token names, such as a cookie's; None where there is none, or none of ours."""
        try:
            return None if token is None else str(self.opened(kind, token))
        except BadToken:
            return None

    def proof(self, kind: str, owner: str) -> str:
        """Return what a page of `owner` sends back with each request to show that it was served here."""
        return hmac.new(self._secret, f"{kind}\0{owner}".encode(), sha256).hexdigest()

    def proves(self, kind: str, owner: str, given: str) -> bool:
        """Tell whether `given` is the proof of this owner; takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(self.proof(kind, owner).encode(), given.encode("utf-8", "replace"))

    def _serializer(self, kind: str, owner: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"{kind}\0{owner}", signer_kwargs={"digest_method": sha256})


def read_secret(path: Path) -> bytes:
    """Return the secret of a folder, made on first use; nobody but its owner may read the file.

    Raises:
        ValueError: the file holds something else.
        foundation.files.WriteFailed: it cannot be written.
    """
    if not path.exists():
        _write_secret(path)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ValueError(
            f"{path}: expected {SECRET_BYTES} bytes as hexadecimal digits; if it is lost, remove the file: links and "
            "sessions given out so far then end"
        )
    return secret


def _write_secret(path: Path) -> None:
    """Make a secret, whole or not at all; of two processes that do, one succeeds, and both read what it wrote."""
    temporary = path.with_name(partial_name(path.name))
    try:
        with naming_failures(path, temporary):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                if not path.exists():
                    temporary.rename(path)
            flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
