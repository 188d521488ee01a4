"""Which tables a study has: from the records of an analysis to sheets."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.ratings.analysis import PreferenceAnalysis, RatingAnalysis
from benchmark.ratings.criteria import criterion_title
from benchmark.ratings.opinion import Opinion
from benchmark.ratings.preference import Strength
from benchmark.ratings.screening import Screening
from benchmark.report.agreement import Agreement
from benchmark.report.study.sheets import Entry, Number, Sheet, number, p_value
from benchmark.report.subsets import subset_title
from benchmark.report.tables.marks import DASH

MOST_NAMED = 4  # rows in a note


def rating_sheets(analysis: RatingAnalysis, agreements: Sequence[Agreement] = ()) -> list[Sheet]:
    """Return the tables of a study of ratings.

    Args:
        analysis: of the study.
        agreements: rank correlations with metrics, where runs were given.
    """
    found = [
        opinion_sheet(analysis),
        difference_sheet(analysis),
        reliability_sheet(analysis),
        screening_sheet(analysis.screening),
        plan_sheet(analysis),
        mixed_sheet(analysis),
    ]
    if agreements:
        found.insert(2, agreement_sheet(agreements))
    if analysis.by_category:
        found.append(category_sheet(analysis))
    return found


def preference_sheets(analysis: PreferenceAnalysis) -> list[Sheet]:
    """Return the tables of a study of preferences."""
    return [strength_sheet(analysis), comparison_sheet(analysis), screening_sheet(analysis.screening)]


def _level(level: float) -> str:
    return f"{100 * level:g}%"


def opinion_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return mean opinions: a row per subset and model, a column per criterion."""
    answers, settings = analysis.answers, analysis.settings
    low, high = answers.points
    judged = "; ".join(map(criterion_title, answers.criteria))
    lead = (
        f"Points from {low} to {high} ({judged}), mean of all ratings of a model; in brackets: "
        f"{_level(settings.level)} intervals over other raters and other scenes, {settings.resamples:,} resamples."
    )
    rows, reasons = _opinion_rows(analysis.opinions, answers.criteria, ())
    columns = ("Subset", "Model", *answers.criteria, "Ratings", "Scenes", "Raters")
    return Sheet("opinions", "Mean opinion scores", lead, columns, rows, reasons)


def category_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return mean opinions by category of the target."""
    rows, reasons = _opinion_rows(analysis.by_category, analysis.answers.criteria, ("category",))
    columns = ("Subset", "Category", "Model", *analysis.answers.criteria, "Ratings", "Scenes", "Raters")
    lead = "As above, over the scenes of each category of the target."
    return Sheet("categories", "Mean opinion by category", lead, columns, rows, reasons)


def _opinion_rows(
    found: Sequence[Opinion], criteria: Sequence[str], by: tuple[str, ...]
) -> tuple[tuple[tuple[Entry, ...], ...], tuple[str, ...]]:
    table: dict[tuple[str, ...], dict[str, Opinion]] = {}
    for one in found:
        key = (subset_title(one.subset), *([one.category] if by else []), one.model)
        table.setdefault(key, {})[one.criterion] = one
    rows = []
    for key, cells in table.items():
        numbers = [number(cells[name].mean, cells[name].interval) if name in cells else DASH for name in criteria]
        most = max(cells.values(), key=lambda one: one.ratings)
        counts = [Number(most.ratings, 0), Number(most.scenes, 0), Number(most.raters, 0) if most.raters else DASH]
        rows.append((*key, *numbers, *counts))
    reasons = dict.fromkeys(f"No interval: {one.interval.reason}." for one in found if one.interval.reason)
    return tuple(rows), tuple(reasons)


def difference_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return differences of every two models with both tests."""
    tests = {(one.subset, one.criterion, one.first, one.second): one for one in analysis.tests}
    rows: list[tuple[Entry, ...]] = []
    for one in analysis.differences:
        found = tests.get((one.subset, one.criterion, one.first, one.second))
        test = found.test if found else None
        rows.append((
            subset_title(one.subset), one.criterion, one.first, one.second, number(one.value, one.interval),
            p_value(one.p_value), p_value(one.adjusted),
            number(test.statistic if test else None, decimals=1),
            p_value(test.p_value if test else None),
            p_value(found.adjusted if found else None),
            number(test.effect if test else None), Number(one.scenes, 0),
        ))  # fmt: skip
    columns = (
        "Subset", "Criterion", "First", "Second", "Difference", "p", "p (Holm)", "W", "p of W", "p of W (Holm)",
        "Effect", "Scenes",
    )  # fmt: skip
    lead = (
        "First minus second in points, scene by scene, on the scenes that both were rated on; positive: the first is "
        "rated higher."
    )
    notes = (
        "p: by Student's t with the standard error of the interval, which is over other raters and other scenes; the "
        "interval itself is of resamples and may end a little elsewhere. W: Wilcoxon's signed-rank test of scene means "
        "with zeros after Pratt: over other scenes alone, the raters as they are; its effect is the rank-biserial "
        "correlation. Holm: corrected over all rows of this table.",
    )
    return Sheet("differences", "Differences of models", lead, columns, tuple(rows), notes if rows else ())


