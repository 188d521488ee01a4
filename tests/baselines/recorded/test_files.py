"""Recorded sounds in zips and in datasets of the Hugging Face hub."""

import io
import stat
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from pyarrow import parquet

from baselines import GenerationError, Request
from baselines.recorded import tables, zips
from baselines.recorded.generator import Recorded
from foundation import media


@pytest.fixture
def sounds(film, tmp_path):
    """Three files with three sounds at three rates, as bytes by name."""
    made = {}
    for seed, (name, rate) in enumerate({"dog__bell_0001.wav": 16_000, "ü b.flac": 44_100, "c.x.wav": 8000}.items()):
        path = tmp_path / name
        media.write_audio(path, film.noise(1.2, seed=seed, sample_rate=rate), rate)
        made[name] = path.read_bytes()
        path.rename(tmp_path / f"kept_{seed}{path.suffix}")
    return made


def ask(name):
    return Request(name, "not looked at.mp4", "", "", 1.0, 0)


def check(model, film):
    for seed, (name, rate) in enumerate({"dog__bell_0001": 16_000, "ü b": 44_100, "c.x": 8000}.items()):
        sound, its_rate = model.generate(ask(name))
        assert (its_rate, sound.shape) == (rate, (rate,))
        np.testing.assert_allclose(sound, film.noise(1.2, seed=seed, sample_rate=rate)[:rate], atol=1 / 65_000)
    assert model.missing(["c.x", "absent"]) == ["absent"]


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_read_whatever_its_folders(sounds, film, tmp_path):
    others = {"__MACOSX/run/._c.x.wav": b"", "run/readme.txt": b"", "run/.hidden.wav": b""}
    path = zipped(tmp_path / "all.zip", {f"run/{name}": content for name, content in sounds.items()} | others)
    check(Recorded(folder=path), film)


def test_two_entries_of_one_name_are_refused(sounds, tmp_path):
    content = sounds["c.x.wav"]
    path = zipped(tmp_path / "all.zip", {"a/c.wav": content, "b/c.wav": content})
    with pytest.raises(ValueError, match=r"two files for sample 'c': .*a/c\.wav and .*b/c\.wav"):
        Recorded(folder=path)


def test_a_damaged_zip_and_a_damaged_entry_are_told_apart(sounds, tmp_path):
    path = zipped(tmp_path / "all.zip", sounds)
    whole = path.read_bytes()
    at = whole.index(sounds["c.x.wav"]) + 100
    path.write_bytes(whole[:at] + bytes(4) + whole[at + 4 :])
    model = Recorded(folder=path)
    assert model.generate(ask("dog__bell_0001"))[1] == 16_000
    with pytest.raises(GenerationError, match=r"all\.zip: c\.x\.wav: cannot be unpacked: Bad CRC-32"):
        model.generate(ask("c.x"))
    path.write_bytes(whole[:100])
    with pytest.raises(ValueError, match="is not a zip"):
        Recorded(folder=path)


def dataset(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path, row_group_size=2)


def test_a_dataset_is_read_by_the_path_of_its_audio(sounds, film, tmp_path):
    rows = [{"bytes": content, "path": f"some/{name}"} for name, content in sounds.items()]
    dataset(tmp_path / "data" / "train-0.parquet", {"audio": rows[:1], "label": ["x"]})
    dataset(tmp_path / "data" / "train-1.parquet", {"audio": rows[1:], "label": ["y", "z"]})
    check(Recorded(folder=tmp_path / "data"), film)


def test_a_column_of_names_is_believed_before_the_path(sounds, film, tmp_path):
    rows = [{"bytes": content, "path": "audio.wav"} for content in sounds.values()]
    dataset(tmp_path / "d.parquet", {"audio": rows, "filename": ["dog__bell_0001", "ü b", "c.x"]})
    check(Recorded(folder=tmp_path / "d.parquet"), film)


