"""From a run to the two files that `--model selva` loads, with a record of what they are and a model card.

What was trained comes from the averages of the run, all else from the files that the run started from: they are found
again and known by the hashes in the run's record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from baselines.mmaudio.native import NativeOptions
from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training import ema, encoder_stage, generator_stage
from baselines.selva.training.card import CARD_NAME, card
from baselines.selva.training.origins import clips_of, start_of, starting_files, trained_of
from baselines.selva.training.own_weights import (
    FILE_NAME,
    Clips,
    FrameEffect,
    OwnFile,
    OwnWeights,
    Part,
    Scores,
    StartFile,
    Trained,
    read_beside,
    read_record,
)
from baselines.selva.training.pair import Pair, pair_in, write_pair
from baselines.selva.training.run_folder import RunFolder, StageName
from baselines.selva.training.run_record import RunRecord
from baselines.selva.training.starting import Start, fill
from baselines.selva.training.status import last_scores
from baselines.selva.training.store import Store
from baselines.selva.training.store_record import StoreSettings
from baselines.selva.video_encoder import TextVideoEncoder
from foundation.checkpoints import digests
from foundation.disk import check_folder
from foundation.files import PathLike, is_partial, write_text
from foundation.locks import Lock

__all__ = ["Exported", "Pair", "export", "write_pair"]


@dataclass(frozen=True)
class Exported:
    """What an export left: the two files, and what is known of them."""

    video_encoder: Path
    generator: Path
    record: OwnWeights


def export(
    run: PathLike,
    out: PathLike,
    *,
    sigma: float | None = None,
    step: int | None = None,
    weights: NativeOptions | None = None,
    store: PathLike | None = None,
) -> Exported:
    """Write the two files of a run in the layout of the published ones, `selva.json` and a model card.

    `sigma` and `step` are of the last stage that was trained. The encoder of a run that trained both is the one that
    the generator learned to follow: of the first stage's last step, at the recipe's width.

    Args:
        run: its folder; it may be at work.
        out: absent, empty, or of the same export, which is then completed or left as it is.
        sigma: relative width of the average; None: the recipe's.
        step: one with a snapshot; None: the last one.
        weights: where the files are that the run started from; as when it was started, unless they moved.
        store: where the prepared clips are, if they moved.

    Raises:
        ValueError: no run, no such snapshot, files or clips that are not those of the run, or `out` holds other things.
        foundation.checkpoints.MissingCheckpoint: a file that the run started from is missing.
        foundation.files.WriteFailed: the disk is full.
    """
    folder, place = RunFolder.opened(run), Path(out)
    check_folder(place)
    record = folder.read_record()
    trained = trained_of(folder, record, sigma, step)
    clips = clips_of(record, store)
    start = start_of(folder, record, clips, weights)
    known = _known(folder, record, trained, clips, starting_files(folder, record, start, trained))
    with Lock(place):
        _check_vacant(place, known)
        with _telling_the_way_out(place):
            done = _done(place, known)
        if done is None:
            networks = _encoder(folder, start, trained), _generator(folder, start, trained)
            states = [network.state_dict() for network in networks]
            pair = write_pair(place, *states, variant=known.variant, sup_tokens=known.sup_tokens)
            done = known.model_copy(update={"files": _files(pair)})
            write_text(place / FILE_NAME, done.model_dump_json(by_alias=True, indent=2) + "\n")
        if not (place / CARD_NAME).is_file():
            write_text(place / CARD_NAME, card(done))
    return Exported(place / done.files["video_encoder"].name, place / done.files["generator"].name, done)


def _known(
    folder: RunFolder,
    record: RunRecord,
    trained: Mapping[StageName, Trained],
    clips: Store,
    starting: Mapping[str, StartFile],
) -> OwnWeights:
    """Return all that is known of the files but their hashes."""
    recipe = record.recipe
    found = [(name, last_scores(folder.stage(name).curve.read())) for name in trained]
    scores = [
        Scores(stage=name, step=last.step, values=dict(last.values), scoring=record.scorings.get(last.scoring or ""))
        for name, last in found
        if last is not None
    ]
    settings = clips.record.model_dump(mode="json", include=set(StoreSettings.model_fields))
    effect = clips.record.jpeg_effect
    return OwnWeights(
        schema=1, files={}, variant=recipe.generator.variant, sup_tokens=recipe.encoder.sup_tokens,
        trained=dict(trained), untrained=record.untrained, recipe=recipe, recipe_sha256=recipe.fingerprint,
        choices=recipe.choices(), starting_weights=dict(starting),
        store=Clips(
            fingerprint=record.store.fingerprint, counts=record.store.clips, settings=settings,
            frame_effect=None if effect is None else FrameEffect(
                relative_rms=effect.relative_rms, clips=effect.clips, reason=effect.reason
            ),
        ),
        scores=scores[-1] if scores else None,
    )  # fmt: skip


def _check_vacant(out: Path, known: OwnWeights) -> None:
    """Refuse a folder that holds anything but this very export, whole or begun."""
    if not out.exists():
        return
    if (out / FILE_NAME).is_file():
        with _telling_the_way_out(out):
            other = read_record(out / FILE_NAME)
        if not _is_same(other, known):
            raise ValueError(f"{out}: holds another export ({other.note()}); choose another --out")
        return
    begun = set(vars(pair_in("", variant=known.variant, sup_tokens=known.sup_tokens)).values())
    names = {path.name for path in begun} | {f"{path.name}.digests.json" for path in begun}
    foreign = sorted(path.name for path in out.iterdir() if path.name not in names and not is_partial(path))
    if foreign:
        raise ValueError(f"{out}: holds {foreign[0]}, which no export made; choose another --out")


@contextmanager
def _telling_the_way_out(out: Path) -> Iterator[None]:
    """Say of an export that is not as it was left what helps here, where exporting again does not."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"{out}: holds an export that is not as it was left; remove it, or choose another --out ({error})"
        ) from error


