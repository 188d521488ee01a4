"""What every profile offers: extractors without weights, the same whichever networks score.

A new one is a row of `AUDIO` or `VIDEO`. Where a metric takes something else than the array that is kept, what it takes
is a row of `_VIEWS`; what it takes of the prompts alone is a row of `_PROMPTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.evidence import Rows, Whose, taken
from benchmark.features import Arrays, Extractor
from benchmark.profiles import Derives, Features, Question, front_ends, judged
from benchmark.profiles.direct import Part, backbone_keys, files_of
from benchmark.workers import Medium
from foundation import media
from foundation.extras import load_extra
from foundation.names import load
from metrics import av_align
from metrics.levels import MEASURE_VERSION
from metrics.onset import DETECTOR_VERSION, onset_seconds
from metrics.registry import Metric
from vgg_monoaudio.asked_sounds import unasked_speech


@dataclass(frozen=True)
class PackageRow:
    """An extractor of sounds that a package of an extra brings whole, weights included.

    Attributes:
        name: "<package>.<part>".
        key: "module:function" that returns its content key, and raises MissingPackage where the package is absent.
        licence: of its weights.
        prepare: see `benchmark.workers.Extractor`.
        yields: likewise.
    """

    name: str
    key: str
    licence: str
    prepare: Callable[[Any, float], Arrays]
    yields: Mapping[str, str] = field(default_factory=dict)
    medium: Medium = "audio"


AUDIO: tuple[Extractor | PackageRow, ...] = (
    Extractor("onset.audio", f"v{DETECTOR_VERSION}", "audio", front_ends.prepare_onsets, yields={"onsets": "onsets"}),
    Extractor(
        "av_onset.audio", f"v{av_align.DETECTOR_VERSION}", "audio", front_ends.prepare_onset_times,
        yields={"onset_times": "seconds"},
    ),
    Extractor(
        "levels.audio", f"v{MEASURE_VERSION}", "audio", front_ends.prepare_levels, yields={"levels": "levels"},
        gaps=True,
    ),
    PackageRow("silero.audio", "metrics.backbones.silero:content_key", "MIT", front_ends.prepare_silero),
)  # fmt: skip
VIDEO: tuple[Extractor, ...] = (
    Extractor(
        "flow.video", f"v{av_align.DETECTOR_VERSION}", "video", front_ends.prepare_flow_peaks,
        media.FrameRequest(av_align.FPS, transform=front_ends.short_side), yields={"flow_peaks": "seconds"},
    ),
)  # fmt: skip
_PACKAGES = {"levels.audio": "pyloudnorm", "flow.video": "cv2"}  # of the extra `extended`, by who needs them


def ready(part: Extractor | PackageRow) -> Extractor:
    """Return a part as the extractor that it is.

    Raises:
        foundation.extras.MissingPackage: it needs a package that is not installed.
    """
    if isinstance(part, Extractor):
        return part
    return Extractor(part.name, load(part.key)(), part.medium, part.prepare, yields=part.yields)


@dataclass(frozen=True)
class _View:
    """Evidence that a function makes of one array of one file.

    Attributes:
        who: whose file.
        extractor: name of one of the extractors above.
        array: among what it keeps.
        function: from the array of a file to its row of evidence.
    """

    who: Whose
    extractor: str
    array: str
    function: Callable[[NDArray[Any]], NDArray[Any]]


def _number(array: NDArray[Any]) -> NDArray[Any]:
    """Return the one number that is kept of a file, without an axis: arrays are kept with one at least."""
    return array[0, ...]


_VIEWS: Mapping[str, _View] = {
    "target.onset_seconds": _View("target", "onset.audio", "onsets", onset_seconds),
    "generated.speech_share": _View("generated", "silero.audio", "share", _number),
}
_PROMPTS: Mapping[str, Callable[[Sequence[str]], NDArray[Any]]] = {"prompt.unasked_speech": unasked_speech}
DERIVES: Derives = MappingProxyType(
    {name: ((view.who, view.extractor),) for name, view in _VIEWS.items()} | dict.fromkeys(_PROMPTS, ())
)


def require_packages(extractors: Iterable[Part]) -> None:
    """See that the packages which these extractors use are there, before work begins.

    Raises:
        foundation.extras.MissingPackage: one is not; says how to get it.
    """
    for name in sorted({extractor.name for extractor in extractors} & _PACKAGES.keys()):
        load_extra(_PACKAGES[name], "extended", needed_by=name)


def backbones(extractors: Sequence[Extractor], wanted: Iterable[Metric]) -> dict[str, str]:
    """Return the content key of every backbone that these extractors are part of, and of the judge where one is asked.

    Args:
        extractors: those of the profile.
        wanted: the metrics that are scored.
    """
    return backbone_keys(extractors) | judged.backbones(wanted)


def derived(
    extractors: Sequence[Extractor], questions: Sequence[Question], features: Features, wanted: Iterable[Metric]
) -> dict[str, Rows]:
    """Return the evidence that is made of these extractors' features and that a wanted metric takes.

    Args:
        extractors: those of the profile.
        questions: the samples; their files have features.
        features: of all these files.
        wanted: the metrics that are scored.
    """
    by_name, files = {extractor.name: extractor for extractor in extractors}, files_of(questions)
    names = taken(wanted)
    views = {name: view for name, view in _VIEWS.items() if name in names and view.who in files}
    found: dict[str, Rows] = {
        name: [view.function(row) for row in features.rows(by_name[view.extractor], view.array, files[view.who])]
        for name, view in views.items()
    }
    annotated = [q.sample.onset_seconds for q in questions if q.sample.onset_seconds is not None]
    if "target.onset_seconds" in names and len(annotated) == len(questions):
        found["target.onset_seconds"] = [np.array(times, dtype=np.float64) for times in annotated]  # rather than heard
    return found | of_prompts(_PROMPTS, questions, names)


def of_prompts(
    functions: Mapping[str, Callable[[Sequence[str]], NDArray[Any]]],
    questions: Sequence[Question],
    names: Collection[str],
) -> dict[str, Rows]:
    """Return the evidence that follows from the prompts alone.

    Args:
        functions: from prompts to evidence, by its name.
        questions: the samples.
        names: of the evidence that is wanted.
    """
    prompts = [question.sample.label for question in questions]
    return {name: function(prompts) for name, function in functions.items() if name in names}
