"""Evidence that needs no code: features as an extractor keeps them, under the names that it yields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from benchmark.evidence import Rows, Whose, stacked, taken
from benchmark.features import Extractor
from benchmark.profiles import Features, Profile, Question
from foundation.names import nearest


def backbone_keys(extractors: Sequence[Extractor]) -> dict[str, str]:
    """Return the content key of every backbone that these extractors are part of."""
    return {extractor.name.partition(".")[0]: extractor.key for extractor in extractors}


def wanted_features(profile: Profile) -> dict[Whose, tuple[Extractor, ...]]:
    """Return which features of whose files are read: those that evidence which a metric takes is, or is made of.

    Raises:
        ValueError: the profile derives evidence from an extractor that it does not have.
    """
    names, extractors = taken(extended=profile.extended), (*profile.audio, *profile.video)
    made_of = {part for evidence, parts in profile.derives.items() if evidence in names for part in parts}
    unknown = sorted({name for _, name in made_of} - {extractor.name for extractor in extractors})
    if unknown:
        raise ValueError(f"profile {profile.name} derives evidence from {unknown[0]}, which is none of its extractors")

    def read(who: Whose, extractor: Extractor) -> bool:
        direct = (who == "video") == (extractor.medium == "video")
        return (who, extractor.name) in made_of or (direct and any(f"{who}.{one}" in names for one in extractor.yields))

    return {who: tuple(extractor for extractor in extractors if read(who, extractor)) for who in get_args(Whose)}


def files_of(questions: Sequence[Question]) -> dict[str, list[Path]]:
    """Return whose files there are, `<who>` of an evidence's name to one file per sample.

    `paired` is there only where every sample has a paired clip: a metric of both is a metric of all samples.
    """
    paired = [q.sample.paired_audio for q in questions if q.sample.paired_audio is not None]
    return {
        "target": [q.sample.target_audio for q in questions],
        "generated": [q.generated for q in questions],
        **({"paired": paired} if len(paired) == len(questions) else {}),
        "video": [q.reference_video for q in questions],
    }


def direct_evidence(
    extractors: Sequence[Extractor], questions: Sequence[Question], features: Features, *, extended: bool
) -> dict[str, Rows]:
    """Return what the features are evidence of as they stand, and a metric takes.

    Args:
        extractors: those of the profile.
        questions: the samples; their files have features.
        features: of all these files.
        extended: also what the extended metrics take.

    Raises:
        ValueError: an extractor yields a feature that no metric takes.
    """
    wanted, files = taken(extended=extended), files_of(questions)
    evidence: dict[str, Rows] = {}
    for extractor in extractors:
        _check(extractor)
        for who, paths in files.items():
            if (who == "video") == (extractor.medium == "video"):
                evidence |= _read(extractor, who, paths, wanted, features)
    return evidence


def _check(extractor: Extractor) -> None:
    known = {name.partition(".")[2] for name in taken(extended=True)}
    for feature in extractor.yields:
        if feature not in known:
            close = nearest(feature, known)
            hint = f"did you mean {' or '.join(close)}?" if close else f"they take {', '.join(sorted(known))}"
            raise ValueError(f'extractor {extractor.name} yields "{feature}", which no metric takes; {hint}')


def _read(
    extractor: Extractor, who: str, paths: Sequence[Path], wanted: frozenset[str], features: Features
) -> dict[str, Rows]:
    arrays = {f"{who}.{feature}": array for feature, array in extractor.yields.items() if f"{who}.{feature}" in wanted}
    if not arrays:
        return {}
    found = {path: features.of(extractor, path) for path in dict.fromkeys(paths)}
    once = {array: stacked([found[path][array] for path in paths]) for array in set(arrays.values())}
    return {name: once[array] for name, array in arrays.items()}
