"""WebDataset shards: whole samples, the same bytes, read back by webdataset itself."""

import json
import re
import tarfile
from itertools import groupby

import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.publishing.webdataset import export_webdataset


def members(path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


def test_a_sample_is_its_row_its_scene_and_its_sounds(small, tmp_path):
    benchmark = load_benchmark(small)
    (inter, intra) = export_webdataset(benchmark, tmp_path / "out")
    assert (inter.name, intra.name) == ("inter-000000.tar", "intra-000000.tar")
    with tarfile.open(inter) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar}
    sample = benchmark.samples("inter")[0]
    assert [name for name in content if name.startswith(f"{sample.sample_id}.")] == [
        f"{sample.sample_id}.{suffix}" for suffix in ("json", "mp4", "paired.wav", "target.mp4", "target.wav")
    ]
    assert content[f"{sample.sample_id}.mp4"] == sample.video.read_bytes()
    assert content[f"{sample.sample_id}.target.wav"] == sample.target_audio.read_bytes()
    assert content[f"{sample.sample_id}.paired.wav"] == sample.paired_audio.read_bytes()
    row = json.loads(content[f"{sample.sample_id}.json"])
    assert row == {**benchmark.manifests["inter"].iloc[0].to_dict(), "subset": "inter"}


def test_the_card_names_the_members_of_a_sample_and_its_lines_read_them(small, tmp_path, monkeypatch):
    benchmark = load_benchmark(small)
    export_webdataset(benchmark, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "benchmark.json" not in text
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path / "out")
    said = {}
    exec(lines, said)
    last = benchmark.samples("inter")[-1]
    assert (said["key"], said["kind"]) == (last.sample_id, "target.wav")
    assert said["content"] == last.target_audio.read_bytes()
    kinds = {member.name.partition(".")[2] for member in members(tmp_path / "out" / "inter-000000.tar")}
    assert kinds == set(re.findall(r"^<key>\.(\S+)", text, re.MULTILINE))


def test_members_of_a_sample_stand_together_in_the_order_of_the_manifest(small, tmp_path):
    benchmark = load_benchmark(small)
    names = [member.name for path in export_webdataset(benchmark, tmp_path / "out") for member in members(path)]
    keys = [key for key, _ in groupby(names, lambda name: name.partition(".")[0])]
    assert keys == [sample.sample_id for sample in benchmark]


def test_the_bytes_are_the_same_every_time(small, tmp_path):
    first = export_webdataset(load_benchmark(small), tmp_path / "a")
    second = export_webdataset(load_benchmark(small), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    for member in members(first[0]):
        assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)


def test_shards_hold_as_much_as_allowed_and_whole_samples(small, tmp_path):
    benchmark = load_benchmark(small)
    sizes = {}
    for sample in benchmark.samples("inter"):
        paths = (sample.video, sample.target_video, sample.target_audio, sample.paired_audio)
        sizes[sample.sample_id] = sum(path.stat().st_size for path in paths)
    most = 2 * max(sizes.values())
    shards = [path for path in export_webdataset(benchmark, tmp_path / "out", shard_bytes=most) if "inter" in path.name]
    assert [path.name for path in shards] == ["inter-000000.tar", "inter-000001.tar"]
    assert [len(members(path)) for path in shards] == [10, 10]  # two samples of five files each


def test_webdataset_reads_every_sample(small, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    benchmark = load_benchmark(small)
    paths = [str(path) for path in export_webdataset(benchmark, tmp_path / "out")]
    read = list(webdataset.WebDataset(paths, shardshuffle=False, empty_check=False))
    assert [row["__key__"] for row in read] == [sample.sample_id for sample in benchmark]
    assert set(read[0]) >= {"json", "mp4", "target.mp4", "target.wav", "paired.wav"}
    assert read[-1]["mp4"] == benchmark.samples("intra")[-1].video.read_bytes()


def test_a_dot_in_a_name_does_not_end_the_key(write_benchmark, tmp_path):
    clips = [("my.clip", "dog barking", "Animal"), ("other", "playing harp", "Music")]
    benchmark = load_benchmark(write_benchmark(clips=clips, pairs={"inter": ((0, 1),)}))
    (path,) = export_webdataset(benchmark, tmp_path / "out")
    assert members(path)[0].name == "my_clip__other.json"
    with tarfile.open(path) as tar:
        assert json.load(tar.extractfile("my_clip__other.json"))["filename"] == "my.clip__other"


def test_names_that_would_become_one_are_refused(write_benchmark, tmp_path):
    clips = [("a.b", "dog barking", "Animal"), ("a_b", "dog barking", "Animal"), ("c", "playing harp", "Music")]
    benchmark = load_benchmark(write_benchmark(clips=clips, pairs={"inter": ((0, 2), (1, 2))}))
    with pytest.raises(ValueError, match=r"samples a\.b__c and a_b__c would both be 'a_b__c'"):
        export_webdataset(benchmark, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_refused(small):
    with pytest.raises(ValueError, match="not empty; choose another folder"):
        export_webdataset(load_benchmark(small), small)
