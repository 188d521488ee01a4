"""The cache on an object store: of a pack the head is read first, and all of it once; what is damaged is made again."""

import logging
import shutil

import numpy as np
import pytest
from support import front_ends
from support.packs import as_single, kept_below, packs_below, spoil

from benchmark import remote_cache
from benchmark.feature_store import FeatureStore, cache_here
from benchmark.features import Extractor
from foundation.remote.places import Known, Place

ROW = Extractor("test.row", "v1", "audio", front_ends.level)
FIRST, SECOND = "ab" * 32, "cd" * 32


@pytest.fixture
def cache(bucket, tmp_path, monkeypatch):
    """An address; its folder here is below the working directory."""
    monkeypatch.chdir(tmp_path)
    return f"{bucket}/cache"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Goes on as another machine, which has fetched nothing."""

    def moved(name="other"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)

    return moved


@pytest.fixture
def asked(monkeypatch):
    """What is read of the object store: names, and how many bytes at most."""
    seen, original = [], Place.read

    def counted(self, name, first=None):
        seen.append((name.rpartition("/")[2], first))
        return original(self, name, first)

    monkeypatch.setattr(Place, "read", counted)
    return seen


def warnings(caplog):
    """What was said; the stand-in for S3 tells of every request, below a warning."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def values(value, size=4):
    return {"x": np.full(size, value, np.float32)}


def test_a_small_pack_comes_at_once_and_is_asked_for_once(cache, elsewhere, asked):
    FeatureStore(cache).write_many(ROW, {FIRST: values(1), SECOND: values(2)})
    (pack,) = packs_below(cache_here(cache))
    elsewhere()
    store = FeatureStore(cache)
    assert [store.read(ROW, sha256)["x"][0] for sha256 in (FIRST, SECOND)] == [1, 2]
    assert [name for name, _ in asked] == [pack.name]
    assert packs_below(cache_here(cache))[0].read_bytes() == Place(cache).read(f"test.row/v1/packs/{pack.name}")
    asked.clear()
    assert FeatureStore(cache).read(ROW, SECOND)["x"][0] == 2  # by another process of this machine
    assert asked == []


def test_of_a_large_pack_the_head_is_read_and_the_rest_when_it_is_wanted(cache, elsewhere, asked, monkeypatch):
    monkeypatch.setattr(remote_cache, "_FIRST_BYTES", 40)  # less than a head
    FeatureStore(cache).write_many(ROW, {FIRST: values(1), SECOND: values(2)})
    (pack,) = packs_below(cache_here(cache))
    after = 12 + int.from_bytes(pack.read_bytes()[8:12], "little")
    elsewhere()
    store = FeatureStore(cache)
    assert store.why_not(ROW, "ef" * 32) == ""
    assert packs_below(cache_here(cache)) == []
    assert asked == [(pack.name, 40), (pack.name, after)]
    asked.clear()
    assert [store.read(ROW, sha256)["x"][0] for sha256 in (SECOND, FIRST)] == [2, 1]
    assert asked == [(pack.name, None)]


def test_a_pack_that_was_fetched_by_another_process_is_not_fetched_again(cache, elsewhere, asked, monkeypatch):
    monkeypatch.setattr(remote_cache, "_FIRST_BYTES", 40)
    FeatureStore(cache).write(ROW, FIRST, values(1))
    elsewhere()
    mine, other = FeatureStore(cache), FeatureStore(cache)
    assert mine.why_not(ROW, SECOND) == ""
    other.read(ROW, FIRST)
    asked.clear()
    assert mine.read(ROW, FIRST)["x"][0] == 1
    assert asked == []


def test_a_copy_that_was_damaged_here_is_fetched_anew(cache, caplog):
    FeatureStore(cache).write(ROW, FIRST, values(1))
    (pack,) = packs_below(cache_here(cache))
    pack.write_bytes(pack.read_bytes()[:50])
    assert FeatureStore(cache).read(ROW, FIRST)["x"][0] == 1
    (said,) = warnings(caplog)
    assert said.startswith(f"{pack}: damaged (")


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:40], lambda data: bytes(len(data))])
def test_a_pack_that_is_damaged_there_is_named_by_its_address_and_computed_again(cache, elsewhere, caplog, damage):
    FeatureStore(cache).write(ROW, FIRST, values(1))
    (pack,) = packs_below(cache_here(cache))
    name = f"test.row/v1/packs/{pack.name}"
    Place(cache).put(name, damage(pack.read_bytes()))
    elsewhere()
    store = FeatureStore(cache)
    assert [store.has(ROW, FIRST) for _ in range(2)] == [False, False]
    (said,) = warnings(caplog)
    assert said.startswith(f"{cache}/{name}: ")
    store.write(ROW, FIRST, values(1))
    assert store.has(ROW, FIRST)
    elsewhere("third")
    assert FeatureStore(cache).has(ROW, FIRST)  # the pack of this name is whole again


