"""What a build is asked for, and in what a benchmark that is there already differs from it: in words, for a refusal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from vgg_monoaudio.record import BuildRecord

_SHOWN = 3  # ids in a sentence


@dataclass(frozen=True)
class Asked:
    """What a benchmark is to be built from.

    Attributes:
        settings: as `benchmark.json` is to have them.
        clips: ids of the list.
        there: ids of the clips that are there, reserves too where they may be used.
    """

    settings: Mapping[str, Any]
    clips: Collection[str]
    there: Collection[str]


def differences(record: BuildRecord, asked: Asked) -> list[str]:
    """Return what a benchmark has other than it is asked for: its version, settings by name, clips by count."""
    settings = record.settings.content()
    wanted = f"{asked.settings['name']} {asked.settings['version']}"
    found = [f"{record.name} {record.version} is there, {wanted} asked for"]
    for name in dict.fromkeys([*asked.settings, *settings]):
        pair = settings.get(name), asked.settings.get(name)
        if name not in ("name", "version") and pair[0] != pair[1]:
            found.append(f"{name}: {_said(name, settings)} there, {_said(name, asked.settings)} asked for")
    return found + (_clips(record, asked) or ([] if len(found) > 1 else ["a clip has other bytes or another start"]))


def _clips(record: BuildRecord, asked: Asked) -> list[str]:
    listed, used = set(asked.clips), {source.clip_id for source in record.sources}
    substitutes = {clip.by for clip in record.replaced} - set(asked.there)
    lacking = {clip.clip_id for clip in record.left_out} | {clip.clip_id for clip in record.replaced}
    sets = [
        ("on its list, not on the one asked for", record.listed - listed),
        ("on the list asked for, not on its", listed - record.listed),
        ("in it, not among the clips given now", used - set(asked.there) - (record.listed - listed) - substitutes),
        ("in it in place of others, not among the clips given now (--reserves gives a list's reserves)", substitutes),
        ("left out or replaced in it, among the clips given now", lacking & listed & set(asked.there)),
    ]
    return [f"{_counted(clips)} {what}: {_some(clips)}" for what, clips in sets if clips]


def _said(name: str, settings: Mapping[str, Any]) -> str:
    """Return a setting as it is shown; a hash by its beginning."""
    if name not in settings:
        return "not on record"
    value = settings[name]
    return f"{value[:8]}..." if name.endswith("_sha256") and value else str(value)


def _counted(clips: Collection[str]) -> str:
    return f"{len(clips)} clip{'s' * (len(clips) != 1)}"


def _some(clips: Collection[str]) -> str:
    more = f" and {len(clips) - _SHOWN} more" if len(clips) > _SHOWN else ""
    return ", ".join(sorted(clips)[:_SHOWN]) + more
