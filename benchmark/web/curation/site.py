"""One place of curation: the files of decisions, the folder beside them, the clips, and who may come in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from benchmark.web.curation.access import Access
from benchmark.web.curation.desk import Desk
from benchmark.web.curation.media import Clips
from benchmark.web.curation.names import Names
from benchmark.web.curation.pairs import PairDesk
from benchmark.web.curation.rows import KeptRows
from benchmark.web.database import Database
from benchmark.web.tokens import Tokens, read_secret
from foundation.files import PathLike
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.selection.decisions import CURATION
from vgg_monoaudio.selection.pair_decisions import PAIR_DECISIONS
from vgg_monoaudio.selection.queue import read_queue
from vgg_monoaudio.selection.source_list import read_source_list, source_list
from vgg_monoaudio.selection.verdicts import apply_decisions


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return the time, with its zone."""


@dataclass(frozen=True)
class Asked:
    """What `curate serve` is asked for.

    Attributes:
        candidates: table of clips, see `read_queue`.
        clips: their folder.
        decisions: the file of decisions; those about pairs, and the page's own folder, lie beside it.
        screened: evidence to put beside the candidates; None: that of `candidates`, if it has any.
        sources: list whose pairs are judged; None: of the clips that the decisions accept so far.
        imports: files of decisions whose rows are taken in.
        blind: hide what others decided until a reviewer has decided.
        reviewer: name of whoever has given none; None: it is asked for.
        by_link: admit only those who have the link with the secret.
    """

    candidates: Path
    clips: Path
    decisions: Path
    screened: Path | None = None
    sources: Path | None = None
    imports: tuple[Path, ...] = ()
    blind: bool = True
    reviewer: str | None = None
    by_link: bool = False


def pairs_path(decisions: PathLike) -> Path:
    """Return where decisions about pairs are kept: `curation.pairs.csv` beside `curation.csv`."""
    decisions = Path(decisions)
    return decisions.with_name(f"{decisions.stem}.pairs.csv")


def page_folder(decisions: PathLike) -> Path:
    """Return the folder that the page keeps beside a file of decisions: database, secret, previews."""
    decisions = Path(decisions)
    return decisions.with_name(f"{decisions.name}.page")


class Site:
    """Everything that the page needs, open; the caller holds the file of decisions, and closes."""

    def __init__(self, asked: Asked, *, now: Clock | None = None) -> None:
        """Read the queue and bring the files and the database together.

        Raises:
            ValueError: a table, a list or a name that cannot be used.
            vgg_monoaudio.selection.decision_files.BadCuration: a malformed file of decisions.
            benchmark.web.database.UnusableDatabase: see `Database`.
        """
        queue = read_queue(asked.candidates, asked.screened)
        listed = None if asked.sources is None else read_source_list(asked.sources)
        wanted = [clip.clip_id for clip in queue] + ([] if listed is None else list(listed["clip_id"]))
        folder = page_folder(asked.decisions)
        folder.mkdir(parents=True, exist_ok=True)
        clips = asked.clips.resolve()
        self.clips = Clips(clips, find_clips(clips), wanted, folder / "media")
        tokens = Tokens(read_secret(folder / "secret"))
        self.access = Access(tokens, Names(self.reviewers), asked.by_link, asked.reviewer)
        self._now = now or (lambda: datetime.now(UTC))
        with ExitStack() as opened:
            database = Database(folder / "decisions.sqlite", "benchmark.web.curation")
            opened.callback(database.close)
            self.decisions = KeptRows(database, "clips", asked.decisions, CURATION)
            self.pair_decisions = KeptRows(database, "pairs", pairs_path(asked.decisions), PAIR_DECISIONS)
            self.taken_in = self._imported(asked.imports)
            self._opened = opened.pop_all()
        self.desk = Desk(queue, self.clips, self.decisions, blind=asked.blind)
        self.pairs = PairDesk(
            self._accepted if listed is None else lambda: listed, self.pair_decisions, blind=asked.blind
        )
        self._sources: tuple[int, pd.DataFrame] = (-1, pd.DataFrame())

    def now(self) -> str:
        """Return the time of a decision, ISO 8601."""
        return self._now().isoformat(timespec="milliseconds")

    def reviewers(self) -> set[str]:
        """Return the names of all who decided about clips or pairs, programs too."""
        on_clips = {decision.reviewer for decision in self.decisions.standing()}
        return on_clips | {decision.reviewer for decision in self.pair_decisions.standing()}

    def close(self) -> None:
        """Close the database."""
        self._opened.close()

    def _imported(self, files: Sequence[Path]) -> int:
        return sum(self.decisions.take_in(CURATION.content(file)) for file in files)

    def _accepted(self) -> pd.DataFrame:
        """Return the clips that the decisions accept so far, as a list of sources."""
        version = self.decisions.version
        if self._sources[0] != version:
            self._sources = (version, source_list(apply_decisions(self.decisions.standing())))
        return self._sources[1]
