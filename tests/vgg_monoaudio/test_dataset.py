"""Reading a benchmark: the samples and their files, and every way in which a directory can be wrong."""

import json
from pathlib import Path

import pytest
from support.together import wait_for_a_second

from foundation.files import file_sha256
from vgg_monoaudio import load_benchmark
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, BenchmarkError, Sample, source_clips

ROWS = {
    "inter": [
        ["t1__p1", "dog barking", "raining", "t1", "p1", "Animal", "Nature", "right", "aa"],
        ["p1__t1", "raining", "dog barking", "p1", "t1", "Nature", "Animal", "left", "bb"],
    ],
    "intra": [["t1__t2", "dog barking", "cat meowing", "t1", "t2", "Animal", "Animal", "left", "cc"]],
}
CLIPS = {"t1": ("dog barking", "Animal"), "t2": ("cat meowing", "Animal"), "p1": ("raining", "Nature")}


def record() -> dict:
    return {
        "format": 1,
        "name": "tiny",
        "version": "2.1",
        "settings": {"duration_seconds": 8.0},
        "counts": {"inter": 2, "intra": 1},
        "sources": [{"clip_id": key, "label": label, "category": group} for key, (label, group) in CLIPS.items()],
    }


def manifest_text(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in [MANIFEST_COLUMNS, *rows])


@pytest.fixture
def folder(tmp_path) -> Path:
    """A benchmark directory whose media are empty files: reading one does not open them."""
    for subset, rows in ROWS.items():
        (tmp_path / subset / "video").mkdir(parents=True)
        (tmp_path / subset / "manifest.csv").write_text(manifest_text(rows))
        for row in rows:
            (tmp_path / subset / "video" / f"{row[0]}.mp4").touch()
    (tmp_path / "sources").mkdir()
    for clip_id in CLIPS:
        (tmp_path / "sources" / f"{clip_id}.wav").touch()
        (tmp_path / "sources" / f"{clip_id}.mp4").touch()
    (tmp_path / "benchmark.json").write_text(json.dumps(record()))
    return tmp_path


def test_a_sample_carries_its_row_and_its_files(folder):
    assert load_benchmark(folder).samples("inter")[0] == Sample(
        sample_id="t1__p1", subset="inter", label="dog barking", paired_label="raining", target_id="t1", paired_id="p1",
        target_category="Animal", paired_category="Nature", target_side="right", sha256="aa",
        video=folder / "inter" / "video" / "t1__p1.mp4",
        target_audio=folder / "sources" / "t1.wav", target_video=folder / "sources" / "t1.mp4",
        paired_audio=folder / "sources" / "p1.wav", paired_video=folder / "sources" / "p1.mp4",
    )  # fmt: skip


def test_iterating_gives_every_sample_in_manifest_order_inter_before_intra(folder):
    built = load_benchmark(folder)
    assert [sample.sample_id for sample in built] == ["t1__p1", "p1__t1", "t1__t2"]
    assert [sample.subset for sample in built] == ["inter", "inter", "intra"]
    assert len(built) == 3


def test_the_samples_are_a_table_with_a_row_each(folder):
    benchmark = load_benchmark(folder)
    frame = benchmark.to_frame()
    assert list(frame["sample_id"]) == [sample.sample_id for sample in benchmark]
    assert list(frame["subset"]) == [sample.subset for sample in benchmark]
    first = next(iter(benchmark))
    row = frame.iloc[0]
    assert (row["video"], row["target_audio"]) == (str(first.video), str(first.target_audio))
    assert {*MANIFEST_COLUMNS} - {"filename"} <= {*frame.columns}


def test_a_console_shows_a_benchmark_a_sample_and_a_source_as_one_line_each(folder):
    benchmark = load_benchmark(folder)
    sample = next(iter(benchmark))
    counts = ", ".join(f"{len(benchmark.samples(subset))} {subset}" for subset in benchmark.subsets)
    assert repr(benchmark).startswith(f"Benchmark({benchmark.name} {benchmark.version}: {counts}; ")
    assert repr(sample).startswith(f"Sample({sample.sample_id}: {sample.label} beside {sample.paired_label}"[:50])
    for shown in (benchmark, sample, benchmark.sources[0]):
        assert len(repr(shown)) < 120
        assert "\n" not in repr(shown)


