"""Grounding DINO finds the prompted thing in a frame, SAM 2 follows it through the video; both from transformers."""

# What transformers returns is typed Any.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.generator import GenerationError
from baselines.programs.process import MissingProgram
from baselines.programs.program import ProgramWeights
from foundation import checkpoints

DETECTOR = "IDEA-Research/grounding-dino-tiny"
TRACKER = "facebook/sam2.1-hiera-large"
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
LOOK_EVERY_FRAMES = 25  # one look per second until the thing is found


class GroundedSam2:
    """A segmenter in this process, without a checkout; not the paper's.

    The first frame of those looked at in which the thing is found gives its boxes; they are followed from there to
    the end and back to the beginning.

    Args:
        detector: folder or name of a Grounding DINO; a name must be in the local Hugging Face cache already.
        tracker: folder or name of a SAM 2 video model, likewise.
        box_threshold: least score of a box.
        text_threshold: least score of a word.
        device: where to compute; a GPU if there is one.

    Raises:
        MissingProgram: one of the two is not on this machine.

    Source:
        Grounding DINO (Liu et al. 2024, arXiv:2303.05499), thresholds as DEVA has them; SAM 2 (Ravi et al. 2024,
        arXiv:2408.00714).
    """

    weights: dict[str, ProgramWeights]

    def __init__(
        self,
        *,
        detector: str | Path = DETECTOR,
        tracker: str | Path = TRACKER,
        box_threshold: float = 0.35,
        text_threshold: float = 0.35,
        device: str | None = None,
    ) -> None:
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor, Sam2VideoModel, Sam2VideoProcessor

        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._detector_processor: Any = _local(AutoProcessor, detector)
        self._detector: Any = _local(AutoModelForZeroShotObjectDetection, detector).eval().to(self._device)
        self._tracker_processor: Any = _local(Sam2VideoProcessor, tracker)
        self._tracker: Any = _local(Sam2VideoModel, tracker).eval().to(self._device)
        self._thresholds = {"threshold": box_threshold, "text_threshold": text_threshold}
        self.weights = {"gsam2-detector": _weights(detector), "gsam2-tracker": _weights(tracker)}
        self.notes = [f"segmenter gsam2 (not the paper's): {detector}, {tracker}, thresholds {box_threshold:g}"]

    @torch.inference_mode()
    def masks(self, frames: NDArray[np.uint8], prompt: str) -> NDArray[np.bool_]:
        """Return where the prompted thing is: bool (frames, height, width), nowhere if it is not found.

        Args:
            frames: uint8 (frames, 3, height, width), RGB.
            prompt: a label.

        Raises:
            GenerationError: an empty prompt.
        """
        text = prompt.strip().rstrip(".").lower()
        if not text:
            raise GenerationError("an empty prompt names nothing to look for")
        found = np.zeros((len(frames), *frames.shape[2:]), dtype=np.bool_)
        for index in range(0, len(frames), LOOK_EVERY_FRAMES):
            boxes = self._boxes(frames[index], f"{text}.")
            if boxes:
                self._follow(frames, index, boxes, found)
                break
        return found

    def _boxes(self, frame: NDArray[np.uint8], text: str) -> list[list[float]]:
        """Return the corners (left, top, right, bottom) of what the text names, in pixels."""
        from PIL import Image

        picture = Image.fromarray(frame.transpose(1, 2, 0))
        inputs = self._detector_processor(images=picture, text=text, return_tensors="pt").to(self._device)
        outputs = self._detector(**inputs)
        (result,) = self._detector_processor.post_process_grounded_object_detection(
            outputs, inputs["input_ids"], target_sizes=[frame.shape[1:]], **self._thresholds
        )
        boxes: list[list[float]] = result["boxes"].float().cpu().tolist()
        return boxes

    def _follow(
        self, frames: NDArray[np.uint8], start: int, boxes: list[list[float]], found: NDArray[np.bool_]
    ) -> None:
        """Fill in the masks of the boxed things, from their frame to both ends."""
        video = [np.ascontiguousarray(frame.transpose(1, 2, 0)) for frame in frames]
        session = self._tracker_processor.init_video_session(
            video=video, inference_device=self._device, video_storage_device="cpu"
        )
        self._tracker_processor.add_inputs_to_inference_session(
            session, frame_idx=start, obj_ids=list(range(1, len(boxes) + 1)), input_boxes=[boxes]
        )
        size = [[int(found.shape[1]), int(found.shape[2])]]
        for reverse in (False, True):
            steps = self._tracker.propagate_in_video_iterator(session, start_frame_idx=start, reverse=reverse)
            for step in steps:
                (masks,) = self._tracker_processor.post_process_masks([step.pred_masks], original_sizes=size)
                found[step.frame_idx] = masks.flatten(0, -3).any(dim=0).cpu().numpy()


def local_file(where: str | Path, name: str) -> Path | None:
    """Return a file of a model in a folder or in the local Hugging Face cache; None where it is not there."""
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(str(where), name, local_files_only=True)
    except OSError:
        return None
    return None if found is None else Path(found)


def _weights(where: str | Path) -> ProgramWeights:
    """Return the file that a model's numbers come from, with its hash; of a split file, the list of its parts."""
    for name in WEIGHT_FILES:
        path = local_file(where, name)
        if path is not None:
            return ProgramWeights(path, checkpoints.digests(path).sha256, verified=False)
    raise MissingProgram(f"gsam2: {where} holds none of {', '.join(WEIGHT_FILES)}")


def _local(kind: Any, where: str | Path) -> Any:
    """Load from a folder or from the local cache; nothing is fetched here."""
    try:
        return kind.from_pretrained(str(where), local_files_only=True)
    except OSError as error:
        raise MissingProgram(
            f"gsam2: {where} is not on this machine\n"
            f"  looked in   the folder of that name and the local Hugging Face cache\n"
            f"  to get it   hf download {where}"
        ) from error
