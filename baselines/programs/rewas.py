"""ReWaS: sound of five seconds from a video's energy curve and a text, by its official program."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.outputs import naming_disk_errors, read_output
from baselines.programs.process import ProgramFailed
from baselines.programs.program import Installation, Program, ProgramFile
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.settings import ProgramOptions, read_settings, whole_number
from foundation import media

PROGRAM = Program(
    name="rewas",
    repository="https://github.com/naver-ai/rewas",
    revision="4e09954",
    instructions="https://github.com/naver-ai/rewas#readme",
    entry="test.py",
    imports=(
        "torch", "torchaudio", "torchvision.io:read_video", "pytorch_lightning", "torchlibrosa", "transformers",
        "omegaconf", "timm", "moviepy.editor", "soundfile", "einops", "librosa", "pandas", "matplotlib",
    ),
    files=(
        ProgramFile("ckpts/audioldm_m_rewas_vggsound.ckpt", "rewas", "--ckpt_path"),
        ProgramFile("ckpts/phi_vggsound.ckpt", "rewas-phi", "--phi_ckpt_path"),
        ProgramFile("ckpts/24-01-04T16-39-21.pt", "rewas-synchformer"),
        ProgramFile("ckpts/vae_mel_16k_64bins.ckpt"),
        ProgramFile("ckpts/hifigan_16k_64bins.ckpt"),
        ProgramFile("ckpts/clap_music_speech_audioset_epoch_15_esc_89.98.pt"),
        ProgramFile("configs/audioldm_m_rewas.yaml"),
        ProgramFile("configs/cfg-24-01-04T16-39-21.yaml"),
    ),
)  # fmt: skip

SEGMENT_SECONDS = 5.0
LONGEST_SECONDS = 2 * SEGMENT_SECONDS
FPS = 25
SHORTER_SIDE = 256  # pixels; the program then takes a centre crop of 224


@dataclass(frozen=True)
class Segment:
    """Five seconds of a scene, and the part of their sound that is kept.

    Attributes:
        first_frame: where it begins in the scene, at 25 fps.
        first_sample: of its sound, the first that is kept.
        samples: how many are kept.
    """

    first_frame: int
    first_sample: int
    samples: int


def segments(duration: float, sample_rate: int) -> tuple[Segment, ...]:
    """Return the overlapping segments of a scene: the first and the last five seconds, joined in the middle.

    For the benchmark's 8 s at 16 kHz: 0-5 s with samples 0..63999 of its sound, and 3-8 s with samples 16000..79999.
    A scene of at most 5 s is one segment.

    Raises:
        GenerationError: the scene is longer than two segments.
    """
    total = round(duration * sample_rate)
    if duration <= SEGMENT_SECONDS:
        return (Segment(0, 0, total),)
    if duration > LONGEST_SECONDS:
        raise GenerationError(f"two segments of {SEGMENT_SECONDS:g} s do not cover {duration:g} s")
    first_frame = round((duration - SEGMENT_SECONDS) * FPS)
    kept = total // 2
    return Segment(0, 0, kept), Segment(first_frame, kept - first_frame * sample_rate // FPS, total - kept)


def segment_frames(video: Path, duration: float) -> NDArray[np.uint8]:
    """Return a scene as the program wants it: uint8 (frames, height, width, 3), 25 fps, shorter side 256, even sizes.

    As its own re-encoding does it: scaled in proportion, then an odd last row or column is left out.

    Raises:
        foundation.media.MediaError: the file cannot be read, has no video, or ends too early.
    """
    width, height = media.shown_size(video)
    shorter = min(height, width)
    size = (height * SHORTER_SIDE // shorter, width * SHORTER_SIDE // shorter)
    even = (slice(size[0] // 2 * 2), slice(size[1] // 2 * 2))
    wanted = media.FrameRequest(fps=FPS, size=size, transform=lambda frame: frame[even])
    (frames,) = media.read_video_streams(video, [wanted], seconds=duration, repeat_last=1)
    return frames


class ReWaS:
    """Text and video to 16 kHz mono audio, by `test.py` of a checkout with its default parameters.

    Each scene is cut into 0-5 s and 3-8 s. The models are loaded once per batch: use `--batch-size 50` or more.

    Args:
        seed: the program draws every segment from this one; 42 is its default.
        program: where it is and how to run it; absent ones come from the table [rewas] of models.toml. The time
            limit is for one segment.

    Raises:
        ValueError: a setting that cannot be.
        MissingProgram: no checkout or interpreter there.
        foundation.checkpoints.MissingCheckpoint: one of its checkpoints is not there.

    Source:
        ReWaS (Jeong et al. 2024, arXiv:2407.05551), naver-ai/rewas @ 4e09954; segments as in appendix C.1 of the
        SELVA paper (arXiv:2512.02650). No cross-fade is mentioned there and none is done.
    """

    sample_rate = 16_000
    longest_seconds = LONGEST_SECONDS

    def __init__(
        self,
        *,
        seed: int | None = None,
        **program: Unpack[ProgramOptions],
    ) -> None:
        self._installation = Installation(PROGRAM, read_settings("rewas", **program))
        self.on_progress: Callable[[int], None] = lambda _count: None  # the harness puts its own here
        self._batch = 0
        self._seed = None if seed is None else whole_number("seed", seed)
        self.weights = self._installation.weights
        drawn = "42, its default" if seed is None else str(seed)
        self.notes = [*self._installation.notes, f"every segment is drawn from the program's seed {drawn}"]

    def generate(self, request: Request) -> Waveform:
        """Return the sound of one scene, float32 (round(duration * 16000),).

        Raises:
            GenerationError: the scene cannot be read or is longer than 10 s, or the program has no answer for it.
        """
        waveform = only_answer(self.generate_batch([request]))
        return waveform[0] if isinstance(waveform, tuple) else waveform

    def generate_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return a waveform or a `GenerationError` for each request; the program starts once for all."""
        self._batch = len(requests)
        return answer_with_retries(requests, self._attempt)

    def _attempt(self, requests: Sequence[Request]) -> Attempt:
        try:
            with self._installation.work_folder() as folder, naming_disk_errors():
                return self._run(requests, folder)
        except GenerationError as error:  # the folder itself: no sample of the batch can be asked
            return Attempt({request.sample_id: error for request in requests})

    def _run(self, requests: Sequence[Request], folder: Path) -> Attempt:
        """Cut the scenes, start the program once, and join what it wrote."""
        answers: dict[str, Answer] = {}
        before = self._batch - len(requests)  # samples of the batch that an earlier start has dealt with
        names: dict[str, list[tuple[str, Segment]]] = {}
        lines = []
        (folder / "out").mkdir()
        for index, request in enumerate(requests):
            try:
                with naming_disk_errors():
                    names[request.sample_id] = self._cut(request, folder, index)
            except GenerationError as error:
                answers[request.sample_id] = error
                continue
            for name, _segment in names[request.sample_id]:
                lines.append({"video_name": str(folder / f"{name}.mp4"), "prompt": request.prompt})
        if not lines:
            return Attempt(answers)
        outputs = {name: folder / "out" / f"generated_{name}_0.wav" for owned in names.values() for name, _ in owned}
        crash = ""
        try:
            with naming_disk_errors():
                (folder / "list.json").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
                self._installation.run(
                    self._arguments(folder),
                    finished=lambda: sum(path.is_file() for path in outputs.values()),
                    progress=lambda count: self.on_progress(before + count * len(names) // len(outputs)),
                )
        except ProgramFailed as error:
            crash = str(error)
        except GenerationError as error:
            return Attempt({request.sample_id: error for request in requests} | answers)
        return Attempt(answers | self._collected(names, outputs, complete=not crash), crash)

    def _arguments(self, folder: Path) -> list[str]:
        seed = [] if self._seed is None else ["--seed", str(self._seed)]
        return ["--testlist", str(folder / "list.json"), "--save_path", str(folder / "out"), *seed]

    def _cut(self, request: Request, folder: Path, index: int) -> list[tuple[str, Segment]]:
        """Write a scene's segments, named by their place in the batch, because equal names overwrite each other."""
        parts = segments(request.duration, self.sample_rate)
        frames = segment_frames(request.video, request.duration)
        names = [f"{index:05d}_{letter}" for letter in "ab"[: len(parts)]]
        for name, part in zip(names, parts, strict=True):
            end = part.first_frame + round(SEGMENT_SECONDS * FPS)
            media.write_video(folder / f"{name}.mp4", frames[part.first_frame : end], fps=FPS)
        return list(zip(names, parts, strict=True))

    def _collected(
        self, names: Mapping[str, Sequence[tuple[str, Segment]]], outputs: Mapping[str, Path], *, complete: bool
    ) -> dict[str, Answer]:
        """Return the answers that a start left, by sample; those of samples whose turn did not end are left out."""
        begun = [
            place for place, owned in enumerate(names.values()) if any(outputs[name].is_file() for name, _ in owned)
        ]
        # The sample that a crash came upon may be half done, and those behind it were not begun: an absent or broken
        # file says nothing against them. Those in front of it had their turn.
        over = len(names) if complete else max(begun, default=0)
        found: dict[str, Answer] = {}
        for place, (sample, owned) in enumerate(names.items()):
            answer = self._joined(owned, outputs)
            if place < over or not isinstance(answer, GenerationError):
                found[sample] = answer
        return found

    def _joined(self, owned: Sequence[tuple[str, Segment]], outputs: Mapping[str, Path]) -> Answer:
        """Return the kept samples of every segment, one after the other."""
        try:
            # The program writes 81920 samples, 5.12 s: what is kept is counted from the beginning, never the end.
            kept = [
                read_output(outputs[name], sample_rate=self.sample_rate, samples=part.first_sample + part.samples)[
                    part.first_sample : part.first_sample + part.samples
                ]
                for name, part in owned
            ]
        except GenerationError as error:
            return error
        joined: Waveform = np.concatenate(kept)
        return joined
