"""Text that others wrote: which encoding a file has, and which Unicode form a name."""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path

from foundation.files import PathLike

_MARKS = {  # the longer first: that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class NotUTF8(ValueError):
    """A text file in another encoding than UTF-8; the message names the file, and the encoding where it shows."""


def read_text(path: PathLike) -> str:
    """Return a text file in UTF-8, with or without a byte order mark; line ends stay as they are.

    Raises:
        NotUTF8: another encoding; says which where the file does, and the line where it does not.
    """
    content = Path(path).read_bytes()
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            raise NotUTF8(f"{path}: text in {encoding}; save it as UTF-8 (in Excel: CSV UTF-8)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotUTF8(f"{path}: line {line} is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)") from error
    if "\0" in text:
        raise NotUTF8(f"{path}: holds zero bytes, as text in UTF-16 does; save it as UTF-8")
    return text


def composed(name: str) -> str:
    """Return a name in the Unicode form NFC; macOS stores the names of files in NFD, where an umlaut is two signs."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def as_stored(path: Path) -> Path:
    """Return the path of a file that is there under this name or under the same name in the other Unicode form.

    Args:
        path: its last part is the name; the folders above are taken as they are spelled.
    """
    if path.name.isascii() or path.exists():
        return path
    others = (path.with_name(unicodedata.normalize(form, path.name)) for form in ("NFC", "NFD"))
    return next((other for other in others if other.exists()), path)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters: what is too long loses its middle.

    >>> shortened("results/runs/vgg-monoaudio/inter/selva", 20)
    'results/r…nter/selva'
    """
    if len(text) <= most:
        return text
    begins = (most - 1) // 2
    return f"{text[:begins]}…{text[len(text) - (most - 1 - begins) :]}"
