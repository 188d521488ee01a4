"""What every profile offers: extractors without weights, the same whichever networks score.

A new one is a row of `AUDIO` or `VIDEO`. Where a metric takes something else than the array that is kept, what it takes
is a row of `_VIEWS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from benchmark.evidence import Rows, Whose, taken
from benchmark.features import Extractor
from benchmark.profiles import Derives, Features, Question, front_ends
from benchmark.profiles.direct import files_of
from metrics.onset import DETECTOR_VERSION, onset_seconds
from metrics.registry import Metric

AUDIO: tuple[Extractor, ...] = (
    Extractor("onset.audio", f"v{DETECTOR_VERSION}", "audio", front_ends.prepare_onsets, yields={"onsets": "onsets"}),
)
VIDEO: tuple[Extractor, ...] = ()


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


_VIEWS: Mapping[str, _View] = {"target.onset_seconds": _View("target", "onset.audio", "onsets", onset_seconds)}
DERIVES: Derives = MappingProxyType({name: ((view.who, view.extractor),) for name, view in _VIEWS.items()})


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
    views = {name: view for name, view in _VIEWS.items() if name in taken(wanted) and view.who in files}
    return {
        name: [view.function(row) for row in features.rows(by_name[view.extractor], view.array, files[view.who])]
        for name, view in views.items()
    }
