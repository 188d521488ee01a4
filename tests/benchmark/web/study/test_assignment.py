"""Who judges what: every item reaches its number as raters come and go, and each session is balanced in itself."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from benchmark.web.study.assignment import Assignment, Candidate, Seat
from benchmark.web.study.settings import GAP

MODELS = ("a", "b", "c", "d", "e")


def rules(*, scenes=20, models=MODELS, wanted=3, items=10, repeats=1, attention=2, pairs=False, seed=0):
    groups = [(a, b) for a in models for b in models if a < b] if pairs else [(model,) for model in models]
    candidates = tuple(
        Candidate(f"{scene}:{'+'.join(group)}", f"scene{scene}", group) for scene in range(scenes) for group in groups
    )
    return Assignment(candidates, wanted, items, repeats, tuple(f"attention{k}" for k in range(attention)), seed)


def session(assignment, rater="r", counts=None):
    """Everything that a rater who answers all is given, with the side of each."""
    counts, had, sides = dict(counts or {}), [], []
    while (choice := assignment.choice(rater, had, counts)) is not None:
        had.append(Seat(choice.role, choice.item))
        sides.append(choice.swapped)
        if choice.role == "item":
            counts[choice.item] = counts.get(choice.item, 0) + 1
    return had, sides, counts


class Hall:
    """A study as raters come, answer, pause and leave: the same bookkeeping as the database's, in a few lines."""

    CLAIM = 1200.0

    def __init__(self, assignment):
        self.assignment = assignment
        self.had, self.state, self.seen = defaultdict(list), defaultdict(list), {}

    def counts(self, now):
        found = Counter()
        for rater, seats in self.had.items():
            live = self.seen[rater] >= now - self.CLAIM
            states = zip(seats, self.state[rater], strict=True)
            found.update(seat.item for seat, state in states if seat.role == "item" and (state == "done" or live))
        return found

    def give(self, rater, now):
        """Claim one item for a rater; tell whether there was one."""
        self.seen[rater] = now
        choice = self.assignment.choice(rater, self.had[rater], self.counts(now))
        if choice is None:
            return False
        self.had[rater].append(Seat(choice.role, choice.item))
        self.state[rater].append("claimed")
        return True

    def take(self, rater, now):
        """Keep the answer to what was claimed."""
        self.seen[rater] = now
        self.state[rater][-1] = "done"

    def answered(self):
        found = Counter()
        for rater, seats in self.had.items():
            states = zip(seats, self.state[rater], strict=True)
            found.update(seat.item for seat, state in states if seat.role == "item" and state == "done")
        return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_item_has_its_number_within_one_when_200_raters_arrive_and_leave_at_random(seed):
    hall, draw = Hall(rules(scenes=40, wanted=5, items=20, seed=seed)), np.random.default_rng(seed)
    arrivals = np.cumsum(draw.exponential(60.0, size=200))
    events = [(float(moment), f"rater{number}") for number, moment in enumerate(arrivals)]
    waiting = set()
    while events:
        events.sort()
        now, rater = events.pop(0)
        if rater in waiting:
            hall.take(rater, now)
            waiting.discard(rater)
        if draw.random() < 0.04 or not hall.give(rater, now):  # leaves for good: two in three before the end
            continue
        waiting.add(rater)
        if draw.random() < 0.03:
            continue  # leaves in the middle of an item
        events.append((now + float(draw.uniform(12, 40)), rater))
    answered = hall.answered()
    assert {answered[candidate.item] for candidate in hall.assignment.candidates} <= {4, 5, 6}
    assert sum(answered.values()) > 0.97 * 5 * len(hall.assignment.candidates)
    left = sum(len(seats) < hall.assignment.seats for seats in hall.had.values())
    assert left > 100  # the simulation is one of people who leave
    for seats in hall.had.values():
        items = [seat.item for seat in seats if seat.role == "item"]
        assert len(set(items)) == len(items), "a scene twice by the same model"


def test_items_are_even_at_any_moment_not_at_the_end_alone():
    assignment, counts = rules(scenes=20, wanted=9, items=10), {}
    for number in range(30):
        _, _, counts = session(assignment, f"r{number}", counts)
    there = [counts.get(candidate.item, 0) for candidate in assignment.candidates]
    assert max(there) - min(there) <= 1
    by_model = Counter()
    for item, count in counts.items():
        by_model[item.split(":")[1]] += count
    assert max(by_model.values()) - min(by_model.values()) <= len(MODELS)


