"""The dataset card: the README.md of a benchmark directory, made from what the directory holds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pandas as pd

from foundation.files import PathLike, write_text
from foundation.markup import markdown_escaped
from foundation.records import Record
from vgg_monoaudio.building.manifests import SIDE_RULE
from vgg_monoaudio.dataset import NEGATIVE_PROMPT, Benchmark, load_benchmark
from vgg_monoaudio.publishing.provenance import CITATION, Origin, origin, provenance
from vgg_monoaudio.publishing.statistics import as_markdown, benchmark_statistics, describe

__all__ = ["CARD_NAME", "CITATION", "Origin", "card", "is_single", "origin", "write_card"]

CARD_NAME = "README.md"

_COLUMNS = """\
| column | meaning |
|---|---|
| `filename` | name of the scene and of a model's answer to it, without extension |
| `label` | the prompt: what the target is |
| `paired_label` | what the other clip sounds like; for models that take a negative prompt |
| `target_id`, `paired_id` | ids of the two clips |
| `target_category`, `paired_category` | categories of the two labels |
| `target_side` | which half shows the target, left or right; empty where a sample is one clip |
| `sha256` | of the scene's file |"""
_NEGATIVE = "| `negative_prompt` | what a model is told to leave out |"


_SIDES = (
    "The side of each pair is drawn by itself.",
    "Half of the targets of each subset and target category are on the left, half on the right (within one).",
)


def write_card(path: PathLike) -> Benchmark:
    """Write a benchmark's `README.md` and return the benchmark; the same benchmark gives the same text.

    Raises:
        vgg_monoaudio.dataset.BenchmarkError: no benchmark at `path`.
    """
    benchmark = load_benchmark(path)
    write_text(benchmark.path / CARD_NAME, card(benchmark))
    return benchmark


def card(benchmark: Benchmark, front_matter: Sequence[str] = (), form: str = "") -> str:
    """Return the dataset card of a benchmark as Markdown.

    Args:
        benchmark: a built one.
        front_matter: lines of YAML to add to those at the head of the card.
        form: which files hold it and how they are read, in Markdown; those of the benchmark directory by default.
    """
    said = provenance(benchmark)
    parts = [
        "\n".join(["---", *_front_matter(benchmark), *front_matter, "---"]),
        f"# {markdown_escaped(f'{benchmark.name} {benchmark.version}')}",
        said.what,
        f"## What is in it\n\n{counted(benchmark)}",
        form or _directory(benchmark),
        "## Where the clips come from",
        said.clips,
        *_funnel(benchmark),
        *_replaced(benchmark),
        *_left_out(benchmark),
        "## How it was made",
        _settings(benchmark),
        *_dropped(benchmark),
        "## Statistics",
        *[f"### {title}\n\n{as_markdown(table)}" for title, table in describe(benchmark_statistics(benchmark))],
        "## Licences",
        said.licences,
        *(["## Citation", said.citation] if said.citation else []),
    ]
    return "\n\n".join(parts) + "\n"


def is_single(benchmark: Benchmark) -> bool:
    """Return whether a benchmark's samples are single clips, each shown alone."""
    return all((table["target_side"] == "").all() for table in benchmark.manifests.values())


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


def counted(benchmark: Benchmark) -> str:
    """Return how many samples there are, and of how many clips."""
    samples = ", ".join(f"{len(table)} {name}" for name, table in benchmark.manifests.items() if len(table))
    counts = benchmark.record.counts
    return f"{len(benchmark)} samples ({samples}), made from {counts.clips} of {counts.clips_listed} clips."


def columns_table(benchmark: Benchmark) -> str:
    """Return the columns of a manifest with their meanings, as Markdown."""
    told = any(NEGATIVE_PROMPT in table for table in benchmark.manifests.values())
    return f"{_COLUMNS}\n{_NEGATIVE}" if told else _COLUMNS


def _directory(benchmark: Benchmark) -> str:
    subset = benchmark.subsets[0]
    sounds = ", .wav" if benchmark.own_sound != "none" else ""
    sound = "; sound 16 kHz mono" if sounds else ""
    return f"""\
```
benchmark.json                 settings, clips with hashes, counts
<subset>/manifest.csv          one row per sample
<subset>/video/<filename>.mp4  {"the clip" if is_single(benchmark) else "the scene"}
sources/<clip_id>.mp4{sounds:<10}the {benchmark.duration_seconds:g} s that each clip contributes{sound}
```

Subsets here: {", ".join(benchmark.subsets)}. A manifest's columns:

{columns_table(benchmark)}

```python
from vgg_monoaudio import load_benchmark

for sample in load_benchmark("{benchmark.path.name}").samples("{subset}"):
    sample.video, sample.label, sample.target_audio
```

`python -m benchmark verify` compares every file with what was built."""


def _settings(benchmark: Benchmark) -> str:
    settings = benchmark.record.settings.content()
    of_list = {} if settings.get("version") in (None, benchmark.version) else {"version": "version without reserves"}
    rows = pd.DataFrame(
        [
            (of_list.get(name, name.replace("_", " ")), "default" if value is None else value)
            for name, value in settings.items()
        ],
        columns=pd.Index(["setting", "value"]),
    )
    if is_single(benchmark):
        sound = {"none": "no soundtrack"}.get(str(settings["soundtrack"]), "its sound as AAC, 16 kHz mono")
        how = f"Each clip gives its own picture at 25 fps in H.264, and {sound}."
    else:
        how = (
            "Each scene is 1280x720 at 25 fps in H.264, with the sound as AAC, 16 kHz mono. Pairs and the target's "
            "side are drawn by hashes of the seed and the clip ids (appendix B.2 and B.3 of the paper). "
            + _SIDES[settings.get("side_rule") == SIDE_RULE]
        )
    return f"{how}\n\n{as_markdown(rows)}"


def _funnel(benchmark: Benchmark) -> list[str]:
    return _table(benchmark.record.funnel)


def _replaced(benchmark: Benchmark) -> list[str]:
    table = _table(benchmark.record.replaced)
    what = "Clips on the list that could not be used, and the reserves in their place (the version names this set):"
    return [what, *table] if table else []


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
    return [as_markdown(pd.DataFrame([row.content() for row in rows]).fillna(""))] if rows else []
