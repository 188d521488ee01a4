"""DEVA with a text prompt: a mask for every frame of a video, by its official program."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.generator import GenerationError
from baselines.programs.outputs import naming_disk_errors
from baselines.programs.process import ProgramFailed
from baselines.programs.program import Installation, Program, ProgramFile
from baselines.programs.settings import Settings

PROGRAM = Program(
    name="vos-mmaudio",
    repository="https://github.com/hkchengrex/Tracking-Anything-with-DEVA",
    revision="404a112",
    instructions="https://github.com/hkchengrex/Tracking-Anything-with-DEVA#installation",
    entry="demo/demo_with_text.py",
    imports=(
        "torch", "torchvision", "deva", "groundingdino", "segment_anything", "supervision:BoundingBoxAnnotator",
        "pycocotools", "cv2", "scipy", "hickle", "pulp",
    ),
    files=(
        ProgramFile("saves/DEVA-propagation.pth", "deva", "--model"),
        ProgramFile(
            "saves/GroundingDINO_SwinT_OGC.py", "deva-grounding-dino-config", "--GROUNDING_DINO_CONFIG_PATH"
        ),
        ProgramFile("saves/groundingdino_swint_ogc.pth", "deva-grounding-dino", "--GROUNDING_DINO_CHECKPOINT_PATH"),
        ProgramFile("saves/sam_vit_h_4b8939.pth", "deva-sam", "--SAM_CHECKPOINT_PATH"),
    ),
)  # fmt: skip

log = logging.getLogger(__name__)
ATTEMPTS = 2


class Deva:
    """A segmenter: SAM masks, semi-online fusion, no resizing, all else at the program's defaults.

    Args:
        settings: where the program is; see `baselines.programs.settings`.
        amp: let it compute in half precision; off is its default.

    Raises:
        MissingProgram: no checkout or interpreter there.
        foundation.checkpoints.MissingCheckpoint: one of its checkpoints is not there.

    Source:
        DEVA (Cheng et al. 2023, arXiv:2309.03903), hkchengrex/Tracking-Anything-with-DEVA @ 404a112. The SELVA paper
        calls "no resizing" a default; the program's is 480 pixels, so it is said explicitly.
    """

    def __init__(self, settings: Settings, *, amp: bool = False) -> None:
        self._installation = Installation(PROGRAM, settings)
        self._amp = amp
        self.weights = self._installation.weights
        self.notes = [*self._installation.notes, f"DEVA: size -1, amp {'on' if amp else 'off'}"]

    def masks(self, frames: NDArray[np.uint8], prompt: str) -> NDArray[np.bool_]:
        """Return where the prompted thing is: bool (frames, height, width), the union of all its objects.

        Args:
            frames: uint8 (frames, 3, height, width), RGB.
            prompt: a label; full stops at its end are left out, because the program would see an empty class there.

        Raises:
            GenerationError: the program failed twice, hung, or left frames without a mask.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._installation.work_folder() as folder, naming_disk_errors():
                    return self._run(frames, prompt, folder)
            except ProgramFailed as error:
                if attempt == ATTEMPTS:
                    raise GenerationError(f"{error}; tried twice") from error
                log.warning("%s; it is started again", error)
        raise GenerationError("not tried")

    def _run(self, frames: NDArray[np.uint8], prompt: str, folder: Path) -> NDArray[np.bool_]:
        from PIL import Image

        pictures, out = folder / "frames", folder / "out"
        pictures.mkdir()
        names = [f"{index:06d}" for index in range(len(frames))]  # the program takes them in the order of their names
        for name, frame in zip(names, frames, strict=True):
            Image.fromarray(frame.transpose(1, 2, 0)).save(pictures / f"{name}.png", compress_level=1)
        wanted = [out / "Annotations" / f"{name}.png" for name in names]
        try:
            self._installation.run(
                self._arguments(prompt, pictures, out), finished=lambda: sum(path.is_file() for path in wanted)
            )
        except ProgramFailed:
            # Its masks are written by a thread that may outlive or outlast the rest; whole ones are taken.
            with contextlib.suppress(GenerationError):
                return read_masks(wanted, frames.shape[2:])
            raise
        return read_masks(wanted, frames.shape[2:])

    def _arguments(self, prompt: str, pictures: Path, out: Path) -> list[str]:
        return [
            "--img_path", str(pictures),
            "--output", str(out),
            f"--prompt={prompt.rstrip('. ')}",  # in one word: a prompt may begin with a dash
            "--temporal_setting", "semionline",
            "--sam_variant", "original",
            "--size", "-1",
            *(["--amp"] if self._amp else []),
        ]  # fmt: skip


def read_masks(paths: Sequence[Path], size: Sequence[int]) -> NDArray[np.bool_]:
    """Return the foreground of mask images, bool (frames, height, width): every pixel that is not black.

    Raises:
        GenerationError: one is absent, cannot be read, or has another size; names the first.
    """
    from PIL import Image, UnidentifiedImageError

    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise GenerationError(f"{len(missing)} of {len(paths)} masks were not written, the first is {missing[0]}")
    result = np.zeros((len(paths), *size), dtype=np.bool_)
    for index, path in enumerate(paths):
        try:
            with Image.open(path) as picture:
                mask = np.asarray(picture)
        except (OSError, UnidentifiedImageError, SyntaxError) as error:  # PIL calls a broken PNG a SyntaxError
            raise GenerationError(f"mask {path.name} cannot be read: {error}") from error
        if mask.shape[:2] != tuple(size):
            raise GenerationError(f"mask {path.name} is {mask.shape[:2]}, its frame is {tuple(size)}")
        result[index] = mask.any(axis=-1) if mask.ndim == 3 else mask != 0
    return result
