"""The folder that holds the clips: which file belongs to which clip id."""

from __future__ import annotations

from pathlib import Path

from foundation.files import PathLike
from foundation.texts import composed
from vgg_monoaudio.selection.clip_ids import clip_id_from_file_name
from vgg_monoaudio.selection.source_list import BadSourceList

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


def find_clips(folder: PathLike) -> dict[str, Path]:
    """Return the media files of a folder and its subfolders by clip id.

    A file is known by its stem, and by the clip id that its name carries in VGGSound's layouts (`ID_000030.mp4`,
    `ID_30_40.mp4`, `ID_30000_40000.mp4`), both in the Unicode form NFC. Hidden files are ignored.

    Raises:
        vgg_monoaudio.selection.source_list.BadSourceList: no such folder, or two files for one clip.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadSourceList(f"{root}: no such folder of clips")
    clips: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        for name in map(composed, (path.stem, _clip_id(path))):
            other = clips.setdefault(name, path)
            if other != path:
                raise BadSourceList(f"{root}: two files for clip {name}: {other} and {path}; keep one")
    return clips


def _clip_id(path: Path) -> str:
    try:
        return clip_id_from_file_name(path.name)
    except ValueError:
        return path.stem  # a clip of the user's own, known by its stem alone
