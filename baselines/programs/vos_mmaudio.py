"""VOS+MMAudio: everything but the prompted thing is made black, then MMAudio hears the rest."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from baselines.generator import GenerationError, Generator, Request, Waveform
from baselines.programs.outputs import naming_disk_errors, work_folder
from baselines.programs.settings import ProgramOptions, Settings, read_settings
from foundation import media
from foundation.devices import Precision

log_of_module = logging.getLogger(__name__)

SegmenterName = Literal["deva", "gsam2"]
FPS = 25
LOSSLESS = 0  # x264's crf


class Segmenter(Protocol):
    """What finds the prompted thing in a video. `weights` and `notes` go into the run's record."""

    @property
    def weights(self) -> Mapping[str, Any]:
        """Return the checkpoints it opened, by name."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Return what a reader of a results table should know."""
        ...

    def masks(self, frames: NDArray[np.uint8], prompt: str) -> NDArray[np.bool_]:
        """Return bool (frames, height, width) for uint8 (frames, 3, height, width)."""
        ...


class VosMMAudio:
    """Text and video to 16 kHz mono audio: a segmenter's masks, then the native `mmaudio-s-16k`.

    A frame in which nothing is found is black, and counted: `<log's folder>/vos-mmaudio.masks.jsonl` gets a line per
    sample with the number of its frames and of its empty masks.

    Args:
        segmenter: "deva" is the paper's, a program in a checkout; "gsam2" runs in this process.
        amp: let DEVA compute in half precision; the paper does not say, off is its default.
        detector: of gsam2: folder or name of a Grounding DINO.
        tracker: of gsam2: folder or name of a SAM 2 video model.
        null_clip: as in `mmaudio-s-16k`; the paper does not say whether this row has it.
        null_sync: as in `mmaudio-s-16k`.
        precision: exact or fast, of MMAudio; see `baselines.mmaudio.native.NativeOptions`.
        dtype: another spelling of it, fp32 or bf16.
        weights_dir: of MMAudio.
        checkpoint: MMAudio's files of your own.
        allow_unverified: take MMAudio's files also where no published hash vouches for them.
        random_weights: MMAudio without files, for smoke tests.
        generator: another model in MMAudio's place, for Python.
        program: where DEVA is and how to run it; absent ones come from the table [vos-mmaudio] of models.toml.
            `device` is for segmenter and MMAudio; the time limit is for one mask.

    Raises:
        ValueError: a setting that cannot be.
        MissingProgram: no DEVA where the settings say, or no gsam2.
        foundation.checkpoints.MissingCheckpoint: a checkpoint is not there.

    Source:
        Appendix C.1 of the SELVA paper (arXiv:2512.02650).
    """

    def __init__(
        self,
        *,
        segmenter: SegmenterName | Segmenter = "deva",
        amp: bool = False,
        detector: str | None = None,
        tracker: str | None = None,
        null_clip: bool = False,
        null_sync: bool = False,
        precision: Precision | None = None,
        dtype: Literal["fp32", "bf16"] | None = None,
        weights_dir: Path | None = None,
        checkpoint: Mapping[str, str | Path] | None = None,
        allow_unverified: bool = False,
        random_weights: bool = False,
        generator: Generator | None = None,
        **program: Unpack[ProgramOptions],
    ) -> None:
        self._settings = read_settings("vos-mmaudio", **program)
        gsam2 = {key: value for key, value in (("detector", detector), ("tracker", tracker)) if value}
        self._segmenter = segmenter_of(segmenter, self._settings, amp=amp, gsam2=gsam2)
        if generator is None:
            from baselines.mmaudio.model import MMAudio

            self._generator: Any = MMAudio(
                variant="small_16k", null_clip=null_clip, null_sync=null_sync,
                precision=precision, dtype=dtype,
                device=self._settings.device, weights_dir=weights_dir, checkpoint=checkpoint,
                allow_unverified=allow_unverified, random_weights=random_weights,
            )  # fmt: skip
        else:
            self._generator = generator
        self.sample_rate = self._generator.sample_rate
        self.untrained = bool(getattr(self._generator, "untrained", False))
        self.weights = {**self._segmenter.weights, **getattr(self._generator, "weights", {})}
        self.notes = [*self._segmenter.notes, *getattr(self._generator, "notes", [])]

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return the sound of the prompted thing alone, float32 (round(duration * sample_rate),).

        Raises:
            GenerationError: the scene cannot be read, or segmenter or generator have no answer.
        """
        with work_folder(self._settings) as folder:
            with naming_disk_errors():
                frames = media.read_video(request.video, fps=FPS, seconds=request.duration, repeat_last=1)
            masks = self._segmenter.masks(frames, request.prompt)
            if masks.shape != (len(frames), *frames.shape[2:]):
                raise GenerationError(f"the masks are {masks.shape}, the frames {frames.shape}")
            with naming_disk_errors():
                counts = self._settings.log_path.with_name("vos-mmaudio.masks.jsonl")
                count_empty(request, masks, counts, "its video is black")
                video = folder / "masked.mp4"
                media.write_video(video, masked(frames, masks), fps=FPS, crf=LOSSLESS)
            answer: Waveform | tuple[Waveform, int] = self._generator.generate(replace(request, video=video))
            return answer


def masked(frames: NDArray[np.uint8], masks: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """Yield frames (height, width, 3) that are black outside their mask.

    Args:
        frames: uint8 (frames, 3, height, width).
        masks: bool (frames, height, width).
    """
    for frame, mask in zip(frames, masks, strict=True):
        yield np.ascontiguousarray((frame * mask).transpose(1, 2, 0))


def count_empty(request: Request, masks: NDArray[np.bool_], path: Path, then: str) -> None:
    """Note how many frames show nothing of the prompted thing, one line of JSON a sample.

    Args:
        request: of the sample.
        masks: bool (frames, height, width).
        path: gets the line.
        then: what becomes of a sample in which nothing is found at all, for a warning.
    """
    empty = int((~masks.any(axis=(1, 2))).sum())
    if empty == len(masks):
        log_of_module.warning("sample %s: nothing found; %s", request.sample_id, then)
    record = {"sample_id": request.sample_id, "frames": len(masks), "empty_masks": empty}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(record)}\n")


def segmenter_of(
    wanted: str | Segmenter, settings: Settings, *, amp: bool = False, gsam2: Mapping[str, Any] | None = None
) -> Segmenter:
    """Return a segmenter by its name, or the one that is given.

    Args:
        wanted: deva, gsam2, or a segmenter of one's own.
        settings: of DEVA's program; its device is that of both.
        amp: let DEVA compute in half precision.
        gsam2: options of the other one.

    Raises:
        ValueError: there is none of that name, or it has no such option.
    """
    if not isinstance(wanted, str):
        return wanted
    if wanted == "deva":
        if gsam2:
            raise ValueError(f"{next(iter(gsam2))}: only segmenter gsam2 has it")
        from baselines.programs.deva import Deva

        return Deva(settings, amp=amp)
    if wanted == "gsam2":
        from baselines.programs.gsam2 import GroundedSam2

        return GroundedSam2(device=settings.device, **(gsam2 or {}))
    raise ValueError(f"segmenter: expected deva or gsam2, got {wanted!r}")
