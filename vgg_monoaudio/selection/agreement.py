"""How far reviewers agree beyond chance, on each criterion of the curation."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from foundation.extras import MissingPackage, load_extra
from vgg_monoaudio.selection.decisions import CRITERIA, Decision
from vgg_monoaudio.selection.verdicts import last_words

_NOT_SHARED = "nothing was judged by two people"
_ALL_THE_SAME = "judgements: all are the same, so agreement beyond chance is not defined (0/0)"


@dataclass(frozen=True)
class CriterionAgreement:
    """How far reviewers agree on one criterion, over the clips that several of them judged.

    Attributes:
        criterion: one of `decisions.CRITERIA`, or "label" or "accepted".
        reviewers: how many judged any of these clips.
        clips: how many clips have at least two judgements.
        observed: mean over these clips of the share of pairs of judgements that agree, in [0, 1]; None without clips.
        kappa: agreement beyond chance, at most 1, 0 at chance; None where it is not defined.
        method: "cohen" for two reviewers, "fleiss" for more.
        reason: why kappa is None, else "".
        alpha: Krippendorff's, over all clips that two or more judged; None where it is not defined.
        alpha_reason: why alpha is None, else "".
    """

    criterion: str
    reviewers: int
    clips: int
    observed: float | None
    kappa: float | None
    method: str
    reason: str
    alpha: float | None = None
    alpha_reason: str = ""


def agreement(decisions: Iterable[Decision]) -> list[CriterionAgreement]:
    """Return the agreement of people on each criterion, on the label and on acceptance; programs are left out.

    Two reviewers are compared by Cohen's kappa over the clips that both judged. More are compared by Fleiss' kappa,
    which needs equally many judgements per clip, so over the clips that all of them judged. Krippendorff's alpha takes
    every clip that two or more judged.
    """
    judged = [[vote for vote in votes if not vote.automatic] for votes in last_words(decisions).values()]
    return [
        agreement_on(name, [{vote.reviewer: getattr(vote, name) for vote in votes} for votes in judged])
        for name in (*CRITERIA, "label", "accepted")
    ]


def agreement_on(criterion: str, judged: Iterable[Mapping[str, Hashable]]) -> CriterionAgreement:
    """Return the agreement on one question.

    Args:
        criterion: its name.
        judged: for each clip, or whatever was judged, reviewer to judgement.
    """
    clips = [dict(sorted(votes.items())) for votes in judged if len(votes) > 1]
    reviewers = len({reviewer for votes in clips for reviewer in votes})
    values = [list(votes.values()) for votes in clips]
    kappa, reason = _kappa(values, reviewers)
    alpha, alpha_reason = _alpha(values)
    return CriterionAgreement(
        criterion=criterion,
        reviewers=reviewers,
        clips=len(clips),
        observed=_share_of_agreeing_pairs(values) if clips else None,
        kappa=kappa,
        method=_method(reviewers),
        reason=reason,
        alpha=alpha,
        alpha_reason=alpha_reason,
    )


def cohen_kappa(first: Sequence[object], second: Sequence[object]) -> float:
    """Return Cohen's kappa of two reviewers' judgements of the same clips: 1 is full agreement, 0 chance.

    Raises:
        ValueError: no clips, different numbers of judgements, or both reviewers always say one and the same thing,
            where kappa is 0/0.

    Source:
        Cohen 1960, Educational and Psychological Measurement 20:37.
    """
    if not first or len(first) != len(second):
        raise ValueError(f"judgements: expected two lists of one length, got {len(first)} and {len(second)}")
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / len(first)
    chance = sum(first.count(value) * second.count(value) for value in set(first)) / len(first) ** 2
    return _beyond_chance(observed, chance)


def fleiss_kappa(judgements: Sequence[Sequence[object]]) -> float:
    """Return Fleiss' kappa of clips that equally many reviewers judged: 1 is full agreement, 0 chance.

    Args:
        judgements: for each clip its judgements, in any order.

    Raises:
        ValueError: no clips, fewer than two or unequally many judgements, or all judgements the same, where kappa is
            0/0.

    Source:
        Fleiss 1971, Psychological Bulletin 76:378.
    """
    sizes = sorted({len(clip) for clip in judgements})
    if len(sizes) != 1 or sizes[0] < 2:
        raise ValueError(f"judgements: expected equally many for each clip, at least 2, got {sizes or 'no clips'}")
    everything = [value for clip in judgements for value in clip]
    chance = sum((everything.count(value) / len(everything)) ** 2 for value in set(everything))
    return _beyond_chance(_share_of_agreeing_pairs(judgements), chance)


def krippendorff_alpha(judgements: Sequence[Sequence[Hashable]]) -> float:
    """Return Krippendorff's alpha of nominal judgements: 1 is full agreement, 0 chance.

    Clips may have unequally many judgements; those with fewer than two say nothing of agreement and do not count.

    Args:
        judgements: for each clip its judgements, in any order.

    Raises:
        ValueError: no clip with two judgements, or all judgements that count are the same, where alpha is 0/0.
        foundation.extras.MissingPackage: the extra `web` is not installed.

    Source:
        Krippendorff 2011, Computing Krippendorff's Alpha-Reliability; computed by the package `krippendorff`.
    """
    krippendorff = load_extra("krippendorff", "web", needed_by="alpha")
    clips = [Counter(clip) for clip in judgements if len(clip) > 1]
    values = sorted({value for clip in clips for value in clip}, key=str)
    if not clips:
        raise ValueError(_NOT_SHARED)
    if len(values) == 1:
        raise ValueError(_ALL_THE_SAME)
    counts = [[clip[value] for value in values] for clip in clips]
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _method(reviewers: int) -> str:
    return "cohen" if reviewers <= 2 else "fleiss"


def _kappa(clips: Sequence[Sequence[Hashable]], reviewers: int) -> tuple[float | None, str]:
    """Return kappa, or why there is none; `clips` holds two or more judgements each, in the order of the reviewers."""
    if not clips:
        return None, _NOT_SHARED
    complete = [judged for judged in clips if len(judged) == reviewers]
    if not complete:
        return None, f"nothing was judged by all {reviewers} reviewers"
    try:
        if _method(reviewers) == "cohen":
            return cohen_kappa(*map(list, zip(*complete, strict=True))), ""
        return fleiss_kappa(complete), ""
    except ValueError as error:
        return None, str(error)


def _alpha(clips: Sequence[Sequence[Hashable]]) -> tuple[float | None, str]:
    try:
        return krippendorff_alpha(clips), ""
    except (ValueError, MissingPackage) as error:
        return None, str(error)


def _share_of_agreeing_pairs(judgements: Sequence[Sequence[object]]) -> float:
    """Return the mean over clips of the share of pairs of judgements that agree."""
    shares = []
    for clip in judgements:
        pairs = list(combinations(clip, 2))
        shares.append(sum(a == b for a, b in pairs) / len(pairs))
    return sum(shares) / len(shares)


def _beyond_chance(observed: float, chance: float) -> float:
    if chance == 1:
        raise ValueError(_ALL_THE_SAME)
    return (observed - chance) / (1 - chance)
