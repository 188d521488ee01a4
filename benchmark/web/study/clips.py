"""Making a study's clips: the picture as it is, one sound, and nothing by which to tell whose it is."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from benchmark.web.study.design import Clip, StudyFolder
from benchmark.web.study.planning import Draft
from benchmark.web.study.sounds import PEAK, RATE, Level, Sound, Waveform, common_lufs, gain_db
from foundation.disk import check_room
from foundation.files import content_sha256, file_sha256
from foundation.media import mux, probe
from foundation.work import Progress, in_parallel

VERSION = 1  # moves when a clip of the same picture and sound would be another
SAME_TIME = 946_684_800  # of change, of every file: the beginning of 2000
_NAME_DIGITS = 24
_SOUND_BYTES_PER_SECOND = 16_000  # AAC at 128 kbit/s

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def opaque(secret: bytes, *words: object) -> str:
    """Return a name that tells nothing without the secret, and is the same each time."""
    return hmac.new(secret, json.dumps(words).encode(), sha256).hexdigest()[:_NAME_DIGITS]


@dataclass(frozen=True)
class Workshop:
    """Where clips are made.

    Attributes:
        folder: of the study.
        secret: that names are drawn from.
        report: called as clips are measured and made.
    """

    folder: StudyFolder
    secret: bytes
    report: Progress

    def make(self, drafts: Sequence[Draft], *, equal: bool) -> tuple[dict[Draft, Clip], float | None]:
        """Make every clip that is not there yet; return them, and to what loudness they were brought.

        Raises:
            foundation.media.MediaError: a picture or sound that cannot be read.
            foundation.files.WriteFailed: the disk is full or may not be written to.
            foundation.disk.UnusablePlace: there is no room for all of them.
        """
        target, gains = self._gains(drafts) if equal else (None, {})
        names = {draft: self._name(draft, gains.get(draft.sound, 0.0)) for draft in drafts}
        missing = [draft for draft in drafts if not self.folder.clip(names[draft]).is_file()]
        room = sum(draft.video.stat().st_size + draft.sound.seconds * _SOUND_BYTES_PER_SECOND for draft in missing)
        check_room(self.folder.path, room, f"{len(missing)} clips")

        def made(draft: Draft) -> Clip:
            return self._clip(draft, names[draft], gains.get(draft.sound, 0.0))

        found = {drafts[place]: clip for place, clip in self._each("clips", made, drafts)}
        return found, target

    def _gains(self, drafts: Sequence[Draft]) -> tuple[float, dict[Sound, float]]:
        """Return the loudness that all sounds are brought to, and by how much each changes, in dB."""
        sounds = list(dict.fromkeys(draft.sound for draft in drafts))
        levels = {sounds[place]: level for place, level in
                  self._each("loudness", lambda sound: Level.of(sound.read()), sounds)}  # fmt: skip
        target = common_lufs(list(levels.values()))
        return target, {sound: gain_db(level, target) for sound, level in levels.items()}

    def _name(self, draft: Draft, gain: float) -> str:
        sound = draft.sound
        hashes = content_sha256(draft.video), content_sha256(sound.path)
        return opaque(self.secret, "clip", VERSION, *hashes, sound.seconds, sound.change, sound.seed, gain)

    def _clip(self, draft: Draft, name: str, gain: float) -> Clip:
        path = self.folder.clip(name)
        if not path.is_file():
            mux(draft.video, _louder(draft.sound.read(), gain), RATE, path, seconds=draft.sound.seconds)
        os.utime(path, (SAME_TIME, SAME_TIME))
        seconds = min(draft.sound.seconds, probe(path).duration_seconds)
        return Clip(
            media=name, seconds=round(seconds, 3), sha256=file_sha256(path), size_bytes=path.stat().st_size,
            gain_db=gain,
        )  # fmt: skip

    def _each(self, stage: str, work: Callable[[_Given], _Made], items: Sequence[_Given]) -> list[tuple[int, _Made]]:
        return list(in_parallel(work, items, done=lambda count: self.report(stage, count, len(items))))


def _louder(sound: Waveform, gain: float) -> Waveform:
    """Return a sound that is changed by so many dB; what overshoots full scale without a change stays as it was."""
    return sound if gain == 0 else (sound * 10 ** (gain / 20)).clip(-PEAK, PEAK).astype(sound.dtype)


def remove_unused(folder: StudyFolder, clips: Mapping[str, object]) -> None:
    """Remove clips that an interrupted creation of other settings has left."""
    for path in folder.media.glob("*.mp4"):
        if path.stem not in clips:
            path.unlink()
