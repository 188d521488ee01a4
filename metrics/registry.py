"""Every metric as a row: name, direction, unit, what it needs, where it stands in a table. Imports none of them."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Role = Literal[
    "audio_embedding",  # of generated and reference audio, (n, d)
    "class_logits",  # of generated and reference audio, (n, c)
    "text_audio",  # embeddings of prompt and generated audio in one space
    "video_audio",  # embeddings of reference video and generated audio in one space
    "offset_logits",  # synchrony of reference video and generated audio, (n, 2, 21)
    "paired_text_audio",  # embeddings of the paired label's prompt, in the space of text_audio
    "paired_class_logits",  # of the paired source's audio
    "paired_audio_similarity",  # similarity of the generated audio to target and paired source audio
    "vggish_embedding",  # of generated and reference audio, (n, e, d): e examples a file
    "passt_embedding",  # of generated and reference audio, (n, d)
    "passt_logits",  # of generated and reference audio, (n, c)
    "onsets",  # of generated and reference audio, n arrays each
]
Group = Literal["Audio Quality", "Semantic Alignment", "Temporal Alignment", "Selectivity", "Extended"]
GROUPS: tuple[Group, ...] = ("Audio Quality", "Semantic Alignment", "Temporal Alignment", "Selectivity", "Extended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a table, a page and the evaluation need to know of a metric.

    Attributes:
        name: key in metrics.json and column of samples.parquet.
        target: "module:function" that computes it, imported on use.
        field: attribute of the function's result that is meant, where the result has several.
        label: heading of its column.
        symbol: heading in LaTeX, without arrow.
        unit: unit of the value, "" for none.
        better: direction.
        per: "sample": one value a sample, the score is their mean; "set": one value a set.
        needs: what the backbones of a profile must provide.
        minimum_samples: fewer give no value.
        decimals: places after the point in the paper's tables.
        group: block of columns it stands in.
        version: moves when scores would.
        headline: one of the seven columns of the paper; the others are shown where there is room.
        partial: a sample may have no score (NaN); the metric is the mean over the others.
        description: one sentence for the docs.
    """

    name: str
    target: str
    label: str
    group: Group
    unit: str
    better: Literal["higher", "lower"]
    per: Literal["sample", "set"]
    needs: tuple[Role, ...]
    decimals: int
    description: str
    minimum_samples: int = 1
    version: int = 1
    field: str | None = None
    symbol: str = ""
    headline: bool = False
    partial: bool = False

    @property
    def extended(self) -> bool:
        """Whether it is scored only when asked for (`--extended`)."""
        return self.group == "Extended"

    @property
    def arrow(self) -> str:
        """The direction as it stands beside a heading."""
        return "↑" if self.better == "higher" else "↓"

    def load(self) -> Callable[..., Any]:
        """Import and return the function that computes it."""
        module, _, function = self.target.partition(":")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return loaded


