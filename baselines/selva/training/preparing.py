"""Clips to a store: every file decoded once, shard by shard, by one process or by several.

A shard is written whole, so whatever ends the work, the same command goes on with the next one and ends with the same
bytes. Several processes may prepare one store: a ledger in it says who is at which shard.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from baselines.mmaudio.frames import SYNC_SIZE
from baselines.mmaudio.lengths import FORMATS, SYNC_FPS, lengths_for
from baselines.mmaudio.native import NativeOptions
from baselines.selva.training.clip_list import BadList, ClipList, find_files, read_lists
from baselines.selva.training.clip_reading import SOUND_RULE
from baselines.selva.training.finishing import check_enough, finish, parts, skipped_clips, splits_of
from baselines.selva.training.mmaudio_features import MMAudioFeatures
from baselines.selva.training.pictures import Picture
from baselines.selva.training.preparing_networks import PreparingNetworks
from baselines.selva.training.preparing_reading import ClipReader
from baselines.selva.training.preparing_shard import ShardMaker
from baselines.selva.training.preparing_texts import prepare_texts
from baselines.selva.training.preparing_together import LEDGER_FOLDER, end_plan, joined, make_shards
from baselines.selva.training.shards import Skipped
from baselines.selva.training.store_record import (
    CLIPS_FILE,
    SHARDS_FOLDER,
    TEXTS_FOLDER,
    Rate,
    StoreError,
    StoreRecord,
    StoreSettings,
    read_record,
    write_record,
)
from foundation.disk import check_folder
from foundation.files import PathLike
from foundation.locks import Lock
from foundation.media import FRAME_RULE
from foundation.records import what_is_wrong
from foundation.work import Progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What came of it.

    Attributes:
        store: its folder.
        record: what stands in `store.json`.
        skipped: clips that are not in it, with their reasons.
    """

    store: Path
    record: StoreRecord
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Options:
    """How clips are prepared.

    Attributes:
        seconds: of every clip.
        rates: of the latents.
        picture: how frames are kept.
        teacher: keep Synchformer's features of the clips.
        measure_jpeg: measure how far JPEG moves these features, where Synchformer's weights are there.
        validation_share: of the clips that is held out where no list says which.
        shard_clips: clips of the list that make one shard.
        workers: processes that decode, one file each; None takes one a core; 0 decodes in this process, which a crash
            of a decoder then ends.
    """

    seconds: float = 8.0
    rates: tuple[Rate, ...] = ("16k",)
    picture: Picture = "jpeg 95 4:4:4"
    teacher: bool = False
    measure_jpeg: bool = True
    validation_share: float = 0.02
    shard_clips: int = 64
    workers: int | None = None


DEFAULTS = Options()


