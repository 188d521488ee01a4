"""Evidence that needs no code: features as an extractor keeps them, under the names that it yields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, get_args

from benchmark.evidence import Rows, Whose, stacked, taken
from benchmark.features import Extractor
from benchmark.profiles import Derives, Features, Profile, Question
from benchmark.workers import Medium
from foundation.names import joined, nearest
from metrics.registry import Metric, list_metrics


class Part(Protocol):
    """What is known of an extractor before its weights are found: an `Extractor`, or a row that makes one."""

    @property
    def name(self) -> str:
        """`<backbone>.<part>`."""
        ...

    @property
    def medium(self) -> Medium:
        """What it is fed."""
        ...

    @property
    def yields(self) -> Mapping[str, str]:
        """Evidence that its features are as they stand."""
        ...


AnyPart = TypeVar("AnyPart", bound=Part)


def backbone_keys(extractors: Sequence[Extractor]) -> dict[str, str]:
    """Return the content key of every backbone that these extractors are part of."""
    return {extractor.name.partition(".")[0]: extractor.key for extractor in extractors}


def wanted_features(profile: Profile) -> dict[Whose, tuple[Extractor, ...]]:
    """Return which features of whose files are read: those that evidence which a metric takes is, or is made of.

    Raises:
        ValueError: the profile derives evidence from an extractor that it does not have.
    """
    return _read_of_each((*profile.audio, *profile.video), profile.derives, profile.wanted)


def needed(parts: Sequence[AnyPart], derives: Derives, wanted: Iterable[Metric]) -> tuple[AnyPart, ...]:
    """Return those of a profile's parts whose features evidence for the wanted metrics is, or is made of.

    Args:
        parts: all that the profile has.
        derives: evidence that it makes of features.
        wanted: the metrics that are scored.

    Raises:
        ValueError: evidence is derived from a part that is not there.
    """
    names = {part.name for read in _read_of_each(parts, derives, wanted).values() for part in read}
    return tuple(part for part in parts if part.name in names)


def _read_of_each(
    parts: Sequence[AnyPart], derives: Derives, wanted: Iterable[Metric]
) -> dict[Whose, tuple[AnyPart, ...]]:
    names = taken(wanted)
    made_of = {made for evidence, of in derives.items() if evidence in names for made in of}
    unknown = sorted({name for _, name in made_of} - {part.name for part in parts})
    if unknown:
        raise ValueError(f"the profile derives evidence from {unknown[0]}, which is none of its extractors")

    def read(who: Whose, part: Part) -> bool:
        direct = (who == "video") == (part.medium == "video")
        return (who, part.name) in made_of or (direct and any(f"{who}.{one}" in names for one in part.yields))

    return {who: tuple(part for part in parts if read(who, part)) for who in get_args(Whose)}


def files_of(questions: Sequence[Question]) -> dict[str, list[Path]]:
    """Return whose files there are, `<who>` of an evidence's name to one file per sample.

    `target` and `paired` are there only where every sample has such a sound: a metric of it is a metric of all samples.
    """
    target = [q.sample.target_audio for q in questions if q.sample.target_audio is not None]
    paired = [q.sample.paired_audio for q in questions if q.sample.paired_audio is not None]
    return {
        **({"target": target} if len(target) == len(questions) else {}),
        "generated": [q.generated for q in questions],
        **({"paired": paired} if len(paired) == len(questions) else {}),
        "video": [q.reference_video for q in questions],
    }


def direct_evidence(
    extractors: Sequence[Extractor], questions: Sequence[Question], features: Features, wanted: Iterable[Metric]
) -> dict[str, Rows]:
    """Return what the features are evidence of as they stand, and a wanted metric takes.

    Args:
        extractors: those of the profile.
        questions: the samples; their files have features.
        features: of all these files.
        wanted: the metrics that are scored.

    Raises:
        ValueError: an extractor yields a feature that no metric takes.
    """
    names, files = taken(wanted), files_of(questions)
    evidence: dict[str, Rows] = {}
    for extractor in extractors:
        _check(extractor)
        for who, paths in files.items():
            if (who == "video") == (extractor.medium == "video"):
                evidence |= _read(extractor, who, paths, names, features)
    return evidence


def _check(extractor: Extractor) -> None:
    known = {name.partition(".")[2] for name in taken(list_metrics(extended=True))}
    for feature in extractor.yields:
        if feature not in known:
            close = nearest(feature, known)
            hint = f"did you mean {joined(close)}?" if close else f"they take {', '.join(sorted(known))}"
            raise ValueError(f'extractor {extractor.name} yields "{feature}", which no metric takes; {hint}')


def _read(
    extractor: Extractor, who: str, paths: Sequence[Path], names: frozenset[str], features: Features
) -> dict[str, Rows]:
    arrays = {f"{who}.{feature}": array for feature, array in extractor.yields.items() if f"{who}.{feature}" in names}
    if not arrays:
        return {}
    found = {path: features.of(extractor, path) for path in dict.fromkeys(paths)}
    once = {array: stacked([found[path][array] for path in paths]) for array in set(arrays.values())}
    return {name: once[array] for name, array in arrays.items()}
