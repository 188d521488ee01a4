"""The list of all metrics, one row each (`metrics.metric.Metric`). Imports none of them."""

from collections.abc import Sequence

from foundation.names import joined, nearest
from metrics.metric import GROUPS, Better, Group, Metric

__all__ = [
    "GROUPS",
    "Better",
    "Group",
    "Metric",
    "chosen_metrics",
    "get_metric",
    "list_metrics",
    "markdown_table",
    "metric_names",
]

_ALL_ASKED = "no prompt is known not to ask for it"
_NO_OPINION = "the judge has no opinion of any sample"

_ROWS = (
    Metric(
        name="fad",
        target="metrics.fad:frechet_audio_distance",
        takes=("target.embedding", "generated.embedding"),
        resampler="metrics.fad:ResampledFrechet",
        label="FAD",
        group="Audio Quality",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=1,
        headline=True,
        least=0,
        description="Fréchet distance between the embeddings of generated and reference audio.",
    ),
    Metric(
        name="fad_infinity",
        target="metrics.fad:fad_infinity",
        takes=("target.embedding", "generated.embedding"),
        label="FAD∞",
        symbol=r"FAD$_\infty$",
        group="Audio Quality",
        better="lower",
        per="set",
        minimum_samples=20,
        decimals=1,
        description="FAD extrapolated to sets of infinite size, which takes out the bias of small sets.",
    ),
    Metric(
        name="kad",
        target="metrics.kad:kernel_audio_distance",
        takes=("target.kad_embedding", "generated.kad_embedding"),
        resampler="metrics.kad:ResampledKernel",
        settings=("bandwidth_from",),
        label="KAD",
        group="Audio Quality",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=3,
        headline=True,
        description="Unbiased squared MMD between the embeddings of generated and reference audio, times 100.",
    ),
    Metric(
        name="inception_score",
        target="metrics.inception_score:inception_score",
        takes=("generated.logits",),
        resampler="metrics.inception_score:ResampledInception",
        label="IS",
        group="Audio Quality",
        better="higher",
        per="set",
        minimum_samples=10,
        decimals=2,
        headline=True,
        least=1,
        description="Inception score of the generated audio: mean over ten splits.",
    ),
    Metric(
        name="kad_generated_bandwidth",
        target="metrics.kad:kernel_audio_distance",
        takes=("target.kad_embedding", "generated.kad_embedding"),
        resampler="metrics.kad:ResampledKernel",
        fixed=(("bandwidth_from", "generated"),),
        label="KAD (gen.)",
        group="Audio Quality",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=3,
        on_request=True,
        description="KAD with the bandwidth of the generated set, whatever --bandwidth-from says.",
    ),
    Metric(
        name="kad_reference_bandwidth",
        target="metrics.kad:kernel_audio_distance",
        takes=("target.kad_embedding", "generated.kad_embedding"),
        resampler="metrics.kad:ResampledKernel",
        fixed=(("bandwidth_from", "reference"),),
        label="KAD (ref.)",
        group="Audio Quality",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=3,
        on_request=True,
        description="KAD with the bandwidth of the reference set, whatever --bandwidth-from says.",
    ),
    Metric(
        name="pq",
        target="metrics.aesthetics:aesthetics",
        takes=("generated.aesthetics",),
        field="quality",
        label="PQ",
        group="Audio Quality",
        better="higher",
        per="sample",
        decimals=2,
        on_request=True,
        description="Production quality of the generated audio, 1 to 10, as Audiobox Aesthetics predicts its rating.",
    ),
    Metric(
        name="pc",
        target="metrics.aesthetics:aesthetics",
        takes=("generated.aesthetics",),
        field="complexity",
        label="PC",
        group="Audio Quality",
        better="neither",
        per="sample",
        decimals=2,
        on_request=True,
        description="Production complexity, likewise: how many things sound; more is not better.",
    ),
    Metric(
        name="ce",
        target="metrics.aesthetics:aesthetics",
        takes=("generated.aesthetics",),
        field="enjoyment",
        label="CE",
        group="Audio Quality",
        better="higher",
        per="sample",
        decimals=2,
        on_request=True,
        description="Content enjoyment, likewise.",
    ),
    Metric(
        name="cu",
        target="metrics.aesthetics:aesthetics",
        takes=("generated.aesthetics",),
        field="usefulness",
        label="CU",
        group="Audio Quality",
        better="higher",
        per="sample",
        decimals=2,
        on_request=True,
        description="Content usefulness, likewise: how fit the sound is as material for other works.",
    ),
    Metric(
        name="loudness",
        target="metrics.levels:sound_levels",
        takes=("generated.levels",),
        field="loudness",
        label="Loudness",
        group="Audio Quality",
        unit="LUFS",
        better="neither",
        per="sample",
        decimals=1,
        partial=True,
        on_request=True,
        description="Integrated loudness of the generated audio by BS.1770-4.",
    ),
    Metric(
        name="true_peak",
        target="metrics.levels:sound_levels",
        takes=("generated.levels",),
        field="true_peak",
        label="True peak",
        group="Audio Quality",
        unit="dBTP",
        better="neither",
        per="sample",
        decimals=1,
        partial=True,
        on_request=True,
        description="Highest level of the generated audio between its samples, at four times the rate.",
    ),
    Metric(
        name="silence_share",
        target="metrics.levels:sound_levels",
        takes=("generated.levels",),
        field="silence_share",
        label="Silence",
        group="Audio Quality",
        better="neither",
        per="sample",
        decimals=2,
        on_request=True,
        least=0,
        most=1,
        description="Share of the generated audio's frames of 50 ms below -60 dBFS.",
    ),
    Metric(
        name="kl",
        target="metrics.kl:kl_divergence",
        takes=("target.logits", "generated.logits"),
        label="KL",
        group="Semantic Alignment",
        unit="nat",
        better="lower",
        per="sample",
        decimals=2,
        headline=True,
        least=0,
        description="Divergence of the classes heard in the generated audio from those of the target's own audio.",
    ),
    Metric(
        name="clap",
        target="metrics.clap_score:clap_score",
        takes=("prompt.clap", "generated.clap"),
        label="CLAP",
        group="Semantic Alignment",
        better="higher",
        per="sample",
        decimals=3,
        headline=True,
        least=-1,
        most=1,
        description="Cosine of prompt and generated audio.",
    ),
    Metric(
        name="imagebind",
        target="metrics.imagebind_score:imagebind_score",
        takes=("video.imagebind", "generated.imagebind"),
        label="IB",
        group="Semantic Alignment",
        better="higher",
        per="sample",
        decimals=4,
        headline=True,
        least=-1,
        most=1,
        description="Cosine of reference video and generated audio.",
    ),
    Metric(
        name="desync",
        target="metrics.desync:desync",
        takes=("pair.offset_logits",),
        label="DeSync",
        group="Temporal Alignment",
        unit="s",
        better="lower",
        per="sample",
        decimals=3,
        headline=True,
        least=0,
        most=2,
        description="How far generated audio and reference video are out of step.",
    ),
    Metric(
        name="av_align",
        target="metrics.av_align:av_align",
        takes=("generated.onset_times", "video.flow_peaks"),
        label="AV-Align",
        group="Temporal Alignment",
        better="higher",
        per="sample",
        decimals=3,
        partial=True,
        on_request=True,
        least=0,
        most=1,
        description="Share of the onsets of sound and peaks of motion that fall together within a frame of video.",
    ),
    Metric(
        name="text_win_rate",
        target="metrics.selectivity:text_selectivity",
        takes=("prompt.clap", "paired_label.clap", "generated.clap"),
        field="win",
        label="Text win",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=3,
        least=0,
        most=1,
        description="Share of samples closer to the target's prompt than to the paired label's; a tie counts one half.",
    ),
    Metric(
        name="text_margin",
        target="metrics.selectivity:text_selectivity",
        takes=("prompt.clap", "paired_label.clap", "generated.clap"),
        field="margin",
        label="Text margin",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=3,
        least=-2,
        most=2,
        description="Cosine to the target's prompt minus cosine to the paired label's prompt.",
    ),
    Metric(
        name="audio_win_rate",
        target="metrics.selectivity:audio_selectivity",
        takes=("target.clap", "paired.clap", "generated.clap"),
        field="win",
        label="Audio win",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=3,
        least=0,
        most=1,
        description="Share of samples closer to the target's audio than to the paired clip's; a tie counts one half.",
    ),
    Metric(
        name="audio_margin",
        target="metrics.selectivity:audio_selectivity",
        takes=("target.clap", "paired.clap", "generated.clap"),
        field="margin",
        label="Audio margin",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=3,
        least=-2,
        most=2,
        description="Cosine to the target's own audio minus cosine to the paired clip's audio.",
    ),
    Metric(
        name="class_win_rate",
        target="metrics.selectivity:class_selectivity",
        takes=("target.logits", "paired.logits", "generated.logits"),
        field="win",
        label="Class win",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=3,
        least=0,
        most=1,
        description="Share of samples whose classes are closer to the target's than to the paired clip's.",
    ),
    Metric(
        name="class_margin",
        target="metrics.selectivity:class_selectivity",
        takes=("target.logits", "paired.logits", "generated.logits"),
        field="margin",
        label="Class margin",
        group="Selectivity",
        unit="nat",
        better="higher",
        per="sample",
        decimals=2,
        description="KL to the paired clip's classes minus KL to the target's classes.",
    ),
    Metric(
        name="leakage_speech",
        target="metrics.leakage:speech_leakage",
        takes=("prompt.unasked_speech", "generated.speech_share"),
        label="Leak speech",
        group="Selectivity",
        better="lower",
        per="sample",
        decimals=3,
        partial=True,
        none_scored=_ALL_ASKED,
        on_request=True,
        least=0,
        most=1,
        description="Share of the time that is speech, in answers whose prompt does not ask for any.",
    ),
    Metric(
        name="leakage_music",
        target="metrics.leakage:class_leakage",
        takes=("prompt.unasked_music", "generated.logits"),
        label="Leak music",
        group="Selectivity",
        better="lower",
        per="sample",
        decimals=3,
        partial=True,
        none_scored=_ALL_ASKED,
        on_request=True,
        least=0,
        most=1,
        description="Probability that music is heard, in answers whose prompt does not ask for any.",
    ),
    Metric(
        name="leakage_other",
        target="metrics.leakage:class_leakage",
        takes=("prompt.unasked_sources", "generated.logits"),
        label="Leak other",
        group="Selectivity",
        better="lower",
        per="sample",
        decimals=3,
        partial=True,
        none_scored=_ALL_ASKED,
        on_request=True,
        least=0,
        most=1,
        description="Probability that something is heard, other than speech and music, that the prompt does not name.",
    ),
    Metric(
        name="judge_recall",
        target="metrics.judge:judged",
        takes=("pair.judge_recall",),
        label="Judge recall",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=2,
        partial=True,
        none_scored=_NO_OPINION,
        on_request=True,
        description="Whether all that the prompt names is in the answer, as SAM-Audio Judge hears it, about 1 to 5.",
    ),
    Metric(
        name="judge_precision",
        target="metrics.judge:judged",
        takes=("pair.judge_precision",),
        label="Judge precision",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=2,
        partial=True,
        none_scored=_NO_OPINION,
        on_request=True,
        description="Whether nothing else is in the answer, likewise.",
    ),
    Metric(
        name="judge_faithfulness",
        target="metrics.judge:judged",
        takes=("pair.judge_faithfulness",),
        label="Judge faithfulness",
        group="Selectivity",
        better="higher",
        per="sample",
        decimals=2,
        partial=True,
        none_scored=_NO_OPINION,
        on_request=True,
        description="Whether what is in the answer sounds as it does in the scene, likewise.",
    ),
    Metric(
        name="fd_vggish",
        target="metrics.fad:frechet_audio_distance",
        takes=("target.vggish", "generated.vggish"),
        resampler="metrics.fad:ResampledFrechet",
        label="FD-VGG",
        group="Extended",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=2,
        least=0,
        description="Fréchet distance between the VGGish embeddings of every 0.96 s of generated and reference audio.",
    ),
    Metric(
        name="fd_passt",
        target="metrics.fad:frechet_audio_distance",
        takes=("target.passt", "generated.passt"),
        resampler="metrics.fad:ResampledFrechet",
        label="FD-PaSST",
        group="Extended",
        better="lower",
        per="set",
        minimum_samples=2,
        decimals=1,
        least=0,
        description="Fréchet distance between the PaSST embeddings of generated and reference audio.",
    ),
    Metric(
        name="inception_score_passt",
        target="metrics.inception_score:inception_score",
        takes=("generated.passt_logits",),
        resampler="metrics.inception_score:ResampledInception",
        label="IS-PaSST",
        group="Extended",
        better="higher",
        per="set",
        minimum_samples=10,
        decimals=2,
        least=1,
        description="Inception score by the classes that PaSST hears: mean over ten splits.",
    ),
    Metric(
        name="kl_passt",
        target="metrics.kl:kl_divergence",
        takes=("target.passt_logits", "generated.passt_logits"),
        label="KL-PaSST",
        group="Extended",
        unit="nat",
        better="lower",
        per="sample",
        decimals=2,
        least=0,
        description="Divergence of the classes that PaSST hears in the generated audio from the target's own.",
    ),
    Metric(
        name="onset_accuracy",
        target="metrics.onset:onset_scores",
        takes=("target.onset_seconds", "generated.onsets"),
        field="accuracy",
        label="Onset acc",
        group="Extended",
        better="higher",
        per="sample",
        decimals=3,
        partial=True,
        least=0,
        most=1,
        description="Share of the onsets of the target's own audio that the generated audio hits within 0.3 s.",
    ),
    Metric(
        name="onset_average_precision",
        target="metrics.onset:onset_scores",
        takes=("target.onset_seconds", "generated.onsets"),
        field="average_precision",
        label="Onset AP",
        group="Extended",
        better="higher",
        per="sample",
        decimals=3,
        partial=True,
        least=0,
        most=1,
        description="Average precision of the generated onsets by confidence, against those of the target's own audio.",
    ),
)


