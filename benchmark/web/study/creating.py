"""Creating a study: from settings and finished runs to a folder that can be served, whole or to be gone on with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.web.study.choosing import Chosen, choose
from benchmark.web.study.clips import SAME_TIME, Workshop, opaque, remove_unused
from benchmark.web.study.design import TRIALS, Answer, Clip, Design, Example, Item, StudyFolder, Trial
from benchmark.web.study.estimate import Estimate
from benchmark.web.study.headphones import kinds, write_trial
from benchmark.web.study.planning import Draft, Plan, PlannedItem, plan
from benchmark.web.study.settings import Criterion, Problem, Settings, UnusableSettings, too_few_for_repeats
from benchmark.web.study.texts import wordings
from benchmark.web.tokens import read_secret
from foundation.disk import check_folder
from foundation.files import fingerprint, remove_partials
from foundation.flushing import make_folder
from foundation.locks import Lock
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark

_LONGEST_SHOWN = 60  # letters of a value that a message names


@dataclass(frozen=True)
class Created:
    """A study that can be served.

    Attributes:
        is_new: it was made or finished now, not before.
        left_out: samples that a run has no answer to, and that were therefore not drawn from.
        asked_items: items that a rater was to judge by the settings; more than `design.items_per_rater` where there
            are not so many for one rater. None: minutes were given.
    """

    folder: StudyFolder
    design: Design
    is_new: bool
    left_out: tuple[str, ...]
    asked_items: int | None


def create_study(
    settings: Settings, path: Path, benchmark: Benchmark, folder: Path, *, report: Progress = lambda *_: None
) -> Created:
    """Create a study. What an interrupted creation has made already stays; what is whole is left as it is.

    Args:
        settings: of the study.
        path: of their file, for messages.
        benchmark: that the runs were made of.
        folder: of the study; absent, empty, or of an interrupted creation.
        report: called as clips are made.

    Raises:
        UnusableSettings: runs, samples, wordings or minutes that no study can be made of; names each.
        OtherStudy: the folder holds one of other settings or runs; names what differs.
        ValueError: the folder holds something else.
        vgg_monoaudio.dataset.BenchmarkError: a file of the benchmark is not the one that was built.
        foundation.media.MediaError: a sound that cannot be read.
        foundation.files.WriteFailed: the disk is full.
    """
    texts, criteria, chosen = _worded_and_chosen(settings, path, benchmark)
    mark = _fingerprint(settings, texts, criteria, benchmark, chosen)
    asked = _asked(settings, chosen)
    contents = _contents(asked, f"{benchmark.name} {benchmark.version}", criteria, texts)
    place = StudyFolder(folder)
    if _is_whole(place, mark, contents):  # before the lock: a server that shows the study has it all day
        return Created(place, place.read(), False, chosen.left_out, settings.items_per_rater)
    check_folder(folder)
    planned = plan(settings, criteria, benchmark, chosen)
    items, estimate = _items_per_rater(settings, path, criteria, planned)
    with Lock(folder):
        if _is_whole(place, mark, contents):
            return Created(place, place.read(), False, chosen.left_out, settings.items_per_rater)
        make_folder(folder)
        remove_partials(folder, alone=True)
        secret = read_secret(place.secret)
        used = {file for draft in planned.drafts for file in (draft.video, draft.sound.path)}
        benchmark.check_files(file for file in used if file in benchmark.recorded_sha256)
        workshop = Workshop(place, secret, report)
        clips, target = workshop.make(planned.drafts, equal=settings.loudness == "equal")
        frozen = _Freezing(secret, clips)
        design = Design.model_validate(dict(
            **_settings_kept(settings), **_time_kept(settings, estimate, items), **frozen.all(planned), schema=1,
            fingerprint=mark, asked=asked, benchmark=f"{benchmark.name} {benchmark.version}", criteria=criteria,
            texts=texts, target_lufs=target, headphones=_headphones(settings, place, secret),
        ))  # fmt: skip
        remove_unused(place, design.clips)
        place.write(design)
    return Created(place, design, True, chosen.left_out, settings.items_per_rater)


class OtherStudy(ValueError):
    """A folder that holds another study than the one to be created; `problems` names each key that differs."""

    def __init__(self, folder: Path, there: Mapping[str, object], asked: Mapping[str, object]) -> None:
        """Compare what is there with what is asked for, value by value."""
        way_out = "choose another folder with --out, or another `name`"
        super().__init__(f"{folder}: holds a study of other settings or runs; {way_out}")
        keys = [key for key in {**there, **asked} if there.get(key) != asked.get(key)]
        told = [f"{key}: {_shown(there, key)} there, {_shown(asked, key)} asked for" for key in keys]
        self.problems = list(map(Problem, told or ["samples: others are drawn, since other samples have answers now"]))


def _shown(contents: Mapping[str, object], key: str) -> str:
    """Return a value on one short line, as a message names it."""
    if key not in contents:
        return "nothing"
    value = repr(contents[key])
    return value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}..."


class _Freezing:
    """Turns what was planned into what is kept."""

    def __init__(self, secret: bytes, clips: Mapping[Draft, Clip]) -> None:
        self._secret, self._clips = secret, clips

    def all(self, planned: Plan) -> dict[str, object]:
        """Return what a design has of everything with clips."""
        return {
            "items": tuple(map(self._item, planned.items)),
            "attention": tuple(map(self._item, planned.attention)),
            "tutorial": tuple(
                Example(criterion=one.criterion, good=one.good, prompt=one.prompt, clip=self._clips[one.draft])
                for one in planned.tutorial
            ),
        }

    def _item(self, planned: PlannedItem) -> Item:
        sample = planned.sample
        models = [answer.model for answer in planned.answers]
        kind = "attention" if planned.expected else "item"
        return Item(
            item=opaque(self._secret, kind, sample.subset, sample.sample_id, models),
            subset=sample.subset, sample_id=sample.sample_id, category=sample.target_category, prompt=sample.label,
            answers=tuple(Answer(model=one.model, run=one.run, clip=self._clips[one.draft]) for one in planned.answers),
            expected=dict(planned.expected),
        )  # fmt: skip


def _settings_kept(settings: Settings) -> dict[str, object]:
    """Return what a design takes as it is."""
    kept = set(Design.model_fields) & set(Settings.model_fields)
    made_here = {"items_per_rater", "criteria", "texts", "attention"}
    return {name: getattr(settings, name) for name in kept - made_here if name != "tutorial"}


def _fingerprint(
    settings: Settings, texts: object, criteria: Mapping[str, Criterion], benchmark: Benchmark, chosen: Chosen
) -> str:
    """Return what tells this study from every other: what it asks, of which answers, in which words."""
    content = settings.model_dump(mode="json", exclude={"runs", "criteria", "texts"})
    asked = {name: criterion.content() for name, criterion in criteria.items()}
    runs = [[subset, run.model, run.record.fingerprint] for subset, found in chosen.runs.items() for run in found]
    samples = [[sample.subset, sample.sample_id, sample.sha256] for sample in chosen.samples]
    return fingerprint([content, asked, texts, benchmark.name, benchmark.version, sorted(runs), samples])


def _worded_and_chosen(
    settings: Settings, path: Path, benchmark: Benchmark
) -> tuple[dict[str, dict[str, str]], dict[str, Criterion], Chosen]:
    """Return sentences, criteria, and what is judged.

    Raises:
        UnusableSettings: names what is wrong with any of them.
    """
    try:
        texts, criteria = wordings(settings, path)
    except UnusableSettings as of_words:
        try:
            choose(settings, path, benchmark)
        except UnusableSettings as of_runs:
            raise UnusableSettings(path, of_words.problems + of_runs.problems) from of_words
        raise
    return texts, criteria, choose(settings, path, benchmark)


def _asked(settings: Settings, chosen: Chosen) -> dict[str, Any]:
    """Return the settings as a design keeps them: in place of paths, which run of which model was found there."""
    runs = {f"{subset}/{run.model}": run.record.fingerprint for subset, found in chosen.runs.items() for run in found}
    return {**settings.model_dump(mode="json", exclude={"criteria", "texts"}), "runs": runs}


def _contents(
    asked: Mapping[str, Any], benchmark: str, criteria: Mapping[str, Criterion], texts: Mapping[str, Any]
) -> dict[str, object]:
    """Return every value that makes a study what it is, by its key as in the settings: `criteria.AQ.name`."""
    scales = {name: criterion.content() for name, criterion in criteria.items()}
    return dict(_leaves({**asked, "benchmark": benchmark, "criteria": scales, "texts": texts}))


def _leaves(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def _is_whole(place: StudyFolder, mark: str, contents: Mapping[str, object]) -> bool:
    """Tell whether this very study is there already, whole.

    Args:
        place: where it would be.
        mark: its fingerprint.
        contents: what it is, to say in what another one differs.

    Raises:
        OtherStudy: another study is there.
        ValueError: something else is there; names it.
    """
    if place.design.is_file():
        found = place.read()
        if found.fingerprint != mark:
            raise OtherStudy(place.path, _contents(found.asked, found.benchmark, found.criteria, found.texts), contents)
        return True
    foreign = [] if not place.path.is_dir() or place.secret.is_file() else list(place.path.iterdir())
    if foreign:
        raise ValueError(f"{place.path}: holds {min(foreign).name}, and no study; choose another folder with --out")
    return False


def _items_per_rater(
    settings: Settings, path: Path, criteria: Mapping[str, Criterion], planned: Plan
) -> tuple[int, Estimate]:
    """Return how many items a rater judges, and what that takes.

    Raises:
        UnusableSettings: the minutes do not suffice for one, or there are too few to judge some again.
    """
    seconds = [sum(answer.draft.sound.seconds for answer in item.answers) for item in planned.items]
    estimate = Estimate(
        item_seconds=sum(seconds) / len(seconds), criteria=len(criteria),
        tutorial_seconds=sum(example.draft.sound.seconds for example in planned.tutorial),
        trials=TRIALS if settings.headphone_check else 0, questions=len(settings.questionnaire),
        extra=settings.repeats + settings.attention,
    )  # fmt: skip
    items = planned.most_of_a_rater
    if settings.items_per_rater is not None:
        items = min(items, settings.items_per_rater)
    if settings.minutes_per_rater is not None:
        try:
            items = min(items, estimate.items_within(settings.minutes_per_rater))
        except ValueError as error:
            raise UnusableSettings(path, [Problem(str(error))]) from error
    problems = [Problem(told) for told in too_few_for_repeats(settings.repeats, items)]
    if problems:
        raise UnusableSettings(path, problems)
    return items, estimate


def _time_kept(settings: Settings, estimate: Estimate, items: int) -> dict[str, object]:
    """Return what a design has of how much one rater does, and how long that takes."""
    minutes = settings.minutes_per_rater
    return {
        "items_per_rater": items,
        "seconds_per_rater": estimate.seconds(items),
        "each_seconds": estimate.each_seconds,
        "limit_seconds": None if minutes is None else 60 * minutes - estimate.around_seconds,
    }


def _headphones(settings: Settings, place: StudyFolder, secret: bytes) -> tuple[Trial, ...]:
    """Write the sounds of the headphone check, if there is one."""
    if not settings.headphone_check:
        return ()
    trials = []
    for number, (softest, turned) in enumerate(kinds(settings.seed)):
        sound = opaque(secret, "trial", number)
        path = place.sound(sound)
        write_trial(path, softest, turned)
        os.utime(path, (SAME_TIME, SAME_TIME))
        size = path.stat().st_size
        trials.append(Trial.model_validate({"sound": sound, "softest": softest, "size_bytes": size}))
    return tuple(trials)