def test_a_row_without_bytes_is_this_samples_failure(sounds, tmp_path):
    rows = [{"bytes": sounds["c.x.wav"], "path": "a.wav"}, {"bytes": None, "path": "b.wav"}]
    dataset(tmp_path / "data" / "x.parquet", {"audio": rows})
    model = Recorded(folder=tmp_path / "data")
    assert model.generate(ask("a"))[1] == 8000
    with pytest.raises(
        GenerationError, match=r"x\.parquet, row 1 of group 0: no bytes; save the dataset with its audio"
    ):
        model.generate(ask("b"))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        pytest.param({"text": ["x"]}, r"has no column 'audio' of bytes and path; \['text'\]", id="no audio"),
        pytest.param({"audio": ["x"]}, "has no column 'audio' of bytes and path", id="only a text"),
        pytest.param({"audio": [{"bytes": b"x"}]}, "names no sound: no audio.path and none of filename", id="no name"),
        pytest.param({"audio": [{"bytes": b"x", "path": None}]}, "row 0 of group 0 has no name", id="empty name"),
    ],
)
def test_a_dataset_that_names_no_sounds_is_refused(tmp_path, columns, reason):
    dataset(tmp_path / "data" / "x.parquet", columns)
    with pytest.raises(ValueError, match=reason):
        Recorded(folder=tmp_path / "data")


