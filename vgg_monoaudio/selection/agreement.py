"""How far reviewers agree beyond chance, on each criterion of the curation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from vgg_monoaudio.selection.decisions import CRITERIA, Decision
from vgg_monoaudio.selection.verdicts import last_words


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
    """

    criterion: str
    reviewers: int
    clips: int
    observed: float | None
    kappa: float | None
    method: str
    reason: str


def agreement(decisions: Iterable[Decision]) -> list[CriterionAgreement]:
    """Return the agreement of people on each criterion, on the label and on acceptance; programs are left out.

    Two reviewers are compared by Cohen's kappa over the clips that both judged. More are compared by Fleiss' kappa,
    which needs equally many judgements per clip, so over the clips that all of them judged.
    """
    judged = [[vote for vote in votes if not vote.automatic] for votes in last_words(decisions).values()]
    several = [votes for votes in judged if len(votes) > 1]
    return [_agreement(name, several) for name in (*CRITERIA, "label", "accepted")]


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


def _agreement(criterion: str, clips: Sequence[Sequence[Decision]]) -> CriterionAgreement:
    """Return the agreement on one criterion; `clips` holds the decisions of people on clips that several judged."""
    reviewers = sorted({vote.reviewer for votes in clips for vote in votes})
    method = "cohen" if len(reviewers) <= 2 else "fleiss"
    values = [[getattr(vote, criterion) for vote in votes] for votes in clips]
    complete = [judged for judged in values if len(judged) == len(reviewers)]
    kappa, reason = None, ""
    if not clips:
        reason = "no clip was judged by two people"
    elif not complete:
        reason = f"no clip was judged by all {len(reviewers)} reviewers"
    else:
        try:
            # last_words sorts the votes on a clip by reviewer, so a column is one reviewer's judgements.
            kappa = (
                cohen_kappa(*map(list, zip(*complete, strict=True))) if method == "cohen" else fleiss_kappa(complete)
            )
        except ValueError as error:
            reason = str(error)
    return CriterionAgreement(
        criterion=criterion,
        reviewers=len(reviewers),
        clips=len(clips),
        observed=_share_of_agreeing_pairs(values) if clips else None,
        kappa=kappa,
        method=method,
        reason=reason,
    )


def _share_of_agreeing_pairs(judgements: Sequence[Sequence[object]]) -> float:
    """Return the mean over clips of the share of pairs of judgements that agree."""
    shares = []
    for clip in judgements:
        pairs = list(combinations(clip, 2))
        shares.append(sum(a == b for a, b in pairs) / len(pairs))
    return sum(shares) / len(shares)


def _beyond_chance(observed: float, chance: float) -> float:
    if chance == 1:
        raise ValueError("judgements: all are the same, so agreement beyond chance is not defined (0/0)")
    return (observed - chance) / (1 - chance)