def test_models_are_even_within_a_rater_and_scenes_differ():
    had, _, _ = session(rules(items=10))
    items = [seat.item.split(":") for seat in had if seat.role == "item"]
    assert Counter(model for _, model in items) == dict.fromkeys(MODELS, 2)
    assert len({scene for scene, _ in items}) == 10


def test_a_session_has_its_items_repeats_and_attention_items():
    for number in range(20):
        had, _, _ = session(rules(items=10, repeats=2, attention=2), f"r{number}")
        assert Counter(seat.role for seat in had) == {"item": 10, "repeat": 2, "attention": 2}


def test_a_repeat_is_an_item_that_was_answered_at_least_five_places_before():
    for number in range(50):
        had, _, _ = session(rules(items=8, repeats=3), f"r{number}")
        for place, seat in enumerate(had):
            if seat.role == "repeat":
                before = [one.item for one in had[: place + 1 - GAP] if one.role == "item"]
                assert seat.item in before
        again = [seat.item for seat in had if seat.role == "repeat"]
        assert len(set(again)) == len(again) == 3


def test_no_repeat_comes_early_where_a_session_is_shorter_than_the_gap():
    assignment = rules(items=3, repeats=1, attention=0)
    had = [Seat("item", f"{k}:a") for k in range(3)]
    assert assignment.choice("r", had[:2], {}).role == "item"
    assert assignment.choice("r", had, {}) is None


def test_an_item_that_was_passed_over_is_not_repeated():
    assignment = rules(items=7, repeats=2, attention=0)
    had = [Seat("item", f"{k}:a", answered=k == 1) for k in range(7)]
    assert assignment.choice("r", had, {}).item == "1:a"
    assert assignment.choice("r", [*had, Seat("repeat", "1:a")], {}) is None


def test_attention_items_come_once_each_spread_over_the_session_and_not_first():
    places = set()
    for number in range(40):
        had, _, _ = session(rules(items=12, repeats=0), f"r{number}")
        found = [place for place, seat in enumerate(had) if seat.role == "attention"]
        assert len({had[place].item for place in found}) == 2
        assert found[0] > 0
        before = [sum(seat.role == "item" for seat in had[:place]) for place in found]
        assert before[0] <= 6 < before[1]
        places.update(found)
    assert len(places) > 6  # nobody knows where they are


def test_no_item_is_given_beyond_its_number():
    assignment = rules(scenes=3, models=("a", "b"), wanted=2, items=6, repeats=0, attention=0)
    counts = {candidate.item: 2 for candidate in assignment.candidates}
    assert assignment.choice("r", [], counts) is None
    assert assignment.places_left(counts) == 0
    counts["1:b"] = 1
    assert assignment.choice("r", [], counts).item == "1:b"
    assert assignment.places_left(counts) == 1


def test_of_a_preference_no_answer_is_shown_twice_to_one_rater():
    had, _, _ = session(rules(scenes=4, items=20, repeats=0, attention=0, pairs=True))
    shown = [(seat.item.split(":")[0], model) for seat in had for model in seat.item.split(":")[1].split("+")]
    assert len(shown) == len(set(shown))
    assert len(had) == 8  # two pairs of five models in each of four scenes


def test_of_a_preference_each_side_is_shown_first_equally_often_for_every_pair():
    assignment, counts, swaps = rules(scenes=4, items=6, pairs=True, wanted=6, repeats=0, attention=0), {}, Counter()
    for number in range(100):
        had, sides, counts = session(assignment, f"r{number}", counts)
        swaps.update(seat.item for seat, swapped in zip(had, sides, strict=True) if swapped)
    full = [candidate.item for candidate in assignment.candidates if counts[candidate.item] == 6]
    assert len(full) == 40
    assert {swaps[item] for item in full} == {3}


def test_choices_depend_on_seed_and_rater_alone():
    assert session(rules(seed=1)) == session(rules(seed=1))
    assert session(rules(seed=1))[0] != session(rules(seed=2))[0]
    assert session(rules(), "r")[0] != session(rules(), "s")[0]
