"""The files of two folders as samples, and their features: what can be scored, and why the others cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.features import Extracted, FeatureStore, Wanted, extract
from benchmark.folders.matching import Sides
from benchmark.profiles import Features, Profile, Question
from benchmark.profiles.direct import wanted_features
from benchmark.profiles.gathering import wanted_files
from foundation.work import Progress
from vgg_monoaudio.dataset import Sample, Source

_TOO_SHORT = re.compile(r"too short: | s are scored$")  # of a film, of a sound


class NothingLeft(Exception):
    """Nothing of two folders could be scored; the message says why."""


@dataclass(frozen=True)
class Read:
    """What was read of two folders.

    Attributes:
        questions: the samples that can be scored, sorted by name.
        references: reference sounds that can be used and have no sample, in the place of generated ones; of unpaired
            folders.
        features: of all their files.
        failures: name to why it is not scored.
    """

    questions: list[Question]
    references: list[Question]
    features: Features
    failures: dict[str, str]


def read(
    sides: Sides,
    profile: Profile,
    store: FeatureStore,
    *,
    seconds: float,
    workers: int | None,
    progress: Progress | None,
) -> Read:
    """Compute the features of all files that can be scored.

    Raises:
        NothingLeft: there is none, on one of the sides.
    """
    questions = [_question(sides, name) for name in sides.complete]
    references = [] if sides.paired else [_alone(name, path) for name, path in sorted(sides.reference.items())]
    if not questions:
        name, reason = next(iter(sides.lacking.items()))
        raise NothingLeft(f"none of {len(sides.expected)} names can be scored; {name}: {reason}")
    of_target = wanted_features(profile)["target"]
    wanted = [
        *wanted_files(questions, sources_of(questions), profile),
        *(Wanted(one.generated, "audio", of_target) for one in references),
    ]
    needed = [item for item in wanted if item.extractors]
    extracted = extract(needed, store, seconds=seconds, workers=workers, progress=progress)
    failed = {q.sample.sample_id: reason for q in questions if (reason := _failure(q, extracted))}
    lost = {str(one.generated): reason for one in references if (reason := _failure(one, extracted))}
    usable = [q for q in questions if q.sample.sample_id not in failed]
    left = [one for one in references if str(one.generated) not in lost]
    if not usable or (references and not left):
        raise NothingLeft(_why_none(failed if not usable else lost, sides.lacking))
    features = Features(store, extracted.sha256, extracted.timed)
    return Read(usable, left, features, {**sides.lacking, **failed, **lost})


def _why_none(failed: Mapping[str, str], lacking: Mapping[str, str]) -> str:
    """Return why nothing can be scored: of files that cannot be used, and of names that lack one."""
    reason = next(iter(failed.values()))
    hint = "; --seconds says how much is scored" if _TOO_SHORT.search(reason) else ""
    text = f"none of the sounds can be scored; the first: {reason}{hint}"
    if lacking:
        name, reason = next(iter(lacking.items()))
        text += f"; {len(lacking)} more lack{'s' if len(lacking) == 1 else ''} a file or a prompt; {name}: {reason}"
    return text


def _question(sides: Sides, name: str) -> Question:
    """Return a name as a sample of single clips; without films no extractor reads the video that is named."""
    generated = sides.generated[name]
    film = generated if sides.films is None else sides.films[name]
    label = "" if sides.prompts is None else sides.prompts[name]
    target = sides.reference[name] if sides.paired else None
    return Question(replace(_alone(name, film).sample, label=label, target_audio=target), generated, film)


def _alone(name: str, path: Path) -> Question:
    """Return a file of which nothing else is known."""
    sample = Sample(
        sample_id=name, subset="single", label="", paired_label="", target_id=name, paired_id="", target_category="",
        paired_category="", target_side="", sha256="", video=path, target_audio=None, target_video=path,
        paired_audio=None, paired_video=None,
    )  # fmt: skip
    return Question(sample, path, path)


def _failure(question: Question, extracted: Extracted) -> str:
    """Return why a sample's files cannot be used; "" where they can."""
    files = (question.generated, question.sample.target_audio, question.reference_video)
    return next((extracted.failures[path] for path in files if path is not None and path in extracted.failures), "")


def sources_of(questions: Sequence[Question], sha256: Mapping[Path, str] | None = None) -> list[Source]:
    """Return the reference sounds with their labels; with hashes, each content once, as a benchmark has its sources."""
    found: dict[tuple[str, str], Source] = {}
    for question in questions:
        sample, sound = question.sample, question.sample.target_audio
        if sound is not None:
            content = str(sound) if sha256 is None else sha256[sound]
            source = Source(sample.sample_id, sample.label, "", sound, sample.target_video)
            found.setdefault((content, sample.label), source)
    return list(found.values())
