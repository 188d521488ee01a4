"""What an export is made of: which averages of a run, and the files that it started from, found again and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from baselines.mmaudio.native import NativeOptions
from baselines.selva.training import ema
from baselines.selva.training.own_weights import StartFile, Trained
from baselines.selva.training.recipe import WIDEST
from baselines.selva.training.run_folder import OWN_VIDEO_ENCODER, STAGES, RunFolder, StageName
from baselines.selva.training.run_record import RunRecord
from baselines.selva.training.starting import Start
from baselines.selva.training.store import Store
from foundation.checkpoints import MissingCheckpoint
from foundation.files import PathLike

_STARTS: Mapping[StageName, str] = {"encoder": "synchformer", "generator": "generator"}


def trained_of(folder: RunFolder, record: RunRecord, sigma: float | None, step: int | None) -> dict[StageName, Trained]:
    """Return which weights of each stage are taken; stages without a snapshot are not in it.

    Args:
        folder: of the run.
        record: of the run.
        sigma: relative width for the last stage; None: the recipe's.
        step: of the last stage; None: its last one with a snapshot.

    Raises:
        ValueError: no snapshot, none of this step, or a width out of range.
    """
    found = {name: ema.snapshots(folder.stage(name).snapshots) for name in STAGES}
    stages = [name for name in STAGES if found[name]]
    if sigma is not None and not 0 < sigma < WIDEST:
        raise ValueError(f"sigma: expected a relative width above 0 and below {WIDEST}, got {sigma}")
    if not stages:
        every = record.recipe.averages.every
        raise ValueError(f"{folder.path}: has no averaged weights yet; the first are kept at step {every:,} of a stage")
    if step is not None and step not in (there := found[stages[-1]]):
        listed = ", ".join(map(str, there))
        raise ValueError(f"step: the {stages[-1]} of {folder.path} has averages of steps {listed}, got {step}")
    width = record.recipe.averages.export_width
    trained = {name: Trained(step=found[name][-1], steps=record.stages[name].steps, width=width) for name in stages}
    asked = {"step": step or found[stages[-1]][-1], "width": width if sigma is None else sigma}
    trained[stages[-1]] = trained[stages[-1]].model_copy(update=asked)
    return trained


def clips_of(record: RunRecord, store: PathLike | None) -> Store:
    """Return the store that the run was trained on.

    Args:
        record: of the run.
        store: where it is; None: where it was.

    Raises:
        ValueError: it is not there, or is another one.
    """
    place = store or record.store.path
    if place is None:
        raise ValueError("store: the run does not say where its prepared clips are; pass their folder")
    clips = Store.opened(place)
    if clips.fingerprint != record.store.fingerprint:
        raise ValueError(
            f"{place}: is not the store that the run was trained on: its fingerprint is {clips.fingerprint}, "
            f"expected {record.store.fingerprint}; pass the folder of that store"
        )
    return clips


def start_of(folder: RunFolder, record: RunRecord, clips: Store, weights: NativeOptions | None) -> Start:
    """Return what makes the networks that the run started from; files of one's own are looked for where they were.

    Args:
        folder: of the run.
        record: of the run.
        clips: that it was trained on.
        weights: where files are, as the run was started with, unless they moved.

    Raises:
        ValueError: the video encoder that the run was trained behind is not there.
    """
    options: NativeOptions = {**weights} if weights else {}
    files: dict[str, str | Path] = {
        part: file.path
        for part, file in record.starting_weights.items()
        if not file.verified and file.path is not None and (Path(file.path).is_file() or not options.get("weights_dir"))
    }
    files |= options.get("checkpoint") or {}
    own = files.pop(OWN_VIDEO_ENCODER, None)
    if OWN_VIDEO_ENCODER in record.starting_weights and (own is None or not Path(own).is_file()):
        expected = record.starting_weights[OWN_VIDEO_ENCODER]
        raise ValueError(
            f"{folder.path}: was trained behind the video encoder {expected.path}, which is not there; pass "
            f"--checkpoint {OWN_VIDEO_ENCODER}=FILE, a file with SHA-256 {expected.sha256}"
        )
    options["checkpoint"] = files
    if record.untrained:
        options["random_weights"] = True
    return Start(record.recipe, clips, video_encoder=None if own is None else Path(own), weights=options)


def starting_files(
    folder: RunFolder, record: RunRecord, start: Start, trained: Mapping[StageName, Trained]
) -> dict[str, StartFile]:
    """Return the files that the run started from, by part; those that an export takes entries from are looked at.

    Args:
        folder: of the run.
        record: of the run.
        start: what opens them.
        trained: stages that are exported.

    Raises:
        ValueError: a file is not the one that the run started from.
        foundation.checkpoints.MissingCheckpoint: one or more are missing.
    """
    parts = {"generator", *(_STARTS[stage] for stage in trained)}
    if OWN_VIDEO_ENCODER in record.starting_weights:
        parts.add(OWN_VIDEO_ENCODER)
    filled = sorted(part for part in parts if not start.source.is_random(part))
    try:
        start.source.require(filled)
    except MissingCheckpoint as error:
        begun_from = [
            f"  the run started from {part} = {file.path}, SHA-256 {file.sha256}"
            for part, file in sorted(record.starting_weights.items())
            if part in filled
        ]
        raise MissingCheckpoint("\n".join([str(error), *begun_from])) from error
    for part in filled:
        begun, now = record.starting_weights.get(part), start.source.files[part]
        if begun is not None and begun.sha256 != now.sha256:
            raise ValueError(
                f"{now.path}: the run {folder.path} started from another {part}: expected SHA-256 {begun.sha256}, got "
                f"{now.sha256}; pass --checkpoint {part}=FILE"
            )
    known = {
        part: StartFile(sha256=file.sha256, verified=file.verified) for part, file in record.starting_weights.items()
    }
    found = {part: start.source.files[part] for part in filled}
    return known | {part: StartFile(sha256=file.sha256, verified=file.verified) for part, file in found.items()}
