"""Which raters did not do the task: five rules, each with its limit, and every exclusion on record.

Nobody is left out silently: an `Exclusion` names the rater, the rule, what was found and what was allowed, and the
caller may overrule each.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import pandas as pd

from benchmark.ratings.answers import ANSWER, PAIR, Answers, Preferences
from benchmark.ratings.quality import agreement_with_others, most_common_share, repeated_differences, share_missed
from foundation.names import nearest

Rule = Literal["attention", "repetition", "too fast", "agreement", "straight lining", "by hand"]
FEWEST_TO_COMPARE = 5  # raters, for one of them to be an outlier
EARLY_SECONDS = 0.3  # that an answer may come early: the page takes it, since a start is told when its request arrives
NORMAL_SCALE = 1.4826  # from the median distance to the standard deviation of a normal distribution
_Judged = TypeVar("_Judged", Answers, Preferences)


@dataclass(frozen=True)
class Limits:
    """What a rater may do and stay in.

    Attributes:
        attention_missed: share of attention items answered otherwise than asked. One slip in three is forgiven; who
            answers at random misses nearly all.
        fewest_missed: attention items missed at least, so that one slip is forgiven where there are one or two.
        repetition_points: mean absolute difference between first and second answer, as a share of the scale's length
            (0.3 of 1 to 5 is 1.2 points). Random answers on five points differ by 1.6 points, 0.4 of the scale.
        fewest_repeats: pairs of answers that this is judged on at least.
        hasty_share: share of answers given before the clip was over. The page allows none, so more than a few come
            from a program or a changed clock. The page's own tolerance, `EARLY_SECONDS`, is not counted.
        fewest_hasty: answers too fast at least, by either limit, so that one of a few excludes nobody.
        fewest_seconds: median time from the end of the clip to the answer. Nobody reads and answers in less.
        agreement: Spearman's correlation of a rater with the mean of the others, mean over criteria. Random answers
            have 0; with 30 items or more they reach 0.2 once in seven times by one criterion, in thirty by three.
            Video quality laboratories ask for 0.75 of means over many viewers' scores (ITU-T P.913 11.4, BT.500), which
            single answers on five points do not reach.
        fewest_shared: answers that others rated too, that this is judged on at least.
        outlying: for repetition and agreement, how far a rater must moreover lie from the median of all, in standard
            deviations (1.48 times the median distance from the median, at least 0.03), where five or more are judged:
            on hard clips careful raters waver too.
        same_share: share of the most frequent answer, all criteria together.
        fewest_answers: answers that this is judged on at least.
    """

    attention_missed: float = 1 / 3
    fewest_missed: int = 2
    repetition_points: float = 0.3
    fewest_repeats: int = 3
    hasty_share: float = 0.05
    fewest_hasty: int = 2
    fewest_seconds: float = 0.5
    agreement: float = 0.2
    fewest_shared: int = 15
    outlying: float = 2.5
    same_share: float = 0.8
    fewest_answers: int = 15


@dataclass(frozen=True)
class Exclusion:
    """One rater, one broken rule.

    Attributes:
        value: what was found.
        limit: what is allowed.
        told: the finding in words, with its unit and on how many answers it is based.
    """

    rater: str
    rule: Rule
    value: float
    limit: float
    told: str


@dataclass(frozen=True)
class Screening:
    """What became of the raters.

    Attributes:
        exclusions: every broken rule of those left out; a rater may break several.
        overruled: broken rules of raters that were kept by hand, or all of them where screening is off.
        raters: how many there were.
        left_out: names of those left out, sorted.
        notes: rules that could not be applied, and why.
    """

    exclusions: tuple[Exclusion, ...]
    overruled: tuple[Exclusion, ...]
    raters: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def screen(
    answers: _Judged,
    *,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
    enabled: bool = True,
    limits: Limits | None = None,
) -> tuple[_Judged, Screening]:
    """Return the answers of the raters who stay, and what became of all.

    Args:
        answers: of a whole study.
        keep: raters who stay whatever the rules say.
        drop: raters who go whatever the rules say.
        enabled: whether broken rules lead to exclusion; if not they are still listed, as overruled.
        limits: of the rules.

    Raises:
        ValueError: a rater to keep or drop who is not there, or is to be both kept and dropped.
    """
    _check_names(answers, keep, drop)
    limits = limits or Limits()
    broken, notes = broken_rules(answers, limits)
    by_hand: list[Exclusion] = [Exclusion(rater, "by hand", 1.0, 0.0, "left out by request") for rater in sorted(drop)]
    judged: list[Exclusion] = [one for one in broken if enabled and one.rater not in keep and one.rater not in drop]
    exclusions = (*by_hand, *judged)
    overruled = tuple(one for one in broken if one not in judged and one.rater not in drop)
    left_out = tuple(sorted({one.rater for one in exclusions}))
    named = answers.named if isinstance(answers, Answers) else True
    raters = len(answers.raters) if named else 0
    return answers.without(left_out), Screening(exclusions, overruled, raters, left_out, tuple(notes))


def _check_names(answers: Answers | Preferences, keep: Collection[str], drop: Collection[str]) -> None:
    there = answers.raters
    for option, names in (("keep", keep), ("drop", drop)):
        for name in names:
            if name not in there:
                near = nearest(name, there, most=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"--{option}: no rater {name!r} among the {len(there)} of {answers.source}{hint}")
    both = sorted(set(keep) & set(drop))
    if both:
        raise ValueError(f"{both[0]} is given to both --keep and --drop; name each rater once")


def broken_rules(answers: Answers | Preferences, limits: Limits) -> tuple[list[Exclusion], list[str]]:
    """Return every rule that a rater breaks, by rater, and notes on rules that could not be applied."""
    if isinstance(answers, Answers) and not answers.named:
        return [], ["Raters have no names in this file, so none can be screened."]
    ratings = isinstance(answers, Answers)
    table, criteria = answers.table, answers.criteria
    names = ANSWER if ratings else PAIR
    found, notes = [], []
    checks = table[table["role"] == "attention"]
    if checks.empty:
        notes.append("No attention items: attention was not judged.")
    missed = share_missed(checks, criteria)
    missed = missed[(missed["mean"] * missed["count"]).round() >= limits.fewest_missed]
    found += _above(missed, "attention", limits.attention_missed, 1,
                    "{value:.0%} of {count} attention items missed, at most {limit:.0%} allowed")  # fmt: skip
    if table["seconds"].isna().all():
        notes.append("No times: haste was not judged.")
    found += _too_fast(table, limits)
    repeats = repeated_differences(table, criteria, names, answers.points if isinstance(answers, Answers) else None)
    if repeats.empty:
        notes.append("No repeated items: steadiness was not judged.")
    else:
        steady = repeats.groupby("rater")["difference"].agg(["mean", "count"])
        steady = steady[steady["mean"] >= _outlying_from(steady["mean"], limits.outlying)]
        found += _above(steady, "repetition", limits.repetition_points, limits.fewest_repeats,
                        "second answers {value:.2f} of the scale away from the first ones, mean of {count}, at most "
                        "{limit:.2f} allowed")  # fmt: skip
    items = answers.items
    found += _above(most_common_share(items, criteria), "straight lining", limits.same_share, limits.fewest_answers,
                    "the same answer in {value:.0%} of {count}, at most {limit:.0%} allowed")  # fmt: skip
    if ratings:
        found += _apart(items, criteria, limits, {one.rater for one in found})
    return sorted(found, key=lambda one: (one.rater, one.rule)), notes


def _above(shares: pd.DataFrame, rule: Rule, limit: float, fewest: int, told: str) -> list[Exclusion]:
    """Return the raters whose mean lies above a limit; index rater, columns mean and count."""
    return [
        Exclusion(str(rater), rule, value, limit, told.format(value=value, count=int(count), limit=limit))
        for rater, value, count in zip(shares.index, shares["mean"].map(float), shares["count"], strict=True)
        if count >= fewest and value > limit
    ]  # fmt: skip


def _outlying_from(values: pd.Series[float], deviations: float) -> float:
    """Return the value so many robust standard deviations from the median; no bound for fewer than five."""
    if len(values) < FEWEST_TO_COMPARE:
        return -math.inf if deviations > 0 else math.inf
    middle = float(values.median())
    deviation = max(NORMAL_SCALE * float((values - middle).abs().median()), 0.03)
    return middle + deviations * deviation


def _too_fast(table: pd.DataFrame, limits: Limits) -> list[Exclusion]:
    timed = table[table["seconds"].notna() & table["clip_seconds"].notna() & (table["role"] != "attention")]
    found = []
    for rater, part in timed.groupby("rater"):
        beyond = part["seconds"] - part["clip_seconds"]
        early = beyond.round(2) < -EARLY_SECONDS  # a page told to wait answers at the very edge: 0.7 - 1.0 < -0.3
        share, median = float(early.mean()), float(beyond.median())
        if share > limits.hasty_share and early.sum() >= limits.fewest_hasty:
            told = (
                f"{share:.0%} of {len(part)} answers came before the clip was over, "
                f"at most {limits.hasty_share:.0%} allowed"
            )
            found.append(Exclusion(str(rater), "too fast", share, limits.hasty_share, told))
        elif median < limits.fewest_seconds and (beyond < limits.fewest_seconds).sum() >= limits.fewest_hasty:
            told = (
                f"{median:.2f} s from the end of the clip to the answer, median of {len(part)}, at least "
                f"{limits.fewest_seconds:.2f} s expected"
            )
            found.append(Exclusion(str(rater), "too fast", median, limits.fewest_seconds, told))
    return found


def _apart(items: pd.DataFrame, criteria: Sequence[str], limits: Limits, suspects: Collection[str]) -> list[Exclusion]:
    """Return the raters who do not agree with the others, one at a time, the one who agrees least first.

    Each is judged against those who are left: a careless rater would make the careful ones look worse. Raters who break
    another rule are no measure for others either.
    """
    found: list[Exclusion] = []
    out: set[str] = set()
    while True:
        measure = items[~items["rater"].isin(out | set(suspects))]
        agreement = agreement_with_others(items[~items["rater"].isin(out)], criteria, measure)
        judged = agreement[(agreement["count"] >= limits.fewest_shared) & agreement["value"].notna()]
        reach = min(limits.agreement, _outlying_from(judged["value"], -limits.outlying))
        worst = judged[judged["value"] < reach].sort_values("value", kind="stable").head(1)
        if worst.empty:
            return found
        rater, value, count = str(worst.index[0]), float(worst["value"].iloc[0]), int(worst["count"].iloc[0])
        told = (
            f"rank correlation {value:.2f} with the others on {count} answers, at least {limits.agreement:.2f} expected"
        )
        found.append(Exclusion(rater, "agreement", value, limits.agreement, told))
        out.add(rater)
