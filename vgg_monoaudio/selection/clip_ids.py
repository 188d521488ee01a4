"""VGGSound's names of clips: a YouTube id and the second at which the 10 s begin."""

import re
from pathlib import Path

WINDOW_SECONDS = 10  # every VGGSound clip is 10 s of its video

_YOUTUBE_ID = r"[A-Za-z0-9_-]{11}"
_CLIP_ID = re.compile(rf"({_YOUTUBE_ID})_(\d{{6}})")
_FILE_RANGE = re.compile(rf"({_YOUTUBE_ID})_(\d+)_(\d+)")


def check_youtube_id(youtube_id: str) -> None:
    """Refuse what cannot be the id of a YouTube video.

    Raises:
        ValueError: not 11 letters, digits, `_` or `-`.
    """
    if not re.fullmatch(_YOUTUBE_ID, youtube_id):
        raise ValueError(f"youtube_id: expected 11 letters, digits, '_' or '-', got {youtube_id!r}")


def clip_id(youtube_id: str, start_seconds: int) -> str:
    """Return VGGSound's name of a clip, such as `3qesirWAGt4_000020`.

    Raises:
        ValueError: not an 11-character YouTube id, or a start outside 0..999999 s.
    """
    check_youtube_id(youtube_id)
    if not 0 <= start_seconds <= 999_999:
        raise ValueError(f"start_seconds: expected 0 to 999999, got {start_seconds} for {youtube_id}")
    return f"{youtube_id}_{start_seconds:06d}"


def split_clip_id(name: str) -> tuple[str, int]:
    """Return YouTube id and start in seconds of a clip id; the id may itself contain `_` and `-`.

    Raises:
        ValueError: `name` is not of the form `3qesirWAGt4_000020`.
    """
    match = _CLIP_ID.fullmatch(name)
    if match is None:
        raise ValueError(f"clip id: expected 11 characters, '_' and six digits, got {name!r}")
    return match[1], int(match[2])


def clip_id_from_file_name(name: str) -> str:
    """Return the clip id that a media file's name carries, whichever of the three usual layouts it follows.

    The layouts are `ID_000030.mp4` (start in seconds), `ID_30_40.mp4` (start and end in seconds) and
    `ID_30000_40000.mp4` (both in milliseconds); any suffix goes.

    Raises:
        ValueError: another layout, or a range that is not the 10 s of a VGGSound clip.
    """
    stem = Path(name).stem
    if _CLIP_ID.fullmatch(stem):
        return stem
    match = _FILE_RANGE.fullmatch(stem)
    if match is None:
        raise ValueError(f"file name: expected ID_000030, ID_30_40 or ID_30000_40000 before the suffix, got {name!r}")
    start, end = int(match[2]), int(match[3])
    if end - start == WINDOW_SECONDS:
        return clip_id(match[1], start)
    if end - start == WINDOW_SECONDS * 1000 and start % 1000 == 0:
        return clip_id(match[1], start // 1000)
    raise ValueError(f"file name: expected a range of {WINDOW_SECONDS} s or {WINDOW_SECONDS * 1000} ms, got {name!r}")
