"""A study that is open: its design, its answers, its files, and the rules by which items are given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from sqlalchemy import func
from sqlmodel import delete, select

from benchmark.web.database import Database
from benchmark.web.files import MediaFiles
from benchmark.web.study.assignment import Assignment, Candidate
from benchmark.web.study.codes import mark_of_key
from benchmark.web.study.design import Design, Item, StudyFolder, UnusableStudy
from benchmark.web.study.tables import Rater, Seal
from benchmark.web.tokens import Tokens, read_secret

ROOM = "benchmark.web.study"


@dataclass(frozen=True)
class Study:
    """Everything that answering a rater needs.

    Attributes:
        secret: of the study; tokens are signed with it.
        clips: the films, by the name of their media.
        sounds: of the headphone check.
        clock: seconds since 1970.
    """

    folder: StudyFolder
    design: Design
    database: Database
    secret: bytes
    clips: MediaFiles
    sounds: MediaFiles
    clock: Callable[[], float] = time.time

    @classmethod
    def opened(cls, folder: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open a study.

        Raises:
            UnusableStudy: there is none, a file of it is missing or of another size, or its secret is lost or
                another.
            benchmark.web.database.UnusableDatabase: `answers.sqlite` cannot be used.
            benchmark.web.files.NoSuchFile: a file is a link that leads out of the study.
        """
        design = StudyFolder(folder).read()
        place = StudyFolder(folder.resolve())  # paths below it hold whatever folder the process is in
        clips = {media: place.clip(media) for media in design.clips}
        sounds = {trial.sound: place.sound(trial.sound) for trial in design.headphones}
        for media, path in clips.items():
            _check_whole(path, design.clips[media].size_bytes)
        for trial in design.headphones:
            _check_whole(sounds[trial.sound], trial.size_bytes)
        files = MediaFiles(place.media, clips), MediaFiles(place.sounds, sounds)
        place.answers.touch(mode=0o600)  # it may hold ids of people
        database = Database(place.answers, ROOM)
        try:
            secret = _secret(place, database)
            _check_seal(place, database, Tokens(secret))
            _mark_codes(database, Tokens(secret))
        except BaseException:
            database.close()
            raise
        return cls(place, design, database, secret, *files, clock)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    @cached_property
    def tokens(self) -> Tokens:
        """Signs what a browser is given."""
        return Tokens(self.secret)

    @cached_property
    def mark(self) -> str:
        """A word that tells this study from others in what a browser keeps."""
        return self.tokens.proof("study", self.design.fingerprint)[:8]

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Every item, attention items too, by id."""
        return {item.item: item for item in (*self.design.items, *self.design.attention)}

    @cached_property
    def assignment(self) -> Assignment:
        """The rules by which items are given."""
        design = self.design
        return Assignment(
            candidates=tuple(
                Candidate(item.item, f"{item.subset}/{item.sample_id}", tuple(answer.model for answer in item.answers))
                for item in design.items
            ),
            wanted=design.raters_per_item,
            items=design.items_per_rater,
            repeats=design.repeats,
            attention=tuple(item.item for item in design.attention),
            seed=design.seed,
        )


def _check_whole(path: Path, size: int) -> None:
    """Check that a file is there and has its size.

    Raises:
        UnusableStudy: it is not, or has another.
    """
    way_out = "put it back as it was, or create the study again in another folder"
    if not path.is_file():
        raise UnusableStudy(f"{path}: missing; {way_out}")
    found = path.stat().st_size
    if found != size:
        raise UnusableStudy(f"{path}: has {found:,} bytes, expected {size:,}; {way_out}")


def _secret(place: StudyFolder, database: Database) -> bytes:
    """Return a study's secret; one that was lost is made anew only where nobody was given anything signed with it.

    Raises:
        UnusableStudy: it is lost, and there are raters.
    """
    if not place.secret.exists() and (raters := _raters(database)):
        raise UnusableStudy(f"{place.secret}: missing, and {_hold(raters)}; put it back from a backup of the study")
    return read_secret(place.secret)


def _check_seal(place: StudyFolder, database: Database, tokens: Tokens) -> None:
    """Check that the secret is the one that the study has signed with; keep its mark where there are no raters yet.

    Raises:
        UnusableStudy: it is another, and there are raters.
    """
    mark = tokens.proof("seal", "")
    with database.reading() as session:
        sealed = session.exec(select(Seal)).first()
    if sealed is not None and sealed.mark == mark:
        return
    if sealed is not None and (raters := _raters(database)):
        raise UnusableStudy(
            f"{place.secret}: not the secret that this study has signed with, and {_hold(raters)}; put that one back "
            "from a backup of the study"
        )
    with database.writing() as session:
        session.exec(delete(Seal))
        session.add(Seal(mark=mark))


def _raters(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Rater)).one()


def _hold(raters: int) -> str:
    holders = "1 rater holds" if raters == 1 else f"{raters:,} raters hold"
    return f"{holders} cookies, links or codes that are good with it alone"


def _mark_codes(database: Database, tokens: Tokens) -> None:
    """Give raters the marks of their codes who came when an earlier version kept none."""
    unmarked = select(Rater).where(Rater.code_mark == "")
    with database.reading() as session:
        if session.exec(unmarked).first() is None:
            return
    with database.writing() as session:
        for rater in session.exec(unmarked):
            rater.code_mark = mark_of_key(tokens, rater.key)
