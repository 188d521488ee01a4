"""What SAM-Audio Judge says of a run's answers: evidence that every profile has where the judge is set up.

The judge is a program in an environment of its own. It is started where a wanted metric takes its opinions and some are
not kept yet, and never else. Without it, or where scenes have no mixture, its metrics stay empty with the reason, and
all others are scored.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmark.evidence import Evidence, taken
from benchmark.features import Extractor
from benchmark.pending import Pending
from benchmark.profiles import Features, Question, front_ends
from benchmark.runs import MetricsRecord
from foundation import media
from foundation.files import content_sha256
from foundation.work import Progress
from metrics.registry import Metric
from vgg_monoaudio.dataset import Benchmark

if TYPE_CHECKING:
    from baselines import GenerationError
    from baselines.programs.judging import Judge, Opinion, Sound

log = logging.getLogger(__name__)

BACKBONE = "sam-audio-judge"
NUMBERS = ("recall", "precision", "faithfulness")
BATCH_SIZE = 16
_METRICS = frozenset(f"judge_{number}" for number in NUMBERS)
_NAMES = {f"pair.judge_{number}": place for place, number in enumerate(NUMBERS)}
_NO_MIXTURE = {
    "target": "the soundtrack of these scenes is the target alone; the judge compares an answer with a mixture",
    "none": "these scenes are silent; the judge compares an answer with a mixture",
}
_FAILED = "the judge failed on every sample"
_LACKING = 48  # samples, 1 ms: what resampling may round off


@dataclass(frozen=True)
class Opinions:
    """What the judge says.

    Attributes:
        evidence: by its name, float64 (n,); NaN for a sample that the judge failed on.
        absent: why there is none, by the name of the evidence.
    """

    evidence: Evidence = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def wanted_of_judge(wanted: Iterable[Metric]) -> tuple[str, ...]:
    """Return the names of the judge's evidence that a wanted metric takes."""
    names = taken(wanted)
    return tuple(name for name in _NAMES if name in names)


def backbones(wanted: Iterable[Metric]) -> dict[str, str]:
    """Return the judge's content key, for the record; none where it is not wanted, or not set up. Nothing is started.

    Args:
        wanted: the metrics that are scored.
    """
    if not wanted_of_judge(wanted):
        return {}
    judge = _judge()
    return {} if isinstance(judge, str) else {BACKBONE: judge.key}


def opinions(
    questions: Sequence[Question],
    built: Benchmark,
    features: Features,
    wanted: Iterable[Metric],
    progress: Progress | None = None,
) -> Opinions:
    """Return what the judge says of each answer, as part of its scene's sound; what is kept is not asked again.

    Args:
        questions: the samples to be scored.
        built: the benchmark that they are of.
        features: of their files; opinions are kept beside them.
        wanted: the metrics that are scored.
        progress: called as answers are judged.

    Raises:
        vgg_monoaudio.dataset.BenchmarkError: a scene is not the one that was built.
        foundation.files.WriteFailed: opinions cannot be kept.
    """
    names = wanted_of_judge(wanted)
    if not names or not questions:
        return Opinions()
    judge = _without_mixture(built) or _judge()
    if isinstance(judge, str):
        return Opinions(absent=dict.fromkeys(names, judge))
    place = Extractor(f"{BACKBONE}.opinions", judge.key, "audio", front_ends.keep_frames)  # name and key alone count
    marks = [_mark(question) for question in questions]
    missing = {
        mark: question
        for mark, question in zip(marks, questions, strict=True)
        if not features.store.has(place, mark, timed=question.generated in features.timed)
    }
    failures = _Asking(judge, place, built, features).ask(missing, progress) if missing else {}
    for mark, reason in failures.items():
        log.warning("%s: no opinion of the judge, so no score by it: %s", missing[mark].sample.sample_id, reason)
    if not set(marks) - set(failures):
        reason = f"{_FAILED}; on the first: {' '.join(failures[marks[0]].split())}"  # a log's last lines are among it
        return Opinions(absent=dict.fromkeys(names, reason))
    none = np.full(len(NUMBERS), np.nan)
    rows = [none if mark in failures else features.store.read(place, mark)["opinion"] for mark in marks]
    table = np.stack(rows).astype(np.float64)
    return Opinions({name: table[:, _NAMES[name]] for name in names})


def asks_again(record: MetricsRecord) -> bool:
    """Tell whether a scored run lacks opinions that a judge may have by now: its failures are a program's, and pass.

    Args:
        record: of the run, by the choices and the judge of today.
    """
    values = [value for name, value in record.metrics.items() if name in _METRICS]
    return BACKBONE in record.scoring.backbones and any(
        (value.reason or "").startswith(_FAILED) or (value.value is not None and value.n < (record.counts.scored or 0))
        for value in values
    )