def test_the_record_shows_through(folder):
    built = load_benchmark(str(folder))
    assert (built.name, built.version, built.duration_seconds) == ("tiny", "2.1", 8.0)
    assert [(source.clip_id, source.label, source.category) for source in built.sources] == [
        (clip_id, *about) for clip_id, about in CLIPS.items()
    ]
    assert built.sources[1].audio == folder / "sources" / "t2.wav"
    assert built.sources[1].video == folder / "sources" / "t2.mp4"


def test_one_subset_may_be_read_alone(folder):
    (folder / "inter" / "manifest.csv").unlink()
    assert load_benchmark(folder, subsets=["intra"]).subsets == ["intra"]


def test_a_subset_without_samples_needs_no_manifest(folder):
    (folder / "benchmark.json").write_text(json.dumps({**record(), "counts": {"inter": 0, "intra": 1}}))
    (folder / "inter" / "manifest.csv").unlink()
    assert load_benchmark(folder).subsets == ["intra"]


@pytest.mark.parametrize(("count", "subset"), [(99, "inter"), (0, "inter"), (3, "intra")])
def test_a_manifest_of_another_length_than_the_record_counts_is_refused(folder, count, subset):
    (folder / "benchmark.json").write_text(json.dumps({**record(), "counts": {**record()["counts"], subset: count}}))
    rows = len(ROWS[subset])
    with pytest.raises(
        BenchmarkError,
        match=rf"{subset}/manifest\.csv: {rows} rows, but benchmark\.json counts {count} samples of {subset}; build",
    ):
        load_benchmark(folder)


def test_a_benchmark_without_samples_is_refused(folder):
    for subset in ROWS:
        (folder / subset / "manifest.csv").write_text(manifest_text([]))
    (folder / "benchmark.json").write_text(json.dumps({**record(), "counts": {}}))
    with pytest.raises(BenchmarkError, match=r": no samples of inter, intra or single in it; build the benchmark"):
        load_benchmark(folder)


def test_a_subset_without_samples_may_have_a_manifest_without_rows(folder):
    (folder / "inter" / "manifest.csv").write_text(manifest_text([]))
    (folder / "benchmark.json").write_text(json.dumps({**record(), "counts": {"intra": 1}}))
    assert list(load_benchmark(folder).manifests) == ["intra"]


def test_the_fingerprint_changes_with_any_value_of_its_manifest_alone(folder):
    before = load_benchmark(folder)
    rows = [ROWS["inter"][0], [*ROWS["inter"][1][:-1], "b2"]]
    (folder / "inter" / "manifest.csv").write_text(manifest_text(rows))
    after = load_benchmark(folder)
    assert before.fingerprint("inter") != after.fingerprint("inter")
    assert before.fingerprint("intra") == after.fingerprint("intra")


def test_ids_that_look_like_numbers_or_like_nothing_stay_as_they_are(folder):
    row = ["007__NA", "None", "nan", "t1", "p1", "1.0", "NULL", "left", "0e1"]
    (folder / "intra" / "manifest.csv").write_text(manifest_text([row]))
    (folder / "intra" / "video" / "007__NA.mp4").touch()
    (sample,) = load_benchmark(folder).samples("intra")
    assert (sample.sample_id, sample.label, sample.paired_label) == ("007__NA", "None", "nan")
    assert (sample.target_category, sample.paired_category, sample.sha256) == ("1.0", "NULL", "0e1")


# What is wrong with a directory


def test_an_absent_folder_is_told_from_one_without_a_benchmark(tmp_path):
    with pytest.raises(BenchmarkError, match=r"no benchmark there \(no such folder\); `make build-benchmark OUT="):
        load_benchmark(tmp_path / "absent")
    with pytest.raises(BenchmarkError, match=r"no benchmark there \(no benchmark\.json in it\)"):
        load_benchmark(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a benchmark record"),
        ("[]", "not a benchmark record"),
        ("3", "not a benchmark record"),
        ("{}", "it names no format"),
        ('{"format": 2}', "format 2, this version reads 1"),
        ('{"format": 1}', "name: is missing; build the benchmark again"),
    ],
)
def test_a_record_of_another_form_is_refused(folder, text, message):
    (folder / "benchmark.json").write_text(text)
    with pytest.raises(BenchmarkError, match=message) as raised:
        load_benchmark(folder)
    assert str(raised.value).startswith(f"{folder / 'benchmark.json'}: ")


