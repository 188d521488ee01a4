"""What a study's clips are to be, before any is made: items, attention items, examples of the tutorial."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, cycle, islice
from pathlib import Path

from benchmark.web.study.choosing import Chosen, balanced
from benchmark.web.study.settings import BadExample, Criterion, Settings
from benchmark.web.study.sounds import Change, Sound
from vgg_monoaudio.dataset import Benchmark, Sample
from vgg_monoaudio.draws import rank

ORACLE, NOISY = "oracle", "oracle-noisy"  # whose sound attention items have
EXAMPLES = 2  # good ones of a criterion, and as many bad ones
_EASY_TO_MISS = (1, 2)  # points that an attention item asks for, though its sound is good


@dataclass(frozen=True)
class Draft:
    """A clip to be made: the picture of a scene with a sound."""

    video: Path
    sound: Sound


@dataclass(frozen=True)
class PlannedAnswer:
    """One answer to a scene; `run` is empty where the sound is made here."""

    model: str
    run: str
    draft: Draft


@dataclass(frozen=True)
class PlannedItem:
    """What is to be judged at a time."""

    sample: Sample
    answers: tuple[PlannedAnswer, ...]
    expected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedExample:
    """A clip of the tutorial; the prompt is what it should sound like."""

    criterion: str
    good: bool
    prompt: str
    draft: Draft


@dataclass(frozen=True)
class Plan:
    """Everything of a study that has clips."""

    items: tuple[PlannedItem, ...]
    attention: tuple[PlannedItem, ...]
    tutorial: tuple[PlannedExample, ...]

    @property
    def drafts(self) -> list[Draft]:
        """Every clip once."""
        answers = [answer.draft for item in (*self.items, *self.attention) for answer in item.answers]
        return list(dict.fromkeys([*answers, *(example.draft for example in self.tutorial)]))

    @property
    def most_of_a_rater(self) -> int:
        """How many items one rater can judge without meeting an answer twice: of five models two pairs of a scene."""
        models: dict[Sample, set[str]] = defaultdict(set)
        for item in self.items:
            models[item.sample].update(answer.model for answer in item.answers)
        return sum(len(of_scene) // len(self.items[0].answers) for of_scene in models.values())


def plan(settings: Settings, criteria: Mapping[str, Criterion], benchmark: Benchmark, chosen: Chosen) -> Plan:
    """Return what is to be made of the samples chosen.

    Attention items and examples show scenes that are not judged, as long as the benchmark has others.
    """
    spare = _spare(settings, benchmark, chosen)
    making = _Making(benchmark, settings.seed)
    attention = tuple(
        making.attention(sample, settings, criteria, place)
        for place, sample in enumerate(islice(spare, settings.attention))
    )
    tutorial = tuple(making.tutorial(criteria, spare)) if settings.tutorial else ()
    return Plan(tuple(_items(settings, benchmark, chosen)), attention, tutorial)


def _items(settings: Settings, benchmark: Benchmark, chosen: Chosen) -> Iterator[PlannedItem]:
    for sample in chosen.samples:
        answers = [
            PlannedAnswer(
                run.model, str(run.directory.path),
                Draft(sample.video, Sound(run.directory.audio(sample.sample_id), benchmark.duration_seconds)),
            )
            for run in sorted(chosen.runs[sample.subset], key=lambda run: run.model)
        ]  # fmt: skip
        for group in combinations(answers, 2 if settings.form == "preference" else 1):
            yield PlannedItem(sample, group)


def _spare(settings: Settings, benchmark: Benchmark, chosen: Chosen) -> Iterator[Sample]:
    """Yield scenes for attention items and examples without end, those first that nobody judges."""
    judged = set(chosen.samples)
    every = [sample for subset in chosen.runs for sample in benchmark.samples(subset)]  # type: ignore[arg-type]
    others = [sample for sample in every if sample not in judged]
    return cycle([*balanced(others, len(others), settings.seed), *balanced(judged, len(judged), settings.seed)])


class _Making:
    """Makes sounds of the benchmark's own."""

    def __init__(self, benchmark: Benchmark, seed: int) -> None:
        self._benchmark, self._seed = benchmark, seed
        self._seconds = benchmark.duration_seconds

    def attention(
        self, sample: Sample, settings: Settings, criteria: Mapping[str, Criterion], place: int
    ) -> PlannedItem:
        """Return an item that asks for an answer which its sound does not suggest."""
        drawn = rank(self._seed, "attention", str(place))
        answers = [PlannedAnswer(ORACLE, "", self._good(sample))]
        wanted = str(_EASY_TO_MISS[drawn % 2])
        if settings.form == "preference":
            answers.append(PlannedAnswer(NOISY, "", Draft(sample.video, self._changed(sample, "noisy"))))
            wanted = "ab"[drawn % 2]
        return PlannedItem(sample, tuple(answers), dict.fromkeys(criteria, wanted))

    def tutorial(self, criteria: Mapping[str, Criterion], scenes: Iterator[Sample]) -> Iterator[PlannedExample]:
        """Yield good and bad examples of each criterion in turn."""
        for name, criterion in criteria.items():
            if criterion.bad_example is None:
                continue
            for place in range(EXAMPLES):
                fine, poor = next(scenes), next(scenes)
                yield PlannedExample(name, True, fine.label, self._good(fine))
                yield PlannedExample(name, False, poor.label, self._bad(poor, criterion.bad_example, place))

    def _good(self, sample: Sample) -> Draft:
        return Draft(sample.video, Sound(self._own(sample), self._seconds))

    def _own(self, sample: Sample) -> Path:
        """Return the target's own sound.

        Raises:
            ValueError: the benchmark has none.
        """
        if sample.target_audio is None:
            raise ValueError(
                f"{self._benchmark.name} has no reference sounds to make attention items and examples from; "
                "set attention = 0 and tutorial = false"
            )
        return sample.target_audio

    def _bad(self, sample: Sample, kind: BadExample, place: int) -> Draft:
        if kind == "noisy":
            return Draft(sample.video, self._changed(sample, "noisy"))
        if kind == "paired":
            return Draft(sample.video, Sound(sample.paired_audio or self._foreign(sample), self._seconds))
        other = self._alike(sample) if place else None  # the right sound of another film is out of step as well
        return Draft(sample.video, Sound(other, self._seconds) if other else self._changed(sample, "shifted"))

    def _changed(self, sample: Sample, change: Change) -> Sound:
        return Sound(self._own(sample), self._seconds, change, self._seed)

    def _alike(self, sample: Sample) -> Path | None:
        """Return the sound of another clip with the same label, if there is one."""
        found = [one.audio for one in self._benchmark.sources
                 if one.audio and one.label == sample.label and one.clip_id != sample.target_id]  # fmt: skip
        return found[rank(self._seed, "alike", sample.sample_id) % len(found)] if found else None

    def _foreign(self, sample: Sample) -> Path:
        """Return the sound of a clip with another label; where there is none, the sample's own."""
        found = [one.audio for one in self._benchmark.sources if one.audio and one.label != sample.label]
        return found[rank(self._seed, "foreign", sample.sample_id) % len(found)] if found else self._own(sample)
