"""Studies with known effects: ratings and preferences of made-up raters, as tables and as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

CRITERIA = ("AQ", "TA", "VA")
EFFECTS = {"a": 2.4, "b": 2.7, "c": 3.0, "d": 3.3, "e": 3.6}  # mean opinion of each model, in points


@dataclass(frozen=True)
class Study:
    """How a study is made up.

    Attributes:
        each: ratings of every answer.
        effects: model to its mean opinion.
        rater, scene, noise: standard deviations in points.
        careless: how many raters, the last ones, answer at random.
        leave: share of their answers that each rater is gone before.
        whole: round to points from 1 to 5.
        repeats, checks: repeated and attention items of every rater.
    """

    raters: int = 30
    scenes: int = 40
    each: int = 5
    effects: Mapping[str, float] = None  # type: ignore[assignment]
    rater: float = 0.4
    scene: float = 0.5
    noise: float = 0.7
    careless: int = 0
    leave: float = 0.0
    whole: bool = True
    repeats: int = 0
    checks: int = 0
    criteria: Sequence[str] = CRITERIA

    @property
    def models(self) -> Mapping[str, float]:
        return EFFECTS if self.effects is None else self.effects

    @property
    def careless_names(self) -> set[str]:
        return {rater_name(place) for place in range(self.raters - self.careless, self.raters)}


def rater_name(place: int) -> str:
    return f"p{place:02d}"


def dealt(study: Study, rng: np.random.Generator) -> list[list[tuple[int, str]]]:
    """Give every answer to `each` raters, all with nearly the same number and nobody twice the same."""
    decks: list[dict[tuple[int, str], None]] = [{} for _ in range(study.raters)]  # in order, and quick to search
    answers = [(scene, model) for scene in range(study.scenes) for model in study.models]
    for _ in range(study.each):
        for place in rng.permutation(len(answers)):
            free = [deck for deck in decks if answers[place] not in deck]
            min(free, key=len)[answers[place]] = None
    return [list(deck) for deck in decks]


def ratings(study: Study, seed: int) -> pd.DataFrame:
    """Return a table with the columns of `answers.csv`."""
    rng = np.random.default_rng(seed)
    decks = dealt(study, rng)
    strict = rng.normal(0, study.rater, (study.raters, len(study.criteria)))
    good = rng.normal(0, study.scene, (study.scenes, len(study.criteria)))
    rows = []
    for place, deck in enumerate(decks):
        careless = place >= study.raters - study.careless
        stays = len(deck) - round(study.leave * rng.random() * len(deck))

        def points(scene: int, model: str, place: int = place, careless: bool = careless) -> list[float]:
            if careless:
                return [float(value) for value in rng.integers(1, 6, len(study.criteria))]
            exact = study.models[model] + strict[place] + good[scene] + rng.normal(0, study.noise, len(study.criteria))
            return [float(np.clip(np.round(v), 1, 5)) if study.whole else float(v) for v in exact]

        seen = [(scene, model, "item", points(scene, model)) for scene, model in deck[:stays]]
        seen += [(scene, model, "repeat", points(scene, model)) for scene, model in deck[: study.repeats]]
        asked = [1 + n % 5 for n in range(study.checks)]
        seen += [(n, "", "attention", points(0, "a") if careless else [float(asked[n])] * len(study.criteria))
                 for n in range(study.checks)]  # fmt: skip
        for position, (scene, model, role, given) in enumerate(seen, 1):
            checked = role == "attention"
            rows.append({
                "rater": rater_name(place), "position": position, "role": role, "subset": "inter",
                "sample_id": f"check{scene}" if checked else f"s{scene:03d}", "model": model,
                "category": "" if checked else ("animals" if scene % 2 else "music"),
                **dict(zip(study.criteria, given, strict=True)),
                "expected": ";".join(f"{name}={asked[scene]}" for name in study.criteria) if checked else "",
                "seconds": 8.0 + rng.uniform(2, 9), "clip_seconds": 8.0, "plays": 1, "focus_losses": 0,
                "answered_at": "2026-01-05T10:00:00Z",
            })  # fmt: skip
    return pd.DataFrame(rows)


def preferences(strengths: Mapping[str, float], tie: float, seed: int, *, raters: int = 24, scenes: int = 30,
                each: int = 30, rater: float = 0.0) -> pd.DataFrame:  # fmt: skip
    """Return a table with the columns of `preferences.csv`: choices by Davidson's model with these strengths."""
    rng = np.random.default_rng(seed)
    names = sorted(strengths)
    rows = []
    for place in range(raters):
        own = {name: strengths[name] + rng.normal(0, rater) for name in names}
        seen = set()
        while len(seen) < each:
            scene = int(rng.integers(scenes))
            a, b = sorted(rng.choice(names, 2, replace=False))
            if (scene, a, b) in seen:
                continue
            seen.add((scene, a, b))
            odds = np.exp([own[a], own[b], tie + (own[a] + own[b]) / 2])
            choice = ("a", "b", "tie")[rng.choice(3, p=odds / odds.sum())]
            rows.append({"rater": rater_name(place), "position": len(seen), "role": "item", "subset": "inter",
                         "sample_id": f"s{scene:03d}", "model_a": a, "model_b": b, "category": "", "AQ": choice,
                         "expected": "", "seconds": 12.0, "clip_seconds": 8.0, "plays_a": 1, "plays_b": 1,
                         "focus_losses": 0, "answered_at": "", "shown_first": "a"})  # fmt: skip
    return pd.DataFrame(rows)


def written(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path