def prepare(
    clips: PathLike | Mapping[str, Path],
    lists: Sequence[PathLike],
    out: PathLike,
    *,
    validation_list: PathLike | None = None,
    options: Options = DEFAULTS,
    mmaudio_features: tuple[PathLike, PathLike] | None = None,
    weights: NativeOptions | None = None,
    report: Progress = lambda _stage, _done, _total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Prepared:
    """Prepare clips for training; goes on where an earlier call ended.

    Args:
        clips: folder of `<id>.mp4`, or the file of each id.
        lists: which clip has which label; see `clip_list`.
        out: folder of the store.
        validation_list: a further list, all clips of which are held out.
        options: how.
        mmaudio_features: a folder of features that MMAudio extracted, and its list: latents of its rate and CLIP texts
            are taken from there. Clips that are not in it are skipped.
        weights: where the networks' weights come from, and the device.
        report: called with "texts", "shards" or "clips", how many are done, and how many there are; clips are those of
            finished shards, by whichever process, and of the shard that this one is at.
        sleep: for tests.

    Raises:
        ValueError: an option out of range.
        baselines.selva.training.clip_list.BadList: a list or the folder of clips cannot be used.
        StoreError: the store was begun with other settings, its folder holds other things, or too few clips are left
            to train with.
        foundation.checkpoints.MissingCheckpoint: weights are not there; names them all.
        foundation.files.WriteFailed: the disk is full; what is finished stays.
        foundation.faults.MachineFault: a file cannot be read through no fault of its own.
        foundation.isolation.WorkerDied: processes that decode cannot begin.
    """
    store = Path(out)
    check_folder(store)
    listed = read_lists(lists, validation_list)
    features = MMAudioFeatures.opened(*mmaudio_features) if mmaudio_features else None
    settings = _settings(options, listed, features)
    ids = [entry.id for entry in listed.entries]
    check_enough(store, listed, splits_of(listed, ids, settings.validation_share), {})  # before hours are spent on them
    files = dict(clips) if isinstance(clips, Mapping) else find_files(clips, ids)
    if not files.keys() & set(ids) and read_record(store) is None:
        where = "clips" if isinstance(clips, Mapping) else clips
        raise BadList(
            f"{where}: has no file of any of the {len(ids):,} clips listed; expected names such as {ids[0]}.mp4"
        )
    networks = _networks(options, listed, features, weights or {})
    settings = settings.model_copy(update={"weights": networks.weights})
    reason = _not_measured(options, networks)
    maker = ShardMaker(store, settings, files, networks, features, not reason)
    reader = ClipReader(
        seconds=settings.seconds, rates=maker.sound_rates, picture=settings.picture, workers=options.workers
    )
    shards = parts(listed, settings)
    with Lock(store):
        _begin(store, settings)
        prepare_texts(store, settings, listed, networks, features, report=report)
        driver = joined(store, settings, shards)
    with driver, closing(reader):
        make_shards(driver, maker, reader, shards, report=report, sleep=sleep)
    with Lock(store):
        record = finish(store, settings, listed, effect_reason=reason)
        end_plan(store, driver)
    skipped = skipped_clips(store, len(shards))
    _tell_of_late_files(store, skipped, files)
    return Prepared(store, record, skipped)


def _settings(options: Options, listed: ClipList, features: MMAudioFeatures | None) -> StoreSettings:
    """Return the settings of a store, without the weights.

    Raises:
        ValueError: one is out of range, or MMAudio's latents are of another length or rate.
    """
    try:
        settings = StoreSettings(
            seconds=options.seconds,
            fps=SYNC_FPS,
            size=SYNC_SIZE,
            picture=options.picture,
            rates=tuple(sorted(set(options.rates))),
            teacher=options.teacher,
            shard_clips=options.shard_clips,
            entries=listed.fingerprint,
            validation_share=None if listed.shared_out else options.validation_share,
            weights={},
            frame_rule=f"frame rule {FRAME_RULE}, squashed by torchvision's antialiased bicubic filter",
            sound_rule=SOUND_RULE,
            mmaudio_features=features.fingerprint if features else None,
        )
    except ValidationError as error:
        raise ValueError(f"options: {what_is_wrong(error)}") from error
    if features is not None:
        if features.rate not in settings.rates:
            raise ValueError(
                f"rate: {', '.join(settings.rates)} asked for, but the latents in {features.folder} are of "
                f"{features.rate}; ask for {features.rate} too"
            )
        wanted = lengths_for(settings.seconds, FORMATS[features.rate]).latent
        if features.latent_frames != wanted:
            raise ValueError(
                f"seconds: latents of {settings.seconds:g} s have {wanted} frames, those in {features.folder} have "
                f"{features.latent_frames}; give the seconds that they were extracted for"
            )
    return settings


def _networks(
    options: Options, listed: ClipList, features: MMAudioFeatures | None, weights: NativeOptions
) -> PreparingNetworks:
    """Return the networks that are needed."""
    labels = {entry.label for entry in listed.entries}
    return PreparingNetworks(
        rates=[rate for rate in options.rates if features is None or rate != features.rate],
        clip_text=features is None or not all(map(features.has_text, labels)),
        teacher="kept" if options.teacher else "measured" if _measures(options) else None,
        options=weights,
    )


def _measures(options: Options) -> bool:
    return options.measure_jpeg and options.picture != "lossless"


def _not_measured(options: Options, networks: PreparingNetworks) -> str:
    """Return why the effect of JPEG is not measured; "" where it is."""
    if options.picture == "lossless":
        return "frames are kept without loss"
    return networks.no_teacher if options.measure_jpeg else "not asked for"


def _begin(store: Path, settings: StoreSettings) -> None:
    """Put down what the store is to be, or find that it is that already.

    Raises:
        StoreError: it was begun with other settings, or other things lie there; names the first that differs.
    """
    found = read_record(store)
    if found is None:
        own = {CLIPS_FILE, SHARDS_FOLDER, TEXTS_FOLDER, LEDGER_FOLDER}
        there = sorted(path.name for path in store.iterdir()) if store.is_dir() else []
        if foreign := [name for name in there if name not in own and not name.startswith(".")]:
            raise StoreError(f"{store}: holds {foreign[0]}, which is no part of a store; choose another --out")
        write_record(store, StoreRecord(**settings.model_dump(), status="preparing"))
        return
    for name in StoreSettings.model_fields:
        before, now = getattr(found, name), getattr(settings, name)
        if before == now:
            continue
        what = f"{name} = {before!r}, asked for {now!r}"
        if name == "entries":
            what = "another list of clips, labels or splits"
        elif name == "weights":
            parts = sorted(part for part in {*before, *now} if before.get(part) != now.get(part))
            what = f"other weights of {', '.join(parts)}"
        raise StoreError(f"{store}: begun with {what}; give another folder, or what it was begun with")


def _tell_of_late_files(store: Path, skipped: Sequence[Skipped], files: Mapping[str, Path]) -> None:
    late = [skip.id for skip in skipped if skip.kind == "no such file" and skip.id in files]
    if late:
        log.warning(
            "%s: of the clips that had no file when their shard was made %d have one now, the first is %s; to take "
            "them up, delete the shards that clips.csv names for them and give the same command again",
            store,
            len(late),
            late[0],
        )
