"""The dataset card: the README.md of a benchmark directory, made from what the directory holds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from foundation.files import PathLike, write_text
from foundation.markup import markdown_escaped
from foundation.records import Record
from vgg_monoaudio.dataset import Benchmark, load_benchmark
from vgg_monoaudio.publishing.statistics import as_markdown, benchmark_statistics, describe
from vgg_monoaudio.record import SINGLE_CLIPS
from vgg_monoaudio.selection.source_list import R1, read_source_list

Origin = Literal["r1", "demo", "vggsound-test", "other"]

CARD_NAME = "README.md"

_WHAT = """\
A benchmark for *text-conditioned selective video-to-audio generation*: a video shows two things that sound, a text
names one of them, and a model must generate the sound of that one alone. Every scene shows two single-source clips side
by side; the clip's own recording of the thing named is the reference."""

_SINGLE = """\
Single clips of VGGSound's test split, each with its label as the prompt: what a general video-to-audio model is
usually scored on (Table D4 of the paper). Nothing is composed, so nothing can be selected: metrics that compare the
target with the other sound have no meaning here."""

_ORIGINS: dict[Origin, str] = {
    "r1": """\
The clips are those of `vgg_monoaudio/selection/lists/r1.csv`. **This is not the list of the paper's authors**, who
chose their 67 clips by watching and hearing them and have not released which they are. The clips of r1 are screened by
annotations alone (VGGSounder 1.0) and drawn by a written, seeded rule; they were not watched for this purpose. It
shares with the authors' list the number of clips, the labels and categories of Table B2, and counts for which
exhaustive pairing gives 3,750 inter-class and 560 intra-class pairs. Scores on it compare with one another; they are
not the numbers of the published tables.""",
    "demo": """\
The clips are synthetic: drawn and sounded by a program, so that the suite runs without any download. Scores on them
say whether the machinery works, and nothing about a model.""",
    "vggsound-test": """\
The clips are those of VGGSound's test list that were available; the counts above say how many of the list these are.
Published numbers on this split rest on whichever clips each group could still get.""",
    "other": """\
The clips are those of a list of the user's own. It is neither the list that ships with the suite (r1) nor, as far as
the suite can tell, that of the paper's authors.""",
}

_COLUMNS = """\
| column | meaning |
|---|---|
| `filename` | name of the scene and of a model's answer to it, without extension |
| `label` | the prompt: what the target is |
| `paired_label` | what the other clip sounds like; for models that take a negative prompt |
| `target_id`, `paired_id` | the two clips, in `sources/` |
| `target_category`, `paired_category` | categories of the two labels |
| `target_side` | which half shows the target, left or right |
| `sha256` | of the scene's file |"""

_LICENCES = """\
This directory holds parts of videos that others made and published; the suite's own licence (Apache-2.0) covers its
code and its tables, not them.

- **Videos**: the copyright stays with those who made them. Pass this directory on only if you may.
- **VGGSound** (Chen et al. 2020, arXiv:2004.14368): clip list and labels, CC BY 4.0.
- **VGGSounder** (Zverev et al. 2025, arXiv:2508.08237): the labels behind the screening; the Python package is
  Apache-2.0, see its page for the labels.
- **UnAV-100** (Geng et al. 2023, arXiv:2303.12930): the annotations that the paper starts from; see its page."""

_DEMO_LICENCES = "The clips are made by the suite's own code; like the code they are under Apache-2.0."

CITATION = """\
@article{vggmonoaudio,
  title   = {Hear What Matters! Text-conditioned Selective Video-to-Audio Generation},
  author  = {Lee, Junwon and Nam, Juhan and Lee, Jiyoung},
  journal = {arXiv preprint arXiv:2512.02650},
  year    = {2025}
}"""


def write_card(path: PathLike) -> Benchmark:
    """Write a benchmark's `README.md` and return the benchmark; the same benchmark gives the same text.

    Raises:
        vgg_monoaudio.dataset.BenchmarkError: no benchmark at `path`.
    """
    benchmark = load_benchmark(path)
    write_text(benchmark.path / CARD_NAME, card(benchmark))
    return benchmark


