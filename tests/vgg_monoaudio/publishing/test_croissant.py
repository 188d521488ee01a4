"""Croissant metadata: its structure, its hashes, and what mlcroissant makes of it where that is installed."""

import hashlib
import json
from dataclasses import replace

import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.dataset import MANIFEST_COLUMNS
from vgg_monoaudio.publishing.croissant import CONFORMS_TO, croissant, write_croissant

FILES = ["video", "target_video", "target_audio", "paired_video", "paired_audio"]


@pytest.fixture
def described(small) -> dict:
    return croissant(load_benchmark(small))


def nodes(value: object) -> list[dict]:
    """Every JSON object with an @type, at any depth but for the context."""
    if isinstance(value, dict):
        own = [value] if "@type" in value else []
        return own + [node for key, child in value.items() if key != "@context" for node in nodes(child)]
    return [node for child in value for node in nodes(child)] if isinstance(value, list) else []


def references(value: object) -> list[str]:
    """Every {"@id": x} that only refers to another node."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return [value["@id"]]
        return [found for key, child in value.items() if key != "@context" for found in references(child)]
    return [found for child in value for found in references(child)] if isinstance(value, list) else []


def test_the_head_is_what_croissant_1_0_asks_for(described):
    assert described["@type"] == "sc:Dataset"
    assert described["conformsTo"] == CONFORMS_TO == "http://mlcommons.org/croissant/1.0"
    for key in ("name", "description", "url", "license", "version", "citeAs", "distribution", "recordSet"):
        assert described[key]
    assert described["version"] == "1.0.0"


def test_every_identity_is_given_once_and_every_reference_leads_somewhere(described):
    identities = [node["@id"] for node in nodes(described) if "@id" in node]
    assert len(identities) == len(set(identities))
    assert set(references(described)) <= set(identities)
    assert all(node["name"] for node in nodes(described))


def test_terms_used_are_in_the_context(described):
    terms = {key for node in nodes({"d": described["distribution"], "r": described["recordSet"]}) for key in node}
    ours = {term for term in terms if not term.startswith("@")}
    schema_org = {"name", "description", "contentUrl", "contentSize", "encodingFormat", "sha256"}
    assert ours - schema_org <= set(described["@context"])


def test_single_files_are_named_with_their_hash_and_size(described, small):
    files = [node for node in described["distribution"] if node["@type"] == "cr:FileObject"]
    assert [file["contentUrl"] for file in files] == ["benchmark.json", "inter/manifest.csv", "intra/manifest.csv"]
    for file in files:
        content = (small / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["contentSize"] == f"{len(content)} B"


def test_file_sets_match_every_other_file_of_the_benchmark(described, small):
    patterns = [node["includes"] for node in described["distribution"] if node["@type"] == "cr:FileSet"]
    matched = {file for pattern in patterns for file in small.glob(pattern)}
    named = {small / node["contentUrl"] for node in described["distribution"] if "contentUrl" in node}
    assert matched | named == {file for file in small.rglob("*") if file.is_file()}


def test_records_have_a_field_for_every_column_of_the_manifest(described):
    records = {node["@id"]: node for node in described["recordSet"]}
    assert list(records) == ["inter", "inter-files", "intra", "intra-files", "sources", "sources-files"]
    sources = [field["source"] for field in records["intra"]["field"]]
    assert [source["extract"]["column"] for source in sources if "extract" in source] == MANIFEST_COLUMNS
    assert [source["field"]["@id"].rpartition("/")[2] for source in sources if "field" in source] == FILES
    assert {field["dataType"] for field in records["intra"]["field"]} == {"sc:Text"}


def test_a_subset_that_is_not_there_is_not_described(write_benchmark):
    path = write_benchmark("one", pairs={"intra": ((0, 1),)})
    records = [node["@id"] for node in croissant(load_benchmark(path))["recordSet"]]
    assert records == ["intra", "intra-files", "sources", "sources-files"]


def test_the_file_is_the_same_wherever_the_benchmark_stands(small, tmp_path):
    first = write_croissant(small).read_bytes()
    moved = small.rename(tmp_path / "elsewhere")
    assert write_croissant(moved).read_bytes() == first
    assert str(tmp_path).encode() not in first


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1", "1.0.0"),
        ("2.3", "2.3.0"),
        ("1.0.4", "1.0.4"),
        ("2.0+reserves.1a", "2.0.0+reserves.1a"),
        ("a1", "a1"),
    ],
)
def test_versions_get_three_parts(small, version, expected):
    record = json.loads((small / "benchmark.json").read_text()) | {"version": version}
    (small / "benchmark.json").write_text(json.dumps(record))
    assert croissant(load_benchmark(small))["version"] == expected


def test_mlcroissant_accepts_it_and_reads_the_rows(small):
    mlc = pytest.importorskip("mlcroissant")
    path = write_croissant(small)
    dataset = mlc.Dataset(jsonld=str(path))
    assert not dataset.metadata.ctx.issues.errors
    # A date is only recommended; the metadata carries none, so that the same benchmark gives the same bytes.
    assert all(
        "date_published" in warning or "datePublished" in warning for warning in dataset.metadata.issues.warnings
    )
    benchmark = load_benchmark(small)
    for subset in benchmark.subsets:
        rows = read(dataset, subset)
        assert [{name: row[name] for name in MANIFEST_COLUMNS} for row in rows] == benchmark.manifests[subset].to_dict(
            "records"
        )
        for row, sample in zip(rows, benchmark.samples(subset), strict=True):
            assert [small / row[name] for name in FILES] == [getattr(sample, name) for name in FILES]
            assert all((small / row[name]).is_file() for name in FILES)
    clips = [(row["clip_id"], small / row["video"], small / row["audio"]) for row in read(dataset, "sources")]
    assert clips == [(source.clip_id, source.video, source.audio) for source in benchmark.sources]


def test_rows_meet_their_own_files_whatever_the_order_of_either(small, tmp_path):
    mlc = pytest.importorskip("mlcroissant")
    path = write_croissant(small)
    described = json.loads(path.read_text())
    for record in described["recordSet"]:
        record.get("data", []).reverse()
    path.write_text(json.dumps(described))
    for row in read(mlc.Dataset(jsonld=str(path)), "inter"):
        assert row["video"] == f"inter/video/{row['filename']}.mp4"
        assert row["target_audio"] == f"sources/{row['target_id']}.wav"


def test_files_that_samples_have_not_are_not_described(small):
    benchmark = load_benchmark(small)
    alone = {name: table.assign(paired_id="") for name, table in benchmark.manifests.items()}
    described = croissant(replace(benchmark, manifests=alone))
    fields = {record["@id"]: [field["name"] for field in record["field"]] for record in described["recordSet"]}
    assert fields["inter-files"] == ["filename", "video", "target_video", "target_audio"]
    assert fields["inter"][-3:] == fields["inter-files"][1:]


def read(dataset, name: str) -> list[dict]:
    return [{key.rpartition("/")[2]: text(value) for key, value in row.items()} for row in dataset.records(name)]


def text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value
