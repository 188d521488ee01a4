"""Croissant metadata: what a benchmark directory holds, in the form that dataset search and loaders read.

Croissant is JSON-LD after schema.org. `croissant.json` lies in the benchmark directory and names its files by
relative paths, so it travels with them: `mlcroissant.Dataset("<benchmark>/croissant.json")` reads the manifests, each
row joined to its films and sounds. They are joined by a table of paths, and not by the sets of files that are described
too, because mlcroissant 1.1 opens neither mp4 nor wav: a record holds a path where it would be an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from foundation.files import PathLike, file_sha256, write_text
from vgg_monoaudio.dataset import Benchmark, Subset, load_benchmark
from vgg_monoaudio.publishing.provenance import provenance

CROISSANT_NAME = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

Json: TypeAlias = dict[str, Any]
_Files: TypeAlias = Mapping[str, Mapping[str, str]]  # key of a row to its paths, by what they are

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

_PATHS = {
    "video": "what a model is shown",
    "target_video": "the target's own clip",
    "target_audio": "the target's own sound",
    "paired_video": "the paired clip",
    "paired_audio": "the paired clip's sound",
}
_PATH = "path, relative to this description"
_SOURCE_PATHS = {"video": "what the clip contributes", "audio": "its sound"}
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
        "recordSet": [record for subset in benchmark.subsets for record in _samples(benchmark, subset)]
        + _sources(benchmark),
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


def _samples(benchmark: Benchmark, subset: Subset) -> list[Json]:
    """The rows of a manifest joined to their files, and the table that joins them."""
    table = {"fileObject": {"@id": f"{subset}-manifest"}}
    columns = {str(name): {"column": str(name)} for name in benchmark.manifests[subset].columns}
    files = {sample.sample_id: _paths(benchmark, sample, _PATHS) for sample in benchmark.samples(subset)}
    meaning = f"the samples of the subset {subset}, in their order"
    rows = _joined(subset, meaning, table, columns, _MEANINGS | _PATHS, files)
    return [rows, _file_table(subset, "filename", files)]


def _sources(benchmark: Benchmark) -> list[Json]:
    """The clips, as `benchmark.json` lists them, joined to their files, and the table that joins them."""
    meanings = {"clip_id": "name of the clip in sources/", "label": "what sounds", "category": "category of the label"}
    columns = {name: {"jsonPath": f"$.sources[*].{name}"} for name in meanings}
    files = {source.clip_id: _paths(benchmark, source, _SOURCE_PATHS) for source in benchmark.sources}
    record = {"fileObject": {"@id": "record"}}
    rows = _joined("sources", "the single-source clips", record, columns, meanings | _SOURCE_PATHS, files)
    return [rows, _file_table("sources", "clip_id", files)]


def _paths(benchmark: Benchmark, owner: object, names: Mapping[str, str]) -> dict[str, str]:
    """Return the files that a sample or a clip has, by what they are, relative to the benchmark."""
    found = {name: getattr(owner, name) for name in names}
    return {name: path.relative_to(benchmark.path).as_posix() for name, path in found.items() if path is not None}


def _joined(
    name: str, meaning: str, table: Json, columns: Mapping[str, Json], meanings: Mapping[str, str], files: _Files
) -> Json:
    """The rows of a table, whose first column is their key, each with its files.

    Args:
        name: of the record set.
        meaning: of a row.
        table: where the rows are.
        columns: what to extract for each field.
        meanings: of each field, those of the files too.
        files: the paths of each row, by its key.
    """
    key = next(iter(columns))
    fields = [_field(f"{name}/{column}", meanings[column], {**table, "extract": of}) for column, of in columns.items()]
    fields[0]["references"] = {"field": {"@id": f"{name}-files/{key}"}}
    fields += [
        _field(f"{name}/{kind}", f"{meanings[kind]}: {_PATH}", {"field": {"@id": f"{name}-files/{kind}"}})
        for kind in _kinds(files)
    ]
    return _record_set(name, meaning, key, fields)


def _file_table(name: str, key: str, files: _Files) -> Json:
    """The paths of the files of each row, written out."""
    kinds = _kinds(files)
    meanings = {key: "the row", **dict.fromkeys(kinds, _PATH)}
    fields = [_field(f"{name}-files/{column}", meaning) for column, meaning in meanings.items()]
    data = [
        {f"{name}-files/{key}": row, **{f"{name}-files/{kind}": paths[kind] for kind in kinds}}
        for row, paths in files.items()
    ]
    return {**_record_set(f"{name}-files", f"the files of {name}", key, fields), "data": data}


def _kinds(files: _Files) -> list[str]:
    """Return which files all rows have."""
    return [kind for kind in next(iter(files.values())) if all(kind in paths for paths in files.values())]


def _record_set(name: str, meaning: str, key: str, fields: list[Json]) -> Json:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": meaning,
        "key": {"@id": f"{name}/{key}"},
        "field": fields,
    }


def _field(identity: str, meaning: str, source: Json | None = None) -> Json:
    field = {
        "@type": "cr:Field",
        "@id": identity,
        "name": identity.rpartition("/")[2],
        "description": meaning,
        "dataType": "sc:Text",
    }
    return field if source is None else {**field, "source": source}


def _semantic(version: str) -> str:
    """Return a version in the three parts that Croissant recommends; one of another form stays as it is."""
    number, plus, clips = version.partition("+")  # what names a set of clips is what semantic versions call a build
    parts = number.split(".")
    if not all(re.fullmatch(r"\d+", part) for part in parts) or len(parts) > 3:
        return version
    return ".".join([*parts, "0", "0"][:3]) + plus + clips