def reliability_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return Krippendorff's alpha between raters, and between first and second answers."""
    rows: list[tuple[Entry, ...]] = [
        (
            subset_title(one.subset), one.criterion, one.between, number(one.alpha, one.interval),
            number(one.difference), Number(one.answers, 0), Number(one.ratings, 0),
        )
        for one in analysis.reliability
    ]  # fmt: skip
    reasons = dict.fromkeys(f"{o.criterion}, {o.between}: {o.reason}." for o in analysis.reliability if o.reason)
    columns = ("Subset", "Criterion", "Between", "Alpha", "Mean difference", "Answers", "Ratings")
    lead = "Krippendorff's alpha, ordinal: 1 is agreement, 0 what chance gives. Repeats: the same people asked twice."
    return Sheet("reliability", "Agreement of raters", lead, columns, tuple(rows), tuple(reasons))


def screening_sheet(screening: Screening) -> Sheet:
    """Return what became of the raters who broke a rule."""
    rows: list[tuple[Entry, ...]] = [(one.rater, one.rule, one.told, "left out") for one in screening.exclusions]
    rows += [(one.rater, one.rule, one.told, "kept by request") for one in screening.overruled]
    stayed = screening.raters - len(screening.left_out)
    lead = f"{stayed} of {screening.raters} raters count; none is left out without a line here."
    columns = ("Rater", "Rule", "Finding", "Outcome")
    return Sheet(
        "raters", "Screening of raters", lead if screening.raters else "", columns, tuple(rows), screening.notes
    )