def card(benchmark: Benchmark, front_matter: Sequence[str] = ()) -> str:
    """Return the dataset card of a benchmark as Markdown.

    Args:
        benchmark: a built one.
        front_matter: lines of YAML to add to those at the head of the card.
    """
    parts = [
        "\n".join(["---", *_front_matter(benchmark), *front_matter, "---"]),
        f"# {markdown_escaped(f'{benchmark.name} {benchmark.version}')}",
        _SINGLE if is_single(benchmark) else _WHAT,
        _contents(benchmark),
        "## Where the clips come from",
        _ORIGINS[origin(benchmark)],
        *_funnel(benchmark),
        *_left_out(benchmark),
        "## How it was made",
        _settings(benchmark),
        *_dropped(benchmark),
        "## Statistics",
        *[f"### {title}\n\n{as_markdown(table)}" for title, table in describe(benchmark_statistics(benchmark))],
        "## Licences",
        _DEMO_LICENCES if origin(benchmark) == "demo" else _LICENCES,
        "## Citation",
        f"```bibtex\n{CITATION}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def origin(benchmark: Benchmark) -> Origin:
    """Return where a benchmark's clips come from; "other" is a list of the user's own."""
    from vgg_monoaudio.demo.clips import demo_sources

    if benchmark.record.kind == SINGLE_CLIPS:
        return "vggsound-test"
    record = benchmark.record
    listed = {source.clip_id for source in record.sources} | {clip.clip_id for clip in record.left_out}
    if listed == set(read_source_list(R1)["clip_id"]):
        return "r1"
    return "demo" if listed == set(demo_sources()["clip_id"]) else "other"


def is_single(benchmark: Benchmark) -> bool:
    """Return whether a benchmark's samples are single clips, without a second one."""
    return all((table["paired_id"] == "").all() for table in benchmark.manifests.values())


def _front_matter(benchmark: Benchmark) -> list[str]:
    size = len(benchmark)
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")]
    return [
        f"pretty_name: {_yaml(f'{benchmark.name} {benchmark.version}')}",
        "license: other",
        "language: en",
        "task_categories: [text-to-audio]",
        "tags: [video-to-audio, audio-generation, benchmark]",
        f"size_categories: ['{next((text for bound, text in bounds if size < bound), '100K<n<1M')}']",
    ]


def _yaml(text: str) -> str:
    """Return text as YAML: plain where it is words and numbers, else in quotes as JSON has them."""
    return text if re.fullmatch(r"[A-Za-z][\w. -]*", text) else json.dumps(text)


def _contents(benchmark: Benchmark) -> str:
    samples = ", ".join(f"{len(table)} {name}" for name, table in benchmark.manifests.items() if len(table))
    counts = benchmark.record.counts
    subset = benchmark.subsets[0]
    return f"""\
## What is in it

{len(benchmark)} samples ({samples}), made from {counts.clips} of {counts.clips_listed} clips.

```
benchmark.json                 settings, clips with hashes, counts
<subset>/manifest.csv          one row per sample
<subset>/video/<filename>.mp4  {"the clip" if is_single(benchmark) else "the scene"}
sources/<clip_id>.mp4, .wav    the {benchmark.duration_seconds:g} s that each clip contributes; sound 16 kHz mono
```

Subsets here: {", ".join(benchmark.subsets)}. {_COLUMNS_INTRO}

{_COLUMNS}

```python
from vgg_monoaudio import load_benchmark

for sample in load_benchmark("{benchmark.path.name}").samples("{subset}"):
    sample.video, sample.label, sample.target_audio
```

`python -m benchmark verify` compares every file with what was built."""


_COLUMNS_INTRO = "A manifest's columns:"


def _settings(benchmark: Benchmark) -> str:
    settings = benchmark.record.settings.content()
    rows = pd.DataFrame(
        [(name.replace("_", " "), "default" if value is None else value) for name, value in settings.items()],
        columns=pd.Index(["setting", "value"]),
    )
    if is_single(benchmark):
        how = "Each clip gives its own picture at 25 fps in H.264, and its sound as AAC, 16 kHz mono."
    else:
        how = (
            "Each scene is 1280x720 at 25 fps in H.264, with the sound as AAC, 16 kHz mono. Pairs and the target's "
            "side are drawn by hashes of the seed and the clip ids (appendix B.2 and B.3 of the paper)."
        )
    return f"{how}\n\n{as_markdown(rows)}"


def _funnel(benchmark: Benchmark) -> list[str]:
    return _table(benchmark.record.funnel)


def _left_out(benchmark: Benchmark) -> list[str]:
    table = _table(benchmark.record.left_out)
    return ["Clips on the list that could not be used:", *table] if table else []


def _dropped(benchmark: Benchmark) -> list[str]:
    dropped = benchmark.record.intra_dropped
    if not dropped:
        return []
    count = f"{len(dropped)} of {benchmark.record.counts.intra_pool} intra-class pairs"
    return [f"{count} are left out, because the prompt names the other sound too:", *_table(dropped)]


def _table(rows: Sequence[Record]) -> list[str]:
    return [as_markdown(pd.DataFrame([row.content() for row in rows]))] if rows else []
