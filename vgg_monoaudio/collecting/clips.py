"""The folder that holds the clips: which file belongs to which clip id."""

from __future__ import annotations

import logging
from pathlib import Path

from foundation.files import PathLike
from foundation.paths import search
from foundation.text import composed
from vgg_monoaudio.selection.clip_ids import clip_id_from_file_name
from vgg_monoaudio.selection.source_list import BadSourceList

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


def find_clips(folder: PathLike) -> dict[str, Path]:
    """Return the media files of a folder and its subfolders by clip id.

    A file is known by its stem, and by the clip id that its name carries in VGGSound's layouts (`ID_000030.mp4`,
    `ID_30_40.mp4`, `ID_30000_40000.mp4`), both in the Unicode form NFC. Hidden files are ignored. Links are followed;
    two links to one file, or a link to a file that is there, are one clip. What is passed over is named by a warning.

    Raises:
        vgg_monoaudio.selection.source_list.BadSourceList: no such folder, or two files for one clip.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadSourceList(f"{root}: no such folder of clips")
    clips: dict[str, Path] = {}
    for path in sorted(search(root)):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith("."):
            continue
        for name in dict.fromkeys(map(composed, (path.stem, _clip_id(path)))):
            other = clips.setdefault(name, path)
            if other != path and not other.samefile(path):
                raise BadSourceList(f"{root}: two files for clip {name}: {other} and {path}; keep one")
            if other != path:
                log.warning("%s: skipped, the same file as %s", path, other)
    return clips


def _clip_id(path: Path) -> str:
    try:
        return clip_id_from_file_name(path.name)
    except ValueError:
        return path.stem  # a clip of the user's own, known by its stem alone