def _is_same(one: OwnWeights, other: OwnWeights) -> bool:
    """Tell whether two records are of the same weights; scores may come in while a run goes on."""
    aside = {"files", "scores"}
    return one.model_dump(mode="json", exclude=aside) == other.model_dump(mode="json", exclude=aside)


def _done(out: Path, known: OwnWeights) -> OwnWeights | None:
    """Return the record of an export that is there whole.

    Raises:
        ValueError: one of its files was changed.
    """
    if not (out / FILE_NAME).is_file():
        return None
    pair = pair_in(out, variant=known.variant, sup_tokens=known.sup_tokens)
    there = {part: path for part, path in vars(pair).items() if path.is_file()}
    record = read_beside(there)
    return record if len(there) == len(vars(pair)) else None


def _encoder(folder: RunFolder, start: Start, trained: Mapping[StageName, Trained]) -> TextVideoEncoder:
    if "encoder" not in trained:
        return start.finished_encoder(None)
    network = start.encoder()
    _fill_trained(network, encoder_stage.trainable_parameters(network), folder, "encoder", trained["encoder"])
    return network


def _generator(folder: RunFolder, start: Start, trained: Mapping[StageName, Trained]) -> MMDiT:
    network = start.generator()
    if "generator" in trained:
        names = generator_stage.trainable_parameters(network)
        _fill_trained(network, names, folder, "generator", trained["generator"])
    return network


def _fill_trained(
    network: TextVideoEncoder | MMDiT, names: list[str], folder: RunFolder, stage: StageName, taken: Trained
) -> None:
    """Give a network the averages of everything that its stage trains.

    Raises:
        ValueError: the averages are not of these parameters.
    """
    place = folder.stage(stage).snapshots
    averages = ema.synthesize(place, taken.width, taken.step)
    if averages.keys() != set(names):
        odd = min(averages.keys() ^ set(names))
        raise ValueError(f"{place}: expected averages of what the {stage} stage trains; {odd} differs")
    fill(network, averages)


def _files(pair: Pair) -> dict[Part, OwnFile]:
    return {
        "video_encoder": OwnFile(name=pair.video_encoder.name, sha256=digests(pair.video_encoder).sha256),
        "generator": OwnFile(name=pair.generator.name, sha256=digests(pair.generator).sha256),
    }
