"""The folder for the Hub: what Parquet holds, and what `datasets` makes of it."""

import json
import re

import pyarrow.parquet as pq
import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.dataset import MANIFEST_COLUMNS
from vgg_monoaudio.publishing.hugging_face import export_hugging_face


@pytest.fixture
def exported(small, tmp_path):
    return export_hugging_face(load_benchmark(small), tmp_path / "out")


def test_there_is_a_file_a_subset_and_one_of_the_sources(exported):
    files = sorted(str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file())
    name = "test-00000-of-00001.parquet"
    assert files == ["README.md", f"inter/{name}", f"intra/{name}", f"sources/{name}"]


def test_rows_are_those_of_the_manifest_with_the_scene_inside(exported, small):
    benchmark = load_benchmark(small)
    table = pq.read_table(exported / "inter").to_pylist()
    assert [{name: row[name] for name in MANIFEST_COLUMNS} for row in table] == benchmark.manifests["inter"].to_dict(
        "records"
    )
    for row, sample in zip(table, benchmark.samples("inter"), strict=True):
        assert row["video"] == {"bytes": sample.video.read_bytes(), "path": sample.video.name}
        assert row["target_audio"] == {"bytes": sample.target_audio.read_bytes(), "path": sample.target_audio.name}


def test_every_clip_is_there_once_with_picture_and_sound(exported, small):
    benchmark = load_benchmark(small)
    table = pq.read_table(exported / "sources").to_pylist()
    assert [(row["clip_id"], row["label"]) for row in table] == [(s.clip_id, s.label) for s in benchmark.sources]
    assert [row["audio"]["bytes"] for row in table] == [source.audio.read_bytes() for source in benchmark.sources]
    assert [row["video"]["bytes"] for row in table] == [source.video.read_bytes() for source in benchmark.sources]


def test_columns_say_that_they_are_video_and_audio(exported):
    schema = pq.read_schema(exported / "sources" / "test-00000-of-00001.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == ["clip_id", "label", "category", "video", "audio"]
    assert (features["video"], features["audio"]) == ({"_type": "Video"}, {"_type": "Audio"})


def test_the_bytes_are_the_same_every_time(small, tmp_path):
    first = export_hugging_face(load_benchmark(small), tmp_path / "a" / "export")
    second = export_hugging_face(load_benchmark(small), tmp_path / "b" / "export")
    for path in first.rglob("*.*"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_large_subsets_are_split_and_numbered(small, tmp_path):
    benchmark = load_benchmark(small)
    out = export_hugging_face(benchmark, tmp_path / "out", shard_bytes=1)
    names = sorted(path.name for path in (out / "inter").iterdir())
    assert names == [f"test-{place:05d}-of-00004.parquet" for place in range(4)]
    rows = [row["filename"] for path in sorted((out / "inter").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert rows == benchmark.manifests["inter"]["filename"].to_list()


def test_row_groups_hold_a_few_videos_only(small, tmp_path, monkeypatch):
    monkeypatch.setattr("vgg_monoaudio.publishing.hugging_face.ROWS_AT_ONCE", 3)
    out = export_hugging_face(load_benchmark(small), tmp_path / "out")
    file = pq.ParquetFile(out / "inter" / "test-00000-of-00001.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [3, 1]


def test_a_folder_with_something_in_it_is_refused(small):
    with pytest.raises(ValueError, match="not empty; choose another folder"):
        export_hugging_face(load_benchmark(small), small)


def lines_of(exported) -> str:
    """The lines of Python in the card."""
    (lines,) = re.findall(r"```python\n(.*?)```", (exported / "README.md").read_text(), re.DOTALL)
    return lines


def test_the_card_names_configurations_and_columns_of_this_export_and_nothing_of_a_directory(exported):
    text = (exported / "README.md").read_text()
    assert "Configurations: inter, intra, sources." in text
    for absent in ("manifest.csv", "load_benchmark", "sources/<clip_id>", "<subset>/video"):
        assert absent not in text
    shown = text.partition("```python")[0].partition("| column |")[2]
    named = [name for row in re.findall(r"^\| (`.*?) \|", shown, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert named == pq.read_schema(exported / "inter" / "test-00000-of-00001.parquet").names
    assert f'load_dataset("{exported.name}", "inter", split="test")' in lines_of(exported)


def test_the_lines_of_the_card_load_this_export(exported, small, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(exported.parent)
    said = {}
    exec(lines_of(exported), said)
    benchmark = load_benchmark(small)
    assert said["scenes"]["label"][:] == benchmark.manifests["inter"]["label"].to_list()
    last = benchmark.samples("inter")[-1]
    assert said["scene"]["target_audio"]["bytes"] == last.target_audio.read_bytes()
    assert said["scene"]["video"]["bytes"] == last.video.read_bytes()
    assert said["sources"].num_rows == len(benchmark.sources)
    assert list(said["row_of"]) == [source.clip_id for source in benchmark.sources]


def test_datasets_reads_every_configuration(exported, small, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    benchmark = load_benchmark(small)
    assert datasets.get_dataset_config_names(str(exported)) == ["inter", "intra", "sources"]
    for subset in benchmark.subsets:
        rows = datasets.load_dataset(str(exported), subset, split="test", cache_dir=str(tmp_path / "cache"))
        assert isinstance(rows.features["video"], datasets.Video)
        assert rows["label"][:] == benchmark.manifests[subset]["label"].to_list()
        assert isinstance(rows.features["target_audio"], datasets.Audio)
        scenes = rows.select_columns(["video"]).cast_column("video", datasets.Video(decode=False))
        assert scenes[0]["video"]["bytes"] == benchmark.samples(subset)[0].video.read_bytes()
    sources = datasets.load_dataset(str(exported), "sources", split="test", cache_dir=str(tmp_path / "cache"))
    assert isinstance(sources.features["audio"], datasets.Audio)
    assert len(sources) == len(benchmark.sources)
