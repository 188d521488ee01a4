"""`benchmark.json`: read in every form that was ever built, refused in one line, written byte for byte as before."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from foundation import media
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.single_clips import SingleSettings, build_vggsound_test
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.record import (
    BenchmarkError,
    BuildRecord,
    ListSettingsRecord,
    SceneSettingsRecord,
    SingleSettingsRecord,
    read_record,
    write_record,
)
from vgg_monoaudio.selection.funnel import add_stage, as_stages, first_stage
from vgg_monoaudio.stretch import Filled
from vgg_monoaudio.taxonomy import subsumption_sha256

DATA = Path(__file__).parent / "data" / "format_1"  # written by release 0.1.0
OLD = sorted(path.name for path in DATA.glob("*.json"))
ROWS = [
    ("aaaaaaaaaaa_000001", "dog barking", "Animal"),
    ("bbbbbbbbbbb_000002", "gazouillis, été", "Animal"),
    ("ccccccccccc_000003", "people whispering", "Human"),
    ("ddddddddddd_000004", "baby babbling", "Human"),
    ("eeeeeeeeeee_000005", "thunder", "Nature"),
    ("fffffffffff_000006", "Häßlich", "Nature"),
]


def folder_of(tmp_path: Path, content: object) -> Path:
    (tmp_path / "benchmark.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def old(name: str) -> dict:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture
def clips(tmp_path, monkeypatch) -> dict[str, Path]:
    """The clips behind the old records: films of one line each, the fifth without sound, the sixth absent."""

    def write(output: Path, text: str) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)

    def cut(source, output, *, start=0.0, duration):
        write(output, f"{source.name} {start} {duration}")

    def compose(target, paired, output, side, fit, duration, **rest):
        write(output, f"{target.name} {paired.name} {side} {fit} {duration}")

    def read_audio(path, *, sample_rate, start_seconds=0.0, seconds):
        if path.stem.startswith("eeeee"):
            raise media.MediaError(path, "no audio stream")
        return np.full(round(sample_rate * seconds), 0.25, np.float32)

    monkeypatch.setattr("vgg_monoaudio.composition.cut", cut)
    monkeypatch.setattr("vgg_monoaudio.composition.compose", compose)
    monkeypatch.setattr("vgg_monoaudio.composition.filled", lambda *_, **__: Filled(0.0, 0.0))
    monkeypatch.setattr("foundation.media.read_audio", read_audio)
    monkeypatch.setattr("foundation.media.write_audio", lambda path, wave, rate: write(path, f"{wave.size} {rate}"))
    for clip, *_ in ROWS[:-1]:
        write(tmp_path / "clips" / f"{clip}.mp4", f"clip {clip}")
    return find_clips(tmp_path / "clips")


NEW_SETTINGS = {"side_rule", "subsumption_sha256", "encoder"}  # which release 0.1.0 did not write


def as_before(name: str, written: bytes, *new: str) -> bytes:
    """A record of release 0.1.0 with what is new, and what follows from it: the hash of all that decides the result."""
    content, now = old(name), json.loads(written)
    keys = [key for key in now if key in content or key in new]
    merged = {key: now[key] if key in ("inputs", *new) else content[key] for key in keys}
    named = {key: now["settings"][key] for key in now["settings"] if key in NEW_SETTINGS}
    merged["settings"] = {**content["settings"], **named}
    return (json.dumps(merged, indent=2, ensure_ascii=False) + "\n").encode()


def test_scenes_are_recorded_as_before_to_the_byte(clips, tmp_path):
    sources = pd.DataFrame(ROWS, columns=["clip_id", "label", "category"]).assign(start_seconds=[0, 0.5, 0, 0, 0, 1])
    settings = Settings(name="tiny", version="1.0", seed=3, inter_pairs=4, fit="pad", duration_seconds=0.4)
    funnel = as_stages(add_stage(first_stage("all", 9), "list", 6, "not these"))
    build_benchmark(sources, clips, tmp_path / "out", settings, funnel=funnel, allow_missing=True, workers=2)
    written = (tmp_path / "out" / "benchmark.json").read_bytes()
    assert written == as_before("scenes_with_funnel.json", written, "frame_rule", "funnel")
    content = json.loads(written)
    assert content["funnel"][:2] == old("scenes_with_funnel.json")["funnel"][:2]
    # Release 0.1.0 named each of them twice.
    assert content["funnel"][2]["why"] == (
        "eeeeeeeeeee_000005.mp4: no audio stream; fffffffffff_000006: no file of that name in the folder of clips"
    )
    assert content["frame_rule"] == "shared-clock"
    assert content["settings"]["side_rule"] == "balanced"
    assert content["settings"]["subsumption_sha256"] == subsumption_sha256()
    assert content["inputs"] != old("scenes.json")["inputs"]


@pytest.mark.parametrize("encoder", ["pyav", "ffmpeg"])
def test_single_clips_are_recorded_as_before_to_the_byte(clips, tmp_path, monkeypatch, encoder):
    monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", encoder)
    listed = pd.DataFrame(ROWS, columns=["clip_id", "label", "category"]).assign(split="test")
    settings = SingleSettings(duration_seconds=0.4)
    build_vggsound_test(listed, clips, tmp_path / "out", settings, allow_missing=True, workers=2)
    written = (tmp_path / "out" / "benchmark.json").read_bytes()
    assert written == as_before("single.json", written, "frame_rule", "funnel")
    content = json.loads(written)
    assert content["frame_rule"] == "shared-clock"
    assert content["settings"].get("encoder", "ffmpeg") == encoder
    assert (content["inputs"] == old("single.json")["inputs"]) == (encoder == "ffmpeg")
    assert [stage["clips"] for stage in content["funnel"]] == [6, 4]


@pytest.mark.parametrize("name", OLD)
def test_a_record_of_0_1_0_is_read_and_written_back_to_the_byte(tmp_path, name):
    (tmp_path / "benchmark.json").write_bytes((DATA / name).read_bytes())
    record = read_record(tmp_path)
    assert record.content() == old(name)
    write_record(tmp_path, record)
    assert (tmp_path / "benchmark.json").read_bytes() == (DATA / name).read_bytes()


def test_the_clips_of_the_list_are_those_used_left_out_and_replaced_but_no_substitutes(tmp_path):
    source = {"label": "hum", "category": "Tool"}
    content = {
        "format": 1,
        "name": "tiny",
        "version": "2.0+reserves.12345678",
        "settings": {"duration_seconds": 8},
        "counts": {},
        "sources": [{"clip_id": clip, **source} for clip in ("a", "d")],
        "left_out": [{"clip_id": "b", "reason": "gone"}],
        "replaced": [{"clip_id": "c", "label": "hum", "reason": "gone", "by": "d", "rank": 2}],
    }
    record = read_record(folder_of(tmp_path, content))
    assert record.listed == {"a", "b", "c"}
    assert record.content() == content


def test_the_fields_of_both_kinds_are_typed(tmp_path):
    scenes = read_record(folder_of(tmp_path, old("scenes_with_funnel.json")))
    assert scenes.kind is None
    assert isinstance(scenes.settings, SceneSettingsRecord)
    assert (scenes.settings.seed, scenes.settings.fit, scenes.counts.inter_pool) == (3, "pad", 8)
    assert [stage.dropped for stage in scenes.funnel] == [0, 3, 2]
    assert scenes.intra_dropped[0].reason.startswith("the paper's own example")
    single = read_record(folder_of(tmp_path, old("single.json")))
    assert single.kind == "vggsound-test"
    assert isinstance(single.settings, SingleSettingsRecord)
    assert (single.counts.single, single.counts.inter_pool) == (4, 0)
    assert [left.clip_id for left in single.left_out] == ["eeeeeeeeeee_000005", "fffffffffff_000006"]


def test_a_record_of_the_least_that_a_reader_needs_is_read_and_kept_as_it_is(tmp_path):
    least = {
        "format": 1,
        "name": "tiny",
        "version": "1.0",
        "settings": {"duration_seconds": 8},
        "counts": {"inter": 1},
        "sources": [{"clip_id": "a", "label": "hum", "category": "Tool"}],
    }
    record = read_record(folder_of(tmp_path, least))
    assert (record.inputs, record.left_out, record.funnel, record.sources[0].video_sha256) == ("", (), (), None)
    assert record.content() == least
    assert json.dumps(record.content()) == json.dumps(least)  # 8 stays 8, not 8.0


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param({"format": 2, "shape": "new"}, "format 2, this version reads 1", id="future"),
        pytest.param({"format": "1"}, "format '1', this version reads 1", id="text for a format"),
        pytest.param({"format": True}, "format True, this version reads 1", id="true for a format"),
        pytest.param({"format": 1.0}, r"format 1\.0, this version reads 1", id="fraction for a format"),
        pytest.param({"mood": "good"}, "mood: no such key, got 'good'", id="unknown field"),
        pytest.param(
            {"kind": "films"}, r"kind: expected 'vggsound-test', .* or 'own-list', got 'films'", id="unknown kind"
        ),
        pytest.param({"counts": {"inter": "many"}}, r"counts\.inter: expected a whole number, got 'many'", id="count"),
        pytest.param({"settings": {"seed": 0}}, r": settings\.duration_seconds: is missing", id="duration"),
        pytest.param({"settings": 8}, r": settings: ", id="settings"),
        pytest.param({"sources": [{"clip_id": "a"}]}, r"sources\.0\.label: is missing", id="source"),
    ],
)
def test_a_record_that_this_version_cannot_read_is_refused_in_one_line(tmp_path, edit, message):
    with pytest.raises(BenchmarkError, match=message) as refused:
        read_record(folder_of(tmp_path, old("scenes.json") | edit))
    assert str(refused.value).startswith(f"{tmp_path / 'benchmark.json'}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("encoder", [{}, {"encoder": "pyav"}])
def test_settings_are_those_of_the_records_kind_whichever_of_them_are_written(tmp_path, encoder):
    single = old("single.json")
    single["settings"] |= encoder
    assert isinstance(read_record(folder_of(tmp_path, single)).settings, SingleSettingsRecord)
    listed = single["settings"] | {"soundtrack": "none", "part": "", "own_sound": "target", "list_sha256": "a" * 64}
    content = single | {"kind": "own-list", "settings": listed}
    assert isinstance(read_record(folder_of(tmp_path, content)).settings, ListSettingsRecord)
    for wrong, message in (
        (single["settings"] | {"soundtrack": "mixture"}, r"settings\.soundtrack: expected 'target', got 'mixture'"),
        (single["settings"] | {"seed": 0}, r"settings\.seed: no such key"),
        ({"duration_seconds": 8}, r"settings\.name: is missing"),
    ):
        with pytest.raises(BenchmarkError, match=message):
            read_record(folder_of(tmp_path, single | {"settings": wrong}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[" * 100_000, r"not a benchmark record \(nested too deeply\)", id="deep"),
        pytest.param('{"format": ' + "1" * 5000 + "}", "not a benchmark record", id="digits"),
    ],
)
def test_json_that_python_cannot_hold_is_refused(tmp_path, text, message):
    (tmp_path / "benchmark.json").write_text(text)
    with pytest.raises(BenchmarkError, match=message):
        read_record(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "benchmark.json").write_text(json.dumps(old("scenes.json")), encoding="utf-8-sig")
    assert read_record(tmp_path).content() == old("scenes.json")


def test_a_record_does_not_change_and_cannot_hold_what_a_file_cannot():
    record = BuildRecord.model_validate(old("scenes.json"))
    with pytest.raises(ValidationError, match="frozen"):
        record.name = "other"
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        BuildRecord.model_validate(old("scenes.json") | {"counts": {"inter": -1}})


def test_a_record_is_whole_or_absent(tmp_path, monkeypatch):
    record = BuildRecord.model_validate(old("scenes.json"))
    write_record(tmp_path, record)

    def full(*_args, **_options):
        raise OSError(28, "no space left", str(tmp_path))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_record(tmp_path, record.model_copy(update={"name": "other"}))
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark.json"]
    assert read_record(tmp_path).name == "tiny"


def test_the_committed_schema_names_every_field_of_the_records_that_were_built():
    schema = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "benchmark.schema.json").read_text())
    assert schema["additionalProperties"] is False
    assert schema["properties"]["format"]["const"] == 1
    fields = {name: set(part["properties"]) for name, part in schema["$defs"].items()}
    for name in OLD:
        record = old(name)
        assert set(schema["required"]) <= set(record) <= set(schema["properties"])
        kind = "SingleSettingsRecord" if "kind" in record else "SceneSettingsRecord"
        since = {"judged_pairs_sha256", *NEW_SETTINGS}
        assert fields[kind] - set(record["settings"]) <= since
        assert set(record["settings"]) <= fields[kind]
        assert set(record["counts"]) <= fields["CountsRecord"]
        new = {"silence_filled_seconds", "picture_held_seconds", "onset_seconds"}  # only where there is any
        assert all(set(row) == fields["SourceRecord"] - new for row in record["sources"])
        assert all(set(row) == fields["DroppedPairRecord"] for row in record["intra_dropped"])


@pytest.mark.parametrize("name", ["", ".", "..", "../../x", "/tmp/x", "a/b"])
def test_a_name_that_leads_out_of_the_folder_of_runs_is_refused(tmp_path, name):
    folder = folder_of(tmp_path, {**old(OLD[0]), "name": name})
    with pytest.raises(BenchmarkError, match=r"benchmark\.json: name: expected the name of one folder, got "):
        read_record(folder)


@pytest.mark.parametrize("name", ["", "../x", "/tmp/x", "a/b", "x\n"])
@pytest.mark.parametrize("settings", [Settings, SingleSettings])
def test_settings_of_such_a_name_are_refused_before_anything_is_built(settings, name):
    with pytest.raises(ValueError, match=r"^name: expected the name of one folder, got "):
        settings(name=name)
