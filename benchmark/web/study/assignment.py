"""Who judges what: a balanced incomplete design that is filled as raters come and go.

Every choice depends on the seed and on what was given so far alone; there is no clock and no database here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from benchmark.web.study.design import Role
from benchmark.web.study.settings import GAP
from vgg_monoaudio.draws import rank


@dataclass(frozen=True)
class Candidate:
    """An item as far as its assignment goes: one scene, by one model or by two that are compared."""

    item: str
    scene: str
    models: tuple[str, ...]

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Each answer in it, as (scene, model)."""
        return frozenset((self.scene, model) for model in self.models)


@dataclass(frozen=True)
class Seat:
    """What a rater was given: an item in a role; answered, or not (yet)."""

    role: Role
    item: str
    answered: bool = True


@dataclass(frozen=True)
class Choice:
    """What a rater is given next.

    Attributes:
        swapped: of two answers the second is shown first.
    """

    role: Role
    item: str
    swapped: bool = False


@dataclass(frozen=True)
class Assignment:
    """The rules of one study.

    Attributes:
        candidates: the items.
        wanted: raters each is to have.
        items: that a rater is given.
        repeats: of them, that are given a second time, at least `GAP` places later.
        attention: ids of the attention items; a rater is given each once.
        seed: decides where choices are equally good.
    """

    candidates: tuple[Candidate, ...]
    wanted: int
    items: int
    repeats: int
    attention: tuple[str, ...]
    seed: int

    @property
    def seats(self) -> int:
        """How many seats a rater takes who stays to the end, and finds items to the end."""
        return self.items + self.repeats + len(self.attention)

    def choice(self, rater: str, had: Sequence[Seat], counts: Mapping[str, int]) -> Choice | None:
        """Return what a rater is given next; None: there is nothing more for this one.

        Args:
            rater: names this rater; two of them draw differently.
            had: what this rater was given so far, in order.
            counts: answers and live claims of each item, by its id.
        """
        number = Counter(seat.role for seat in had)
        if number["attention"] < self._due(self._attention_places(rater), number["item"]):
            shown = {seat.item for seat in had if seat.role == "attention"}
            left = [item for item in self.attention if item not in shown]
            return Choice("attention", min(left, key=lambda item: rank(self.seed, rater, "attention", item)))
        if number["repeat"] < self._due(self._repeat_places(rater), number["item"]):
            again = self._again(rater, had)
            if again is not None:
                return again
        return self._new(rater, had, counts) if number["item"] < self.items else None

    def places_left(self, counts: Mapping[str, int]) -> int:
        """Return how many raters are still wanted, over all items."""
        return sum(max(0, self.wanted - counts.get(candidate.item, 0)) for candidate in self.candidates)

    def _new(self, rater: str, had: Sequence[Seat], counts: Mapping[str, int]) -> Choice | None:
        """Return an item that has fewest raters; among these, of models and a scene that this rater met least."""
        mine = [self._by_id[seat.item] for seat in had if seat.role == "item" and seat.item in self._by_id]
        seen = frozenset(pair for candidate in mine for pair in candidate.pairs)
        models = Counter(model for candidate in mine for model in candidate.models)
        scenes = Counter(candidate.scene for candidate in mine)
        left = [
            (counts.get(candidate.item, 0), candidate) for candidate in self.candidates
            if counts.get(candidate.item, 0) < self.wanted and candidate.pairs.isdisjoint(seen)
        ]  # fmt: skip
        if not left:
            return None
        fewest = min(count for count, _ in left)
        burdens = [
            ((sum(models[model] for model in candidate.models), scenes[candidate.scene]), candidate)
            for count, candidate in left
            if count == fewest
        ]
        least = min(burden for burden, _ in burdens)
        best = (candidate.item for burden, candidate in burdens if burden == least)
        chosen = min(best, key=lambda item: rank(self.seed, rater, item))
        turn = fewest + rank(self.seed, "side", chosen)
        return Choice("item", chosen, swapped=bool(turn % 2) and len(self._by_id[chosen].models) > 1)

    def _again(self, rater: str, had: Sequence[Seat]) -> Choice | None:
        """Return an item that this rater has answered at least `GAP` places ago, once."""
        twice = {seat.item for seat in had if seat.role == "repeat"}
        old = [seat.item for seat in had[: max(0, len(had) + 1 - GAP)] if seat.role == "item" and seat.answered]
        left = [item for item in old if item not in twice]
        if not left:
            return None
        chosen = min(left, key=lambda item: rank(self.seed, rater, "again", item))
        two = len(self._by_id[chosen].models) > 1
        return Choice("repeat", chosen, swapped=two and bool(rank(self.seed, rater, "side again", chosen) % 2))

    def _attention_places(self, rater: str) -> list[int]:
        """Return after how many items each attention item comes: one in each equal part of the session."""
        parts = len(self.attention)
        edges = [round(part * self.items / parts) for part in range(parts + 1)] if parts else []
        return [self._drawn(rater, f"attention {low}", low + 1, high) for low, high in pairwise(edges)]

    def _repeat_places(self, rater: str) -> list[int]:
        """Return after how many items each repeat comes, none before there is something to repeat."""
        return sorted(self._drawn(rater, f"repeat {k}", GAP + k, self.items) for k in range(self.repeats))

    def _drawn(self, rater: str, what: str, low: int, high: int) -> int:
        return low + rank(self.seed, rater, what) % (high - low + 1) if high > low else min(low, self.items)

    @cached_property
    def _by_id(self) -> Mapping[str, Candidate]:
        return {candidate.item: candidate for candidate in self.candidates}

    @staticmethod
    def _due(places: Iterable[int], items: int) -> int:
        return sum(place <= items for place in places)
