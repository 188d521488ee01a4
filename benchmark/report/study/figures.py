"""Which figures a study has, each with the table that it stands below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.ratings.analysis import PreferenceAnalysis, RatingAnalysis
from benchmark.report.study.beside import Beside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Figures = dict[str, tuple[str, "Figure"]]  # file name without its ending to the name of the table, and the figure


def rating_figures(analysis: RatingAnalysis, beside: Beside | None = None) -> Figures:
    """Return mean opinions of every subset; beside runs, also the agreement of metrics with people.

    To be called within `benchmark.report.figures.drawing.style`, as `preference_figures`.
    """
    from benchmark.report.figures.opinions import opinion_figure

    found: Figures = {}
    for subset in analysis.answers.subsets:
        opinions = [one for one in analysis.opinions if one.subset == subset]
        if opinions:
            found[f"{subset}-opinions"] = ("opinions", opinion_figure(opinions, analysis.answers.points))
    return found | (_agreement_figures(beside) if beside is not None else {})


def _agreement_figures(beside: Beside) -> Figures:
    from benchmark.report.figures.opinions import rating_scatter
    from benchmark.report.figures.ratings import agreement_figure

    found: Figures = {}
    for ratings in beside.ratings:
        subset, criteria = ratings.subset, ratings.criteria
        own = [one for one in beside.agreements if one.subset == subset and one.method == "spearman"]
        if own:
            found[f"{subset}-agreement"] = ("agreement", agreement_figure(own, criteria))
        metrics = list(dict.fromkeys(one.metric for one in own if one.over == "answers"))
        if metrics:
            scored = ratings.with_scores(beside.samples[subset])
            found[f"{subset}-scatter"] = ("agreement", rating_scatter(scored, metrics, criteria, subset))
    return found


def preference_figures(analysis: PreferenceAnalysis) -> Figures:
    """Return strengths with intervals, where there are any, and shares of choices won, of every subset."""
    from benchmark.report.figures.preferences import strength_figure, win_figure

    found: Figures = {}
    for subset in analysis.preferences.subsets:
        strengths = [one for one in analysis.ranking.strengths if one.subset == subset]
        comparisons = [one for one in analysis.ranking.comparisons if one.subset == subset]
        if any(one.strength is not None for one in strengths):
            found[f"{subset}-strengths"] = ("strengths", strength_figure(strengths))
        if comparisons:
            found[f"{subset}-wins"] = ("comparisons", win_figure(strengths, comparisons))
    return found