@dataclass(frozen=True)
class _Asking:
    """A judge that is asked about the answers of one run.

    Attributes:
        judge: started with the first question.
        place: where its opinions are kept.
        built: the benchmark.
        features: beside which they are kept.
    """

    judge: Judge
    place: Extractor
    built: Benchmark
    features: Features

    def ask(self, missing: Mapping[str, Question], progress: Progress | None) -> dict[str, str]:
        """Keep what the judge says, and return why there is no opinion of the others; both by mark."""
        self.built.check_files([question.sample.video for question in missing.values()])
        failures: dict[str, str] = {}
        todo = list(missing.items())
        try:
            with Pending(self.features.store) as pending:
                for start in range(0, len(todo), BATCH_SIZE):
                    part = dict(todo[start : start + BATCH_SIZE])
                    failed = self._batch(part, pending)
                    failures |= failed
                    rest = todo[start + BATCH_SIZE :]
                    if len(failed) == len(part) and rest:  # it is the judge, and would take hours to fail on all
                        told = "it failed on a whole batch before, so it was not asked"
                        return failures | dict.fromkeys(dict(rest), told)
                    if progress:
                        progress("opinions", len(todo) - len(rest), len(todo))
        finally:
            self.judge.close()  # it holds memory that the next run's networks may want
        return failures

    def _batch(self, part: Mapping[str, Question], pending: Pending) -> dict[str, str]:
        from baselines import GenerationError, Request

        failed: dict[str, str] = {}
        sounds: dict[str, tuple[Sound, Sound]] = {}
        for mark, question in part.items():
            try:
                sounds[mark] = self._sounds(question)
            except media.MediaError as error:
                failed[mark] = str(error)
        requests = [  # a mark in the place of a sample's name: it is asked about once, and answered once
            Request(mark, part[mark].sample.video, part[mark].sample.label, "", self.built.duration_seconds, seed=0)
            for mark in sounds
        ]
        mixtures, answers = ({mark: both[place] for mark, both in sounds.items()} for place in (0, 1))
        found: list[Opinion | GenerationError] = self.judge.judge(requests, mixtures, answers) if requests else []
        for mark, said in zip(sounds, found, strict=True):
            if isinstance(said, GenerationError):
                failed[mark] = str(said)
            else:
                numbers = np.array([getattr(said, number) for number in NUMBERS], np.float32)
                pending.add(self.place, mark, {"opinion": numbers}, part[mark].generated.stem)
        pending.write_due()
        return failed

    def _sounds(self, question: Question) -> tuple[Sound, Sound]:
        """Return the scene's sound and the answer, of one length at the judge's rate.

        Raises:
            foundation.media.MediaError: one of them cannot be read, or is shorter than what is scored.
        """
        rate, seconds = self.judge.sample_rate or 0, self.built.duration_seconds
        both = []
        for path in (question.sample.video, question.generated):
            sound = media.read_audio(path, sample_rate=rate, seconds=seconds)
            if sound.size < round(seconds * rate) - _LACKING:
                raise media.MediaError(path, f"{sound.size / rate:.3f} s of sound, {seconds:g} s are judged")
            if not np.isfinite(sound).all():
                raise media.MediaError(path, "holds samples that are not finite")
            both.append(sound)
        length = min(sound.size for sound in both)
        return (both[0][:length], rate), (both[1][:length], rate)


def _mark(question: Question) -> str:
    """Return what an opinion is of: the bytes of scene and answer, and the prompt."""
    parts = (question.sample.sha256, content_sha256(question.generated), question.sample.label)
    return hashlib.sha256("+".join(parts).encode()).hexdigest()


def _judge() -> Judge | str:
    """Return the judge as it is set up on this machine, not started; else why it is not, in one line."""
    from baselines.programs.judging import judge_class, judge_wanted
    from baselines.programs.process import MissingProgram

    try:
        return judge_class()(**judge_wanted())
    except (MissingProgram, ValueError, OSError) as error:
        why = str(error).partition("\n")[0].removeprefix(f"{BACKBONE}: ")
        return f"SAM-Audio Judge is not set up: {why}; `python -m benchmark doctor --model {BACKBONE}` says what to do"


def _without_mixture(built: Benchmark) -> str:
    """Return why there is no mixture to judge against; "" where there is one."""
    if "single" in built.subsets:
        return "single clips have no mixture, which the judge compares an answer with"
    return _NO_MIXTURE.get(built.record.settings.soundtrack, "")