def plan_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return how many raters and scenes the wanted precision needs."""
    rows: list[tuple[Entry, ...]] = []
    for one in analysis.plans:
        parts = one.components
        deviations = [None] * 3 if parts is None else [v**0.5 for v in (parts.rater, parts.scene, parts.noise)]
        rows.append((
            subset_title(one.subset), one.criterion, *[number(value) for value in deviations], number(one.half_width),
            Number(one.raters, 0), Number(one.scenes, 0), *[
                number(needed, decimals=0)
                for needed in (one.raters_needed, one.raters_for_these, one.scenes_needed)
            ],
        ))  # fmt: skip
    reasons = dict.fromkeys(f"{one.criterion}: {one.reason}." for one in analysis.plans if one.reason)
    open_ended = any(one.components and one.raters_needed is None for one in analysis.plans)
    dash = ("A dash: no number of raters suffices with so few scenes.",) if open_ended else ()
    columns = (
        "Subset", "Criterion", "SD raters", "SD scenes", "SD noise", "± now", "Raters", "Scenes", "Raters needed",
        "for these scenes", "Scenes needed",
    )  # fmt: skip
    lead = (
        f"For a mean opinion of one model within ± {analysis.settings.precision:g} points at "
        f"{_level(analysis.settings.level)}, with as many ratings by each rater as here: raters for a statement on "
        "other scenes too, or on these alone; and the scenes that it takes at least. SD: standard deviation in points."
    )
    return Sheet("planning", "What a next study needs", lead, columns, tuple(rows), (*reasons, *dash))


def mixed_sheet(analysis: RatingAnalysis) -> Sheet:
    """Return the effects of the mixed model, or why there is none."""
    rows: list[tuple[Entry, ...]] = []
    notes = []
    for one in analysis.mixed:
        where = f"{subset_title(one.subset)}, {one.criterion}"
        if one.reason:
            notes.append(f"{where}: {one.reason}.")
            continue
        spreads = [number(v) for v in (
            one.rater_deviation, one.scene_deviation, one.answer_deviation, one.taste_deviation, one.residual_deviation
        )]  # fmt: skip
        rows.append((subset_title(one.subset), one.criterion, one.base, number(one.base_mean), DASH, *spreads))
        for effect in one.effects:
            entry = number(effect.value, effect.interval), p_value(effect.p_value)
            rows.append((subset_title(one.subset), one.criterion, effect.model, *entry, *[DASH] * 5))
    columns = (
        "Subset", "Criterion", "Model", "Effect", "p", "SD raters", "SD scenes", "SD answers", "SD tastes", "SD noise"
    )  # fmt: skip
    lead = (
        "points ~ model + (1 | rater) + (1 | scene) + (1 | scene:model) + (1 | rater:model), by REML: a model may be "
        "better on some scenes than on others (SD answers) and to some raters than to others (SD tastes). The first "
        "model of a group shows its mean, the others how far they are above or below it."
    )
    return Sheet("mixed", "Mixed-effects model", lead, columns, tuple(rows), tuple(notes))


def agreement_sheet(agreements: Sequence[Agreement]) -> Sheet:
    """Return rank correlations of metrics with criteria, over answers and over models."""
    rows: dict[tuple[str, str, str, str], dict[str, Agreement]] = {}
    for one in agreements:
        key: tuple[str, str, str, str] = (subset_title(one.subset), one.metric.label, one.criterion, one.over)
        rows.setdefault(key, {})[one.method] = one
    table: list[tuple[Entry, ...]] = []
    for key, found in rows.items():
        numbers = [number(one.value, one.interval) for one in (found["spearman"], found["kendall"])]
        table.append((*key, *numbers, Number(found["spearman"].count, 0)))
    columns = ("Subset", "Metric", "Criterion", "Over", "Spearman", "Kendall", "n")
    lead = (
        "Rank correlation of every metric with every criterion; positive: people prefer what the metric prefers. In "
        f"brackets: {_level(agreements[0].interval.level)} intervals."
    )
    notes = (
        "Over answers: mean ratings of single answers, resampled as the metrics are. Over models: these models, by "
        "other raters and on other scenes; scores of the whole subset.",
    )
    return Sheet("agreement", "Metrics against people", lead, columns, tuple(table), (*notes, *_why_bare(agreements)))


def _why_bare(agreements: Sequence[Agreement]) -> list[str]:
    """Return why correlations, or their intervals, are missing: a sentence per reason, with the rows concerned."""
    missing: dict[tuple[str, str, str], dict[str, None]] = {}
    for one in agreements:
        if one.interval.reason:
            what = "correlation" if one.value is None else "interval"
            row = f"{subset_title(one.subset)}, {one.metric.label} with {one.criterion}"
            missing.setdefault((what, one.over, one.interval.reason), {})[row] = None
    return [
        f"No {what} over {over} ({'; '.join(rows) if len(rows) <= MOST_NAMED else f'{len(rows)} rows'}): {reason}."
        for (what, over, reason), rows in missing.items()
    ]


def strength_sheet(analysis: PreferenceAnalysis) -> Sheet:
    """Return strengths and win rates of a study of preferences."""
    rows: list[tuple[Entry, ...]] = [
        (
            subset_title(one.subset), one.criterion, one.model, number(one.strength, one.interval),
            number(one.win_rate, one.win_interval), Number(one.choices, 0),
        )
        for one in analysis.ranking.strengths
    ]  # fmt: skip
    reasons = dict.fromkeys(_why_open(one) for one in analysis.ranking.strengths if one.interval.reason)
    columns = ("Subset", "Criterion", "Model", "Strength", "Win rate", "Choices")
    lead = (
        "Bradley-Terry strengths with ties after Davidson: logarithms of odds that add up to zero. Win rate: share of "
        f"choices won, a tie counting one half. In brackets: {_level(analysis.settings.level)} intervals over other "
        "raters and other scenes."
    )
    return Sheet("strengths", "Strengths of models", lead, columns, tuple(rows), tuple(reasons))


def _why_open(one: Strength) -> str:
    if one.strength is not None:
        return f"{subset_title(one.subset)}, {one.criterion}: no interval, as {one.interval.reason}."
    told = "Collect choices that close the gap, or leave these models out."
    return f"{subset_title(one.subset)}, {one.criterion}: no strengths, as {one.interval.reason}. {told}"


def comparison_sheet(analysis: PreferenceAnalysis) -> Sheet:
    """Return the comparisons of every two models."""
    rows: list[tuple[Entry, ...]] = [
        (
            subset_title(one.subset), one.criterion, one.first, one.second, Number(one.wins, 0), Number(one.ties, 0),
            Number(one.losses, 0), number(one.difference, one.interval), p_value(one.p_value),
            p_value(one.adjusted),
        )
        for one in analysis.ranking.comparisons
    ]  # fmt: skip
    columns = ("Subset", "Criterion", "First", "Second", "Won", "Tied", "Lost", "Difference", "p", "p (Holm)")
    lead = "Choices for the first, for neither and for the second; difference of strengths, first minus second."
    return Sheet("comparisons", "Models against each other", lead, columns, tuple(rows))
