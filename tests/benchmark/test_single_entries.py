"""Entries of the cache from before there were packs: they serve where they are whole, and are written no more."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load, save
from support import front_ends
from support.levels import BRIGHTNESS, LEVEL, again, run, two_sounds
from support.packs import (
    as_single,
    copied_from_another,
    cut_in_the_head,
    emptied,
    kept_below,
    kept_in,
    of_another_kind,
    packs_below,
    zeroed,
)

from benchmark import packs
from benchmark.feature_store import FeatureStore, UnusableFeatures
from benchmark.features import Extractor
from foundation import media
from foundation.files import file_sha256


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def sounds(tmp_path):
    return two_sounds(tmp_path)


def singles(store, *, note=True):
    """Put files of their own in the place of all packs; return them by the hash of the file of media."""
    kept = kept_below(store._root)
    paths = {one.sha256: as_single(one, store._root, note=note) for one in kept}
    for pack in packs_below(store._root):
        pack.unlink()
    return paths


@pytest.fixture
def entries(sounds, store):
    """The entries of both sounds."""
    run(sounds, store)
    paths = singles(store)
    return [paths[file_sha256(sound)] for sound in sounds]


def test_an_entry_serves_and_nothing_is_written(sounds, store, entries, look):
    before = look.written(store._root)
    fresh = again(store)
    assert run(sounds, fresh).computed == 0
    levels = [fresh.read(LEVEL, file_sha256(sound))["level"].item() for sound in sounds]
    assert levels[0] == pytest.approx(2 * levels[1], rel=1e-3)
    with pytest.raises(ValueError, match="read-only"):
        fresh.read(LEVEL, file_sha256(sounds[0]))["level"][:] = 0
    assert look.written(store._root) == before


def cut_at_the_end(path, _other):
    path.write_bytes(path.read_bytes()[:-4])


def overwritten(path, _other):
    data = path.read_bytes()
    path.write_bytes(data[:-8] + bytes(8))


DAMAGES = [emptied, cut_in_the_head, cut_at_the_end, overwritten, zeroed, of_another_kind, copied_from_another]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_entry_that_is_damaged_or_foreign_is_computed_again_with_one_warning(sounds, store, entries, caplog, damage):
    path, other = entries
    whole = load(path.read_bytes())
    damage(path, other)
    assert run(sounds, again(store)).computed == 1
    (warning,) = caplog.messages
    assert warning.startswith(f"{path}: ")
    assert warning.endswith("; computed again")
    (pack,) = packs_below(store._root)
    (kept,) = kept_in(pack)
    assert kept.sha256 == path.stem
    np.testing.assert_equal(kept.arrays, whole)
    assert run(sounds, again(store)).computed == 0
    assert len(caplog.messages) == 1


def test_the_features_of_another_extractor_or_key_are_not_taken_for_these(store, entries, caplog):
    for extractor in (
        Extractor("test.other", "v1", "audio", front_ends.level),
        Extractor("test.level", "v2", "audio", front_ends.level),
    ):
        copy = store._root / extractor.name / extractor.key / entries[0].parent.name / entries[0].name
        copy.parent.mkdir(parents=True)
        shutil.copyfile(entries[0], copy)
        assert not store.has(extractor, entries[0].stem)
    assert ["of another extractor (test.level)" in line for line in caplog.messages] == [True, False]
    assert "of another version or weights (v1)" in caplog.messages[1]


def test_many_damaged_entries_are_one_warning(sounds, store, entries, caplog):
    for path in entries:
        emptied(path, None)
    assert run(sounds, store).computed == 2
    assert caplog.messages == [f"{entries[0]}: empty; computed again (and 1 others)"]


def test_an_entry_that_is_spoilt_after_the_check_is_named_and_the_next_call_computes_it_again(store, entries):
    path = entries[0]
    assert store.has(LEVEL, path.stem)
    overwritten(path, None)
    with pytest.raises(UnusableFeatures, match=rf"^{path}: damaged .*; the same command computes it again$"):
        store.read(LEVEL, path.stem)


def test_entries_without_a_note_serve_where_they_are_whole(sounds, store, caplog):
    run(sounds, store)
    paths = singles(store, note=False)
    first, second = (paths[file_sha256(sound)] for sound in sounds)
    kept = first.read_bytes()
    cut_at_the_end(second, None)
    assert run(sounds, again(store)).computed == 1
    assert first.read_bytes() == kept
    assert [one.sha256 for one in kept_below(store._root)] == [second.stem]
    assert [str(second) in line for line in caplog.messages] == [True]


@pytest.mark.parametrize("earlier", ["without a rule", "by another rule"])
@pytest.mark.parametrize("from_zero", [True, False])
def test_features_of_another_frame_rule_serve_only_for_films_that_begin_at_zero(
    tmp_path, store, caplog, monkeypatch, earlier, from_zero
):
    film = tmp_path / "film.mp4"
    media.write_video(film, (np.full((64, 96, 3), 4 * k, np.uint8) for k in range(20)), fps=25)
    with monkeypatch.context() as then:
        then.setattr(packs, "FRAME_RULE", "each-from-zero")
        run([film], store, BRIGHTNESS)
    (path,) = singles(store, note=earlier == "by another rule").values()
    done = run([film], store, BRIGHTNESS, from_zero=from_zero)
    assert done.computed == (0 if from_zero else 1)
    if not from_zero:
        rule = "the frame rule of an earlier version" if earlier == "without a rule" else "frame rule each-from-zero"
        assert caplog.messages == [f"{path}: read by {rule}; computed again"]
        assert run([film], store, BRIGHTNESS).computed == 0


@pytest.mark.parametrize("noted", [True, False], ids=["with a note", "without one"])
@pytest.mark.parametrize(("was", "now"), [(b'"F32"', b'"I32"'), (b'"level":{', b'"lebel":{')])
def test_an_entry_whose_header_was_damaged_is_computed_again(sounds, store, caplog, noted, was, now):
    """Names, types or shapes are changed, and the values left as they are."""
    run(sounds, store)
    path = singles(store, note=noted)[file_sha256(sounds[0])]
    whole = load(path.read_bytes())
    data = path.read_bytes()
    assert (len(was), data.count(was)) == (len(now), 1)
    path.write_bytes(data.replace(was, now))
    assert run(sounds, again(store)).computed == 1
    assert f"{path}: damaged" in caplog.text
    (kept,) = kept_below(store._root)
    np.testing.assert_equal(kept.arrays, whole)


def test_an_entry_that_changed_is_read_again(store, entries):
    path = entries[0]
    first = store.read(LEVEL, path.stem)["level"].item()
    path.write_bytes(save({"level": np.array([7], np.float32)}))
    assert (first, store.read(LEVEL, path.stem)["level"].item()) == (pytest.approx(0.35, abs=0.1), 7)
    path.unlink()
    assert not store.has(LEVEL, path.stem)