def test_a_dataset_saved_as_arrow_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "data-00000-of-00001.arrow").touch()
    with pytest.raises(ValueError, match=r"saved as arrow; dataset\.to_parquet"):
        Recorded(folder=tmp_path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(io.BytesIO(b"nothing").read())
    with pytest.raises(ValueError, match="is not parquet"):
        Recorded(folder=tmp_path)


def test_sounds_behind_links_count_and_one_file_is_one_sound(sounds, film, tmp_path, caplog):
    for folder in ("in", "scratch"):
        (tmp_path / folder).mkdir()
    for name, content in sounds.items():
        (tmp_path / "scratch" / name).write_bytes(content)
    (tmp_path / "in" / "more").symlink_to(tmp_path / "scratch")
    (tmp_path / "in" / "z.x.wav").symlink_to(tmp_path / "scratch" / "c.x.wav")
    (tmp_path / "in" / "zz").mkdir()
    (tmp_path / "in" / "zz" / "c.x.wav").symlink_to(tmp_path / "scratch" / "c.x.wav")
    model = Recorded(folder=tmp_path / "in")
    check(model, film)
    assert model.generate(ask("z.x"))[1] == 8000  # one sound may have two names
    assert f"{tmp_path}/in/zz/c.x.wav: skipped, the same file as {tmp_path}/in/more/c.x.wav" in caplog.text


def test_a_zip_bomb_a_link_and_a_million_entries_are_refused_without_unpacking(sounds, tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MOST_SOUND_BYTES", 1_000_000)
    path = zipped(tmp_path / "all.zip", sounds)
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.wav", bytes(2_000_000))
        archive.writestr(link, "/etc/passwd")
    model = Recorded(folder=path)
    with pytest.raises(GenerationError, match=r"bomb\.wav: 2,000,000 bytes when unpacked, expected at most 1,000,000"):
        model.generate(ask("bomb"))
    with pytest.raises(GenerationError, match=r"link\.wav: a link, not a sound"):
        model.generate(ask("link"))
    assert model.generate(ask("c.x"))[1] == 8000
    monkeypatch.setattr(zips, "MOST_ENTRIES", 4)
    with pytest.raises(ValueError, match=r"all\.zip has 5 entries, expected at most 4"):
        Recorded(folder=path)


def test_a_row_group_that_no_memory_holds_is_refused(sounds, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_GROUP_BYTES", 1000)
    dataset(tmp_path / "x.parquet", {"audio": [{"bytes": sounds["c.x.wav"], "path": "a.wav"}]})
    with pytest.raises(ValueError, match=r"x\.parquet has [0-9,]+ bytes in one row group, expected at most 1,000"):
        Recorded(folder=tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("subtype", "kept"), [("PCM_16", "PCM_16"), ("PCM_24", "FLOAT"), ("PCM_32", "FLOAT"), ("FLOAT", "FLOAT")]
)
def test_a_sound_of_more_than_16_bits_is_kept_as_floats_and_counts_as_it_is(tmp_path, film, subtype, kept):
    soundfile.write(tmp_path / "a.wav", film.noise(1, seed=1), 16_000, subtype=subtype)
    archive = zipped(tmp_path / "all.zip", {"a.wav": (tmp_path / "a.wav").read_bytes()})
    for folder in (tmp_path, archive):
        model = Recorded(folder=folder)
        sound, rate = model.generate(ask("a"))
        assert model.subtype_of("a") == kept
        media.write_audio(tmp_path / "kept" / "a.wav", sound, rate, subtype=kept)
        again = media.read_audio_native(tmp_path / "kept" / "a.wav").samples[0]
        np.testing.assert_array_equal(again, sound)
        (tmp_path / "kept" / "a.wav").unlink()


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("stored", "asked"), [(NFC, NFD), (NFD, NFC)])
def test_a_name_is_found_in_either_unicode_form(sounds, tmp_path, stored, asked):
    content = sounds["c.x.wav"]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / f"{stored}.wav").write_bytes(content)
    archive = zipped(tmp_path / "all.zip", {f"{stored}.wav": content})
    dataset(tmp_path / "d.parquet", {"audio": [{"bytes": content, "path": f"{stored}.wav"}]})
    for place in (tmp_path / "folder", archive, tmp_path / "d.parquet"):
        model = Recorded(folder=place)
        assert model.missing([asked]) == []
        assert model.generate(ask(asked))[1] == 8000


def test_two_files_that_are_one_name_in_the_two_forms_are_refused(sounds, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in (NFC, NFD):
        (tmp_path / "folder" / f"{name}.wav").write_bytes(sounds["c.x.wav"])
    with pytest.raises(ValueError, match=rf"two files for sample '{NFC}': .*{NFD}\.wav and .*{NFC}\.wav; keep one"):
        Recorded(folder=tmp_path / "folder")


def unmarked(path, entries):
    """A zip whose names are these bytes, without a word on their encoding."""
    stand_ins = {f"{place:0{len(name)}d}": name for place, name in enumerate(entries)}
    zipped(path, dict(zip(stand_ins, entries.values(), strict=True)))
    content = path.read_bytes()
    for stand_in, name in stand_ins.items():
        assert content.count(stand_in.encode()) == 2
        content = content.replace(stand_in.encode(), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("page", ["utf-8", "cp437", "cp850", "cp1252"])
def test_a_zip_made_on_windows_is_read_whatever_its_code_page(sounds, tmp_path, page):
    content = sounds["c.x.wav"]
    name = "hund__fütterung" if page != "cp850" else "cão__ü"  # not in the page of DOS
    path = unmarked(tmp_path / "all.zip", {f"Lauf 1\\{name}.WAV".encode(page): content, b"Lauf 1\\plain.wav": content})
    model = Recorded(folder=path)
    assert model.missing([name, "plain"]) == []
    assert model.generate(ask(name))[1] == model.generate(ask("plain"))[1] == 8000


def test_a_name_that_differs_in_capital_letters_is_another_and_is_told(sounds, tmp_path):
    path = zipped(tmp_path / "all.zip", {"Dog__Bell.wav": sounds["c.x.wav"]})
    with pytest.raises(GenerationError, match=r"no file dog__bell\.\* in .*; .*Dog__Bell\.wav differs in capital let"):
        Recorded(folder=path).generate(ask("dog__bell"))


@pytest.mark.parametrize(
    "kind",
    [pa.int64(), pa.float64(), pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()],
)
def test_names_that_a_table_holds_as_numbers_are_their_digits(sounds, tmp_path, kind):
    names = [7, 123] if pa.types.is_integer(kind) or pa.types.is_floating(kind) else ["7", "123"]
    rows = [{"bytes": sounds["c.x.wav"], "path": "a.wav"}] * 2
    column = pa.array([name.encode() for name in names] if pa.types.is_binary(kind) else names).cast(kind)
    dataset(tmp_path / "d.parquet", {"audio": rows, "id": column})
    model = Recorded(folder=tmp_path / "d.parquet")
    assert model.missing(["7", "123"]) == []
    assert model.generate(ask("123"))[1] == 8000


def test_zeros_that_numbers_have_lost_are_told_and_not_guessed(sounds, tmp_path):
    dataset(tmp_path / "d.parquet", {"audio": [{"bytes": sounds["c.x.wav"], "path": "a.wav"}], "id": [123]})
    with pytest.raises(
        GenerationError, match="the column 'id' holds numbers, which begin with no zeros: store names as"
    ):
        Recorded(folder=tmp_path / "d.parquet").generate(ask("00123"))


@pytest.mark.parametrize("name", [1.5, True])
def test_a_name_that_is_none_is_refused(sounds, tmp_path, name):
    dataset(tmp_path / "d.parquet", {"audio": [{"bytes": b"", "path": "a.wav"}], "id": [name]})
    with pytest.raises(ValueError, match=rf"row 0 of group 0 has no name: {name}"):
        Recorded(folder=tmp_path / "d.parquet")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_of_a_zip_is_named(sounds, tmp_path, method):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.wav", sounds["c.x.wav"])
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(255 - byte for byte in content[60:90])
    path.write_bytes(content)
    with pytest.raises(GenerationError, match=r"all\.zip.*a\.wav: cannot be unpacked: "):
        Recorded(folder=path).generate(ask("a"))