def list_metrics(
    group: Group | None = None, *, headline: bool | None = None, extended: bool = False
) -> tuple[Metric, ...]:
    """Return the metrics in the order of a table's columns.

    Args:
        group: only those of this block of columns.
        headline: True: only the seven of the paper; False: only the others.
        extended: also those that are scored only on request; naming the group "Extended" lists it too.
    """
    return tuple(
        row
        for row in _ROWS
        if (group is None or row.group == group)
        and (headline is None or row.headline == headline)
        and (extended or group == "Extended" or not row.extended)
    )


def get_metric(name: str) -> Metric:
    """Return the metric of this name.

    Raises:
        ValueError: no metric has it; gives the closest names, or all.
    """
    by_name = {row.name: row for row in _ROWS}
    if name not in by_name:
        by_label = {row.label.casefold(): row.name for row in _ROWS}
        close = nearest(name.casefold(), [*by_name, *by_label])
        names = list(dict.fromkeys(by_label.get(found, found) for found in close))
        hint = f"did you mean {joined(names)}?" if names else f"there are {', '.join(by_name)}"
        raise ValueError(f'no metric is called "{name}"; {hint}')
    return by_name[name]


def chosen_metrics(names: Sequence[str] = (), *, extended: bool = False) -> tuple[Metric, ...]:
    """Return the metrics that a run is scored by, in the order of a table's columns.

    Args:
        names: exactly these; () for the usual ones.
        extended: with the usual ones, also those that are scored only on request.

    Raises:
        ValueError: no metric has one of the names, or two mean one.
    """
    if not names:
        return list_metrics(extended=extended)
    wanted = metric_names(names)
    return tuple(row for row in _ROWS if row.name in wanted)


