"""Croissant metadata: what a benchmark directory holds, in the form that dataset search and loaders read.

Croissant is JSON-LD after schema.org. `croissant.json` lies in the benchmark directory and names its files by
relative paths, so it travels with them: `mlcroissant.Dataset("<benchmark>/croissant.json")` reads the manifests. Videos
are described as sets of files without a record set of their own, because mlcroissant 1.1 reads no mp4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from foundation.files import PathLike, file_sha256, write_text
from vgg_monoaudio.dataset import Benchmark, Subset, load_benchmark
from vgg_monoaudio.publishing.provenance import provenance

CROISSANT_NAME = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

Json: TypeAlias = dict[str, Any]

_CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    term: f"cr:{term}"
    for term in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
        "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
        "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )
}  # fmt: skip

_MEANINGS = {
    "filename": "name of the scene, without extension",
    "label": "the prompt: what the target is",
    "paired_label": "what the other clip sounds like",
    "target_id": "clip of the target",
    "paired_id": "the other clip of the scene",
    "target_category": "category of the label",
    "paired_category": "category of the paired label",
    "target_side": "which half shows the target: left or right; empty where a sample is one clip",
    "sha256": "of the scene's file",
    "negative_prompt": "what a model is told to leave out",
}


def write_croissant(path: PathLike) -> Path:
    """Write `croissant.json` into a benchmark directory and return its path.

    Raises:
        vgg_monoaudio.dataset.BenchmarkError: no benchmark at `path`.
    """
    benchmark = load_benchmark(path)
    file = benchmark.path / CROISSANT_NAME
    write_text(file, json.dumps(croissant(benchmark), indent=2, ensure_ascii=False) + "\n")
    return file


def croissant(benchmark: Benchmark) -> Json:
    """Return the Croissant 1.0 description of a benchmark as a JSON-LD object; it carries no date and no host.

    Source:
        Croissant Format Specification 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
    """
    said = provenance(benchmark)
    stated = {"url": said.address, "citeAs": said.cite_as, "license": [said.licence]}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": benchmark.name,
        "description": f"{said.summary}. {len(benchmark)} samples from {len(benchmark.sources)} clips.",
        "version": _semantic(benchmark.version),
        **{name: value for name, value in stated.items() if value not in ("", [""])},
        "conditionsOfAccess": said.access,
        "distribution": _distribution(benchmark),
        "recordSet": [
            *[_samples(subset, list(benchmark.manifests[subset].columns)) for subset in benchmark.subsets],
            _sources(),
        ],
    }  # fmt: skip


def _distribution(benchmark: Benchmark) -> list[Json]:
    files = [_file("record", benchmark.path / "benchmark.json", "benchmark.json", "application/json")]
    sets = []
    for subset in benchmark.subsets:
        name = f"{subset}/manifest.csv"
        files.append(_file(f"{subset}-manifest", benchmark.path / name, name, "text/csv"))
        sets.append(
            _files(
                f"{subset}-videos",
                f"{subset}/video/*.mp4",
                "video/mp4",
                "what a model is shown; <filename>.mp4 of a row",
            )
        )
    sets.append(_files("source-videos", "sources/*.mp4", "video/mp4", "what each clip contributes"))
    if benchmark.own_sound != "none":
        sets.append(_files("source-sounds", "sources/*.wav", "audio/wav", "its sound, 16 kHz mono"))
    return files + sets


def _file(identity: str, path: Path, name: str, encoding: str) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": identity,
        "name": name.rpartition("/")[2],
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": encoding,
        "sha256": file_sha256(path),
    }


def _files(identity: str, pattern: str, encoding: str, meaning: str) -> Json:
    return {
        "@type": "cr:FileSet",
        "@id": identity,
        "name": identity,
        "description": meaning,
        "encodingFormat": encoding,
        "includes": pattern,
    }


def _samples(subset: Subset, columns: Sequence[str]) -> Json:
    """The rows of a manifest."""
    fields = [
        _field(f"{subset}/{column}", _MEANINGS[column], {"fileObject": {"@id": f"{subset}-manifest"}}, column=column)
        for column in columns
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": subset,
        "name": subset,
        "description": f"the samples of the subset {subset}, in their order",
        "key": {"@id": f"{subset}/filename"},
        "field": fields,
    }


def _sources() -> Json:
    """The clips, as `benchmark.json` lists them."""
    meanings = {"clip_id": "name of the clip in sources/", "label": "what sounds", "category": "category of the label"}
    fields = [
        _field(f"sources/{name}", meaning, {"fileObject": {"@id": "record"}}, jsonPath=f"$.sources[*].{name}")
        for name, meaning in meanings.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "sources",
        "name": "sources",
        "description": "the single-source clips",
        "key": {"@id": "sources/clip_id"},
        "field": fields,
    }


def _field(identity: str, meaning: str, source: Json, **extract: str) -> Json:
    return {
        "@type": "cr:Field",
        "@id": identity,
        "name": identity.rpartition("/")[2],
        "description": meaning,
        "dataType": "sc:Text",
        "source": {**source, "extract": extract},
    }


def _semantic(version: str) -> str:
    """Return a version in the three parts that Croissant recommends; one of another form stays as it is."""
    parts = version.split(".")
    if not all(re.fullmatch(r"\d+", part) for part in parts) or len(parts) > 3:
        return version
    return ".".join([*parts, "0", "0"][:3])