_ROWS = (
    Metric(
        name="fad",
        target="metrics.fad:frechet_audio_distance",
        label="FAD",
        group="Audio Quality",
        unit="",
        better="lower",
        per="set",
        needs=("audio_embedding",),
        minimum_samples=2,
        decimals=1,
        headline=True,
        description="Fréchet distance between the embeddings of generated and reference audio.",
    ),
    Metric(
        name="fad_infinity",
        target="metrics.fad:fad_infinity",
        label="FAD∞",
        symbol=r"FAD$_\infty$",
        group="Audio Quality",
        unit="",
        better="lower",
        per="set",
        needs=("audio_embedding",),
        minimum_samples=20,
        decimals=1,
        description="FAD extrapolated to sets of infinite size, which takes out the bias of small sets.",
    ),
    Metric(
        name="kad",
        target="metrics.kad:kernel_audio_distance",
        label="KAD",
        group="Audio Quality",
        unit="",
        better="lower",
        per="set",
        needs=("audio_embedding",),
        minimum_samples=2,
        decimals=3,
        headline=True,
        description="Unbiased squared MMD between the embeddings of generated and reference audio, times 100.",
    ),
    Metric(
        name="inception_score",
        target="metrics.inception_score:inception_score",
        label="IS",
        group="Audio Quality",
        unit="",
        better="higher",
        per="set",
        needs=("class_logits",),
        minimum_samples=10,
        decimals=2,
        headline=True,
        description="Inception score of the generated audio: mean over ten splits.",
    ),
    Metric(
        name="kl",
        target="metrics.kl:kl_divergence",
        label="KL",
        group="Semantic Alignment",
        unit="nat",
        better="lower",
        per="sample",
        needs=("class_logits",),
        decimals=2,
        headline=True,
        description="Divergence of the classes heard in the generated audio from those of the target's own audio.",
    ),
    Metric(
        name="clap",
        target="metrics.clap_score:clap_score",
        label="CLAP",
        group="Semantic Alignment",
        unit="",
        better="higher",
        per="sample",
        needs=("text_audio",),
        decimals=3,
        headline=True,
        description="Cosine of prompt and generated audio.",
    ),
    Metric(
        name="imagebind",
        target="metrics.imagebind_score:imagebind_score",
        label="IB",
        group="Semantic Alignment",
        unit="",
        better="higher",
        per="sample",
        needs=("video_audio",),
        decimals=4,
        headline=True,
        description="Cosine of reference video and generated audio.",
    ),
    Metric(
        name="desync",
        target="metrics.desync:desync",
        label="DeSync",
        group="Temporal Alignment",
        unit="s",
        better="lower",
        per="sample",
        needs=("offset_logits",),
        decimals=3,
        headline=True,
        description="How far generated audio and reference video are out of step.",
    ),
    Metric(
        name="text_win_rate",
        target="metrics.selectivity:text_selectivity",
        field="win",
        label="Text win",
        group="Selectivity",
        unit="",
        better="higher",
        per="sample",
        needs=("text_audio", "paired_text_audio"),
        decimals=3,
        description="Share of samples closer to the target's prompt than to the paired label's; a tie counts one half.",
    ),
    Metric(
        name="text_margin",
        target="metrics.selectivity:text_selectivity",
        field="margin",
        label="Text margin",
        group="Selectivity",
        unit="",
        better="higher",
        per="sample",
        needs=("text_audio", "paired_text_audio"),
        decimals=3,
        description="Cosine to the target's prompt minus cosine to the paired label's prompt.",
    ),
    Metric(
        name="audio_win_rate",
        target="metrics.selectivity:audio_selectivity",
        field="win",
        label="Audio win",
        group="Selectivity",
        unit="",
        better="higher",
        per="sample",
        needs=("paired_audio_similarity",),
        decimals=3,
        description="Share of samples closer to the target's audio than to the paired clip's; a tie counts one half.",
    ),
    Metric(
        name="audio_margin",
        target="metrics.selectivity:audio_selectivity",
        field="margin",
        label="Audio margin",
        group="Selectivity",
        unit="",
        better="higher",
        per="sample",
        needs=("paired_audio_similarity",),
        decimals=3,
        description="Cosine to the target's own audio minus cosine to the paired clip's audio.",
    ),
    Metric(
        name="class_win_rate",
        target="metrics.selectivity:class_selectivity",
        field="win",
        label="Class win",
        group="Selectivity",
        unit="",
        better="higher",
        per="sample",
        needs=("class_logits", "paired_class_logits"),
        decimals=3,
        description="Share of samples whose classes are closer to the target's than to the paired clip's.",
    ),
    Metric(
        name="class_margin",
        target="metrics.selectivity:class_selectivity",
        field="margin",
        label="Class margin",
        group="Selectivity",
        unit="nat",
        better="higher",
        per="sample",
        needs=("class_logits", "paired_class_logits"),
        decimals=2,
        description="KL to the paired clip's classes minus KL to the target's classes.",
    ),
    Metric(
        name="fd_vggish",
        target="metrics.fad:frechet_audio_distance",
        label="FD-VGG",
        group="Extended",
        unit="",
        better="lower",
        per="set",
        needs=("vggish_embedding",),
        minimum_samples=2,
        decimals=2,
        description="Fréchet distance between the VGGish embeddings of every 0.96 s of generated and reference audio.",
    ),
    Metric(
        name="fd_passt",
        target="metrics.fad:frechet_audio_distance",
        label="FD-PaSST",
        group="Extended",
        unit="",
        better="lower",
        per="set",
        needs=("passt_embedding",),
        minimum_samples=2,
        decimals=1,
        description="Fréchet distance between the PaSST embeddings of generated and reference audio.",
    ),
    Metric(
        name="inception_score_passt",
        target="metrics.inception_score:inception_score",
        label="IS-PaSST",
        group="Extended",
        unit="",
        better="higher",
        per="set",
        needs=("passt_logits",),
        minimum_samples=10,
        decimals=2,
        description="Inception score by the classes that PaSST hears: mean over ten splits.",
    ),
    Metric(
        name="kl_passt",
        target="metrics.kl:kl_divergence",
        label="KL-PaSST",
        group="Extended",
        unit="nat",
        better="lower",
        per="sample",
        needs=("passt_logits",),
        decimals=2,
        description="Divergence of the classes that PaSST hears in the generated audio from the target's own.",
    ),
    Metric(
        name="onset_accuracy",
        target="metrics.onset:onset_scores",
        field="accuracy",
        label="Onset acc",
        group="Extended",
        unit="",
        better="higher",
        per="sample",
        needs=("onsets",),
        decimals=3,
        partial=True,
        description="Share of the onsets of the target's own audio that the generated audio hits within 0.3 s.",
    ),
    Metric(
        name="onset_average_precision",
        target="metrics.onset:onset_scores",
        field="average_precision",
        label="Onset AP",
        group="Extended",
        unit="",
        better="higher",
        per="sample",
        needs=("onsets",),
        decimals=3,
        partial=True,
        description="Average precision of the generated onsets by confidence, against those of the target's own audio.",
    ),
)
_BY_NAME = {row.name: row for row in _ROWS}


def list_metrics(
    group: Group | None = None, *, headline: bool | None = None, extended: bool = False
) -> tuple[Metric, ...]:
    """Return the metrics in the order of a table's columns.

    Args:
        group: only those of this block of columns.
        headline: True: only the seven of the paper; False: only the others.
        extended: also those that a run has only when asked for; naming their group asks for them too.
    """
    return tuple(
        row
        for row in _ROWS
        if (group is None or row.group == group)
        and (headline is None or row.headline == headline)
        and (extended or group is not None or not row.extended)
    )


def get_metric(name: str) -> Metric:
    """Return the metric of this name.

    Raises:
        ValueError: no metric has it; gives the closest names, or all.
    """
    if name not in _BY_NAME:
        by_label = {row.label.casefold(): row.name for row in _ROWS}
        close = get_close_matches(name.casefold(), [*_BY_NAME, *by_label], n=3, cutoff=0.5)
        names = list(dict.fromkeys(by_label.get(found, found) for found in close))
        hint = f"did you mean {' or '.join(names)}?" if names else f"there are {', '.join(_BY_NAME)}"
        raise ValueError(f'no metric is called "{name}"; {hint}')
    return _BY_NAME[name]