@pytest.mark.parametrize("key", ["name", "version", "settings", "counts", "sources"])
def test_a_record_that_lacks_a_part_is_refused(folder, key):
    (folder / "benchmark.json").write_text(json.dumps({k: v for k, v in record().items() if k != key}))
    with pytest.raises(BenchmarkError, match=f"{key}: is missing; build the benchmark again"):
        load_benchmark(folder)


def test_a_record_that_is_not_text_is_refused(folder):
    (folder / "benchmark.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BenchmarkError, match="not a benchmark record"):
        load_benchmark(folder)


@pytest.mark.parametrize("column", MANIFEST_COLUMNS)
def test_a_missing_column_is_named(folder, column):
    place = MANIFEST_COLUMNS.index(column)
    rows = [row[:place] + row[place + 1 :] for row in [MANIFEST_COLUMNS, *ROWS["intra"]]]
    (folder / "intra" / "manifest.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    with pytest.raises(BenchmarkError, match=rf"manifest\.csv: column '{column}' is missing; a manifest has filename,"):
        load_benchmark(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(manifest_text(ROWS["intra"] * 2), "'t1__t2' is listed twice", id="doubled name"),
        pytest.param(
            manifest_text([[*ROWS["intra"][0][:7], "top", "cc"]]),
            "t1__t2: target_side is 'top', not left or right",
            id="unknown side",
        ),
        pytest.param(
            manifest_text([ROWS["intra"][0][:6]]), "row 1 has no sha256; build the benchmark again", id="short row"
        ),
        pytest.param(manifest_text([[*ROWS["intra"][0], "more"]]), "target_side is 'cc'", id="long row"),
        pytest.param(manifest_text([["", *ROWS["intra"][0][1:]]]), "row 1 has no filename", id="no name"),
        pytest.param("", "not a table", id="empty"),
        pytest.param('filename,"lab', "not a table", id="open quote"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused(folder, text, message):
    (folder / "intra" / "manifest.csv").write_text(text)
    with pytest.raises(BenchmarkError, match=message) as raised:
        load_benchmark(folder)
    assert str(raised.value).startswith(f"{folder / 'intra' / 'manifest.csv'}: ")


def test_a_missing_manifest_is_named(folder):
    (folder / "intra" / "manifest.csv").unlink()
    with pytest.raises(BenchmarkError, match=r"manifest\.csv: missing; build the benchmark again"):
        load_benchmark(folder)


@pytest.mark.parametrize("file", ["inter/video/p1__t1.mp4", "sources/t2.wav", "sources/t2.mp4", "sources/p1.mp4"])
def test_a_missing_file_is_named_with_a_sample_that_needs_it(folder, file):
    (folder / file).unlink()
    with pytest.raises(BenchmarkError, match=rf"{file}: missing; sample \w+ needs it\. Build the benchmark again"):
        load_benchmark(folder)


def test_the_clips_that_samples_share_are_both_or_the_target_s_alone():
    assert source_clips(["a", "b"], ["c", "a"]).tolist() == [["a", "c"], ["b", "a"]]
    assert source_clips(["a", "b"], ["", ""]).tolist() == [["a"], ["b"]]
    assert source_clips(["a", "b"], ["c", ""]).tolist() == [["a"], ["b"]]  # one shape for all, so one column
    assert source_clips([], []).shape == (0, 2)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a\\b", "C:x"])
@pytest.mark.parametrize("column", ["filename", "target_id", "paired_id"])
def test_a_name_in_a_manifest_that_leads_out_of_the_benchmark_is_refused_with_its_row(folder, column, name):
    row = list(ROWS["inter"][1])
    row[MANIFEST_COLUMNS.index(column)] = name
    (folder / "inter" / "manifest.csv").write_text(manifest_text([ROWS["inter"][0], row]))
    with pytest.raises(BenchmarkError) as raised:
        load_benchmark(folder)
    expected = f"{folder / 'inter' / 'manifest.csv'}: row 2: {column} is {name!r}, not the name of one file: it "
    assert str(raised.value).startswith(expected)


def test_a_clip_in_the_record_whose_name_leads_out_of_the_benchmark_is_refused(folder):
    sources = [*record()["sources"], {"clip_id": "../../x", "label": "x", "category": "x"}]
    (folder / "benchmark.json").write_text(json.dumps({**record(), "sources": sources}))
    with pytest.raises(BenchmarkError, match=r"sources\.3\.clip_id: expected the name of one file, got '\.\./\.\./x'"):
        load_benchmark(folder)


def test_a_record_of_endless_size_is_refused_without_reading_it(folder):
    with (folder / "benchmark.json").open("wb") as file:
        file.truncate(2**40)  # a hole: it takes no room on the disk
    with pytest.raises(BenchmarkError, match=r"benchmark\.json: .*more than 67,108,864 bytes"):
        load_benchmark(folder)


def test_files_are_found_in_either_unicode_form_of_their_names(folder):
    rows = [[cell.replace("t1", "caf\u00e9") for cell in row] for row in ROWS["inter"]]
    (folder / "inter" / "manifest.csv").write_text(manifest_text(rows), encoding="utf-8")
    (folder / "benchmark.json").write_text(json.dumps(record()).replace('"t1"', '"caf\\u00e9"'))
    for path in [path for path in folder.rglob("*") if "t1" in path.name]:
        path.rename(path.with_name(path.name.replace("t1", "cafe\u0301")))
    read = load_benchmark(folder, subsets=["inter"])
    assert read.samples("inter")[0].target_audio == folder / "sources" / "cafe\u0301.wav"
    assert read.samples("inter")[0].sample_id == "caf\u00e9__p1"


def test_a_clip_of_a_manifest_that_the_record_lacks_or_names_twice_is_refused(folder):
    sources = record()["sources"]
    (folder / "benchmark.json").write_text(json.dumps({**record(), "sources": sources[1:]}))
    with pytest.raises(
        BenchmarkError, match=rf"manifest\.csv: clip '{sources[0]['clip_id']}' is not in benchmark\.json"
    ):
        load_benchmark(folder)
    (folder / "benchmark.json").write_text(json.dumps({**record(), "sources": [*sources, sources[0]]}))
    with pytest.raises(BenchmarkError, match=rf"benchmark\.json: clip '{sources[0]['clip_id']}' is listed twice"):
        load_benchmark(folder)


@pytest.mark.parametrize("seconds", ["1e400", "1" + 400 * "0", "1e308", "NaN"])
def test_a_length_that_no_scene_has_is_refused(folder, seconds):
    text = json.dumps({**record(), "settings": {**record()["settings"], "duration_seconds": "HERE"}})
    (folder / "benchmark.json").write_text(text.replace('"HERE"', seconds))
    with pytest.raises(BenchmarkError, match=r"benchmark\.json: "):
        load_benchmark(folder)


def test_many_files_are_checked_by_threads_and_the_first_that_is_another_is_named(small, monkeypatch):
    benchmark = load_benchmark(small)
    scenes = [sample.video for sample in benchmark]
    wait_for_a_second(monkeypatch, "vgg_monoaudio.dataset.content_sha256", file_sha256)
    benchmark.check_files(scenes)
    for scene in scenes[2:4]:
        scene.write_bytes(b"another")
    wait_for_a_second(monkeypatch, "vgg_monoaudio.dataset.content_sha256", file_sha256)
    with pytest.raises(BenchmarkError, match=rf"^{scenes[2]}: not the file that was built \(its SHA-256 is "):
        benchmark.check_files(scenes)
    scenes[1].unlink()
    with pytest.raises(BenchmarkError, match=rf"^{scenes[1]}: No such file or directory; build the benchmark again$"):
        benchmark.check_files(scenes)
