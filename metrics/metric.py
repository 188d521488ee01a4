"""A metric as a row: what it is called, what computes it from what, where it stands in a table.

A row is all that scoring, comparison, tables and pages know of a metric. Evidence is named `<who>.<feature>`:

- who: `generated` (the answer), `target` and `paired` (the two clips' own sound), `prompt` and `paired_label` (the
  texts that name them), `video` (the reference video), `pair` (generated sound with reference video, or scene);
- feature: `embedding`, `kad_embedding` (n, d) and `logits` (n, c), of the networks that FAD, KAD and the class metrics
  use; `clap`, `imagebind` (n, d), spaces that sounds share with texts and videos; `offset_logits` (n, 2, 21); `vggish`
  (n, e, d) of e examples per file; `passt` (n, d), `passt_logits` (n, c); `onset_seconds`, n arrays (r,), and `onsets`,
  n arrays (k, 3), see `metrics.onset`; `aesthetics` (n, 4), see `metrics.aesthetics`; `levels` (n, 3), see
  `metrics.levels`; `onset_times` and `flow_peaks`, n arrays (k,) in seconds, see `metrics.av_align`; `judge_recall`,
  `judge_precision`, `judge_faithfulness` (n,), see `metrics.judge`.

The profiles (`benchmark.profiles`) say which of these they have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from foundation.names import load

Better = Literal["higher", "lower", "neither"]  # neither: it describes, and does not judge
Group = Literal["Audio Quality", "Semantic Alignment", "Temporal Alignment", "Selectivity", "Extended", "Human Study"]
# Groups of the registry's rows; what people judged is not among them: benchmark.report.tables.criteria.
GROUPS: tuple[Group, ...] = ("Audio Quality", "Semantic Alignment", "Temporal Alignment", "Selectivity", "Extended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a table, a page and the evaluation need to know of a metric.

    Attributes:
        name: key in metrics.json and column of samples.parquet.
        target: "module:function" that computes it, imported on use. A set-wise function returns one number, or a pair
            of the number and its standard deviation.
        takes: names of the evidence that the function takes, in the order of its arguments. Rows of shape (e, d), e
            examples per sample, reach a set-wise function as (n e, d); resamples draw a sample's examples together.
        settings: names of the scoring choices that the function takes as keywords, see `benchmark.runs.ScoringRecord`.
        fixed: keywords that this row decides, whatever was chosen: name and value.
        resampler: "module:Class" of a set-wise metric's `metrics.uncertainty.resampling.Resampled`, which takes what
            the function takes; "" for none: the metric has no interval and no paired test.
        field: attribute of the function's result that is meant, where the result has several.
        label: heading of its column.
        symbol: heading in LaTeX, without arrow.
        unit: unit of the value, "" for none.
        better: direction; neither: the metric describes, so nothing is ranked by it.
        per: "sample": one value per sample, the score is their mean; "set": one value per set.
        minimum_samples: fewer give no value.
        decimals: places after the point in the paper's tables.
        group: block of columns it stands in.
        version: moves when scores would.
        headline: one of the seven columns of the paper; the others are shown where there is room.
        least: no score is below, but for rounding; None where there is no such bound.
        most: no score is above, likewise.
        on_request: scored only with `--extended` or by name, whatever its group.
        partial: a sample may have no score (NaN); the metric is the mean over the others.
        none_scored: what is said where no sample has a score.
        description: one sentence for the docs.
    """

    name: str
    target: str
    takes: tuple[str, ...]
    label: str
    group: Group
    better: Better
    per: Literal["sample", "set"]
    decimals: int
    description: str
    unit: str = ""
    settings: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    resampler: str = ""
    minimum_samples: int = 1
    version: int = 1
    field: str | None = None
    symbol: str = ""
    headline: bool = False
    least: float | None = None
    most: float | None = None
    partial: bool = False
    none_scored: str = "no sample has this score"
    on_request: bool = False

    @property
    def extended(self) -> bool:
        """Whether it is scored only on request (`--extended`, or by name); the whole group "Extended" is."""
        return self.on_request or self.group == "Extended"

    @property
    def arrow(self) -> str:
        """The direction, as shown next to a heading; "" where there is none."""
        return {"higher": "↑", "lower": "↓", "neither": ""}[self.better]

    @property
    def heading(self) -> str:
        """The label with its direction."""
        return f"{self.label} {self.arrow}".rstrip()

    @property
    def direction(self) -> str:
        """The direction in words; "" where there is none."""
        return "" if self.better == "neither" else f"{self.better} is better"

    @property
    def sign(self) -> float:
        """What a difference is multiplied by to be positive where it is for the better; 0: neither way is better."""
        return {"higher": 1.0, "lower": -1.0, "neither": 0.0}[self.better]

    def load(self) -> Callable[..., Any]:
        """Import and return the function that computes it."""
        function: Callable[..., Any] = load(self.target)
        return function