def test_a_record_that_is_damaged_there_costs_itself_alone(cache, elsewhere, caplog):
    FeatureStore(cache).write_many(ROW, {FIRST: values(1), SECOND: values(2)})
    (kept, _) = kept_below(cache_here(cache))
    spoil(kept)
    Place(cache).put(f"test.row/v1/packs/{kept.pack.name}", kept.pack.read_bytes())
    elsewhere()
    store = FeatureStore(cache)
    assert [store.has(ROW, sha256) for sha256 in (FIRST, SECOND)] == [False, True]
    (said,) = warnings(caplog)
    assert f"{kept.pack.name} ({FIRST[:12]}): damaged" in said


def test_a_listing_is_looked_through_once_however_much_is_missing(cache, monkeypatch):
    """It may name tens of thousands of entries, and as many may be missing."""
    FeatureStore(cache).write(ROW, FIRST, values(1))
    looked, original = [], remote_cache.RemotePackFolder._there
    monkeypatch.setattr(remote_cache.RemotePackFolder, "_beginning", lambda *given: looked.append(given))
    monkeypatch.setattr(remote_cache.RemoteCache, "listing", lambda *_: listing)
    listing = {original(FeatureStore(cache)._folder(ROW), "0.pack"): Known(1, "")}
    store = FeatureStore(cache)
    assert [store.why_not(ROW, f"{number:064x}") for number in range(3)] == [""] * 3
    assert len(looked) == 1


def test_a_pack_that_was_removed_here_is_fetched_again(cache):
    store = FeatureStore(cache)
    store.write(ROW, FIRST, values(1))
    assert store.why_not(ROW, SECOND) == ""  # which lists what is there
    (pack,) = packs_below(cache_here(cache))
    pack.unlink()
    assert store.read(ROW, FIRST)["x"][0] == 1


def test_a_pack_that_goes_away_meanwhile_is_no_error(cache, elsewhere, monkeypatch):
    monkeypatch.setattr(remote_cache, "_FIRST_BYTES", 40)
    FeatureStore(cache).write(ROW, FIRST, values(1))
    (pack,) = packs_below(cache_here(cache))
    elsewhere()
    store = FeatureStore(cache)
    assert store.why_not(ROW, SECOND) == ""
    Place(cache).remove(f"test.row/v1/packs/{pack.name}")
    assert store.why_not(ROW, FIRST) == ""


def test_entries_of_before_there_were_packs_serve_from_there(cache, elsewhere, asked):
    FeatureStore(cache).write(ROW, FIRST, values(1))
    here = cache_here(cache)
    (kept,) = kept_below(here)
    single = as_single(kept, here)
    Place(cache).put(single.relative_to(here).as_posix(), single.read_bytes())
    Place(cache).remove(kept.pack.relative_to(here).as_posix())
    shutil.rmtree(here)
    elsewhere()
    store = FeatureStore(cache)
    assert [store.read(ROW, FIRST)["x"][0] for _ in range(2)] == [1, 1]
    assert [name for name, _ in asked] == [single.name]


def test_a_pack_whose_record_is_damaged_here_is_fetched_anew_and_nothing_is_computed(cache, caplog):
    FeatureStore(cache).write_many(ROW, {FIRST: values(1), SECOND: values(2)})
    spoil(kept_below(cache_here(cache))[1])
    store = FeatureStore(cache)
    assert [store.has(ROW, sha256) for sha256 in (FIRST, SECOND)] == [True, True]
    assert store.read(ROW, SECOND)["x"].tolist() == [2, 2, 2, 2]
    assert warnings(caplog) == []


def test_a_pack_whose_record_is_damaged_on_the_object_store_too_is_fetched_anew_once(cache, asked, caplog):
    FeatureStore(cache).write_many(ROW, {FIRST: values(1)})
    (kept,) = kept_below(cache_here(cache))
    spoil(kept)
    Place(cache).put(kept.pack.relative_to(cache_here(cache)).as_posix(), kept.pack.read_bytes())
    store = FeatureStore(cache)
    assert [store.has(ROW, FIRST) for _ in range(3)] == [False] * 3
    assert len(asked) == 1
    assert all("computed again" in message for message in warnings(caplog))