def metric_names(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the metrics that are meant by name or by label, in the order of a table's columns.

    Args:
        wanted: names, or labels in any case: "fad", "FAD", "CLAP".

    Raises:
        ValueError: no metric has one of them (gives the closest names), two mean one metric, or a text in place of a
            list.
    """
    if isinstance(wanted, str):  # of which each letter would be taken for a name
        raise ValueError(f'metrics: expected a list of names, got "{wanted}"; write ["{wanted}"]')
    meant = {row.label.casefold(): row.name for row in _ROWS} | {row.name: row.name for row in _ROWS}
    found: dict[str, str] = {}
    for text in wanted:
        name = meant.get(text.casefold()) or get_metric(text).name
        if name in found:
            raise ValueError(f'metrics: "{found[name]}" and "{text}" both mean {name}; name each once')
        found[name] = text
    return tuple(row.name for row in _ROWS if row.name in found)


def markdown_table(*, extended: bool = False) -> str:
    """Return the metrics as the Markdown table of docs/metrics.md, without a newline at its end.

    Args:
        extended: those that are scored only on request, instead of the others.
    """
    rows = [row for row in list_metrics(extended=True) if row.extended == extended]
    lines = ["| name | column | better | unit | per | what it measures |", "|---|---|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.label} | {m.better} | {m.unit or '–'} | {m.per} | {m.description} |" for m in rows]
    return "\n".join(lines)
