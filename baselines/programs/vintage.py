"""VinTAGe: ten seconds of sound from video and text, by its official program."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Unpack

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.outputs import naming_disk_errors, read_output
from baselines.programs.process import ProgramFailed
from baselines.programs.program import Installation, Program, ProgramFile
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.settings import ProgramOptions, finite_number, read_settings, whole_number
from foundation import media

PROGRAM = Program(
    name="vintage",
    repository="https://github.com/sakshamsingh1/vintage_aud_gen",
    revision="c3bc189",
    instructions="https://github.com/sakshamsingh1/vintage_aud_gen#readme",
    entry="sample_VT_comb.py",
    imports=(
        "torch", "torchaudio", "torchvision", "transformers", "sentence_transformers", "torchdiffeq", "xformers.ops",
        "timm", "moviepy.editor", "librosa", "soundfile", "einops", "cv2", "pandas",
    ),
    files=(ProgramFile("ckpts/VTComb_0300000.pt", "vintage", "--ckpt"),),
    tools=("ffmpeg",),
    hands_paths_to_a_shell=True,
)  # fmt: skip

LONGEST_SECONDS = 10.0
_FRAMES = "outputs/tmp_frames"  # in the checkout; the program empties it at its end, if it comes to that


class VinTAGe:
    """Text and video to 16 kHz mono audio, by `sample_VT_comb.py ODE` of a checkout; the first seconds are kept.

    One video per process, and one process per checkout at a time: the program extracts frames into a fixed folder.

    Args:
        s_vis: guidance by the video. The program's default is 2.5, its README and its example script use 7.5, and the
            paper does not say which was used.
        s_txt: guidance by the text; likewise.
        seed: of the program; 0 is its default.
        program: where it is and how to run it; absent ones come from the table [vintage] of models.toml. The time
            limit is for one scene. The program hands paths to a shell, so `work_dir` may only hold letters, digits
            and ._+@%=:,/-.

    Raises:
        ValueError: a setting that cannot be, or a work_dir that a shell would misread.
        MissingProgram: no checkout, interpreter or tool there.
        foundation.checkpoints.MissingCheckpoint: its checkpoint is not there.

    Source:
        VinTAGe (Kushwaha and Tian 2025, arXiv:2412.10768), sakshamsingh1/vintage_aud_gen @ c3bc189; "default
        parameters for ODE sampling", the first 8 s kept (appendix C.1 of the SELVA paper, arXiv:2512.02650).
    """

    sample_rate = 16_000
    longest_seconds = LONGEST_SECONDS

    def __init__(
        self,
        *,
        s_vis: float = 2.5,
        s_txt: float = 2.5,
        seed: int = 0,
        **program: Unpack[ProgramOptions],
    ) -> None:
        numbers = {"--s-vis": finite_number("s_vis", s_vis), "--s-txt": finite_number("s_txt", s_txt)}
        numbers["--seed"] = whole_number("seed", seed)
        self._parameters = [word for flag, number in numbers.items() for word in (flag, str(number))]
        self._installation = Installation(PROGRAM, read_settings("vintage", **program))
        self.weights = self._installation.weights
        self.notes = [
            *self._installation.notes,
            f"guidance s-vis {s_vis:g}, s-txt {s_txt:g}; the program's seed {seed} for every scene",
        ]

    def generate(self, request: Request) -> Waveform:
        """Return the sound of one scene, float32 (round(duration * 16000),).

        Raises:
            GenerationError: more than 10 s are asked for, or the program has no answer for the scene.
        """
        waveform = only_answer(answer_with_retries([request], self._attempt))
        return waveform[0] if isinstance(waveform, tuple) else waveform

    def _attempt(self, requests: Sequence[Request]) -> Attempt:
        (request,) = requests
        try:
            if request.duration > LONGEST_SECONDS:
                raise GenerationError(f"the program makes {LONGEST_SECONDS:g} s, {request.duration:g} s are asked for")
            with self._installation.work_folder() as folder, naming_disk_errors():
                return Attempt({request.sample_id: self._run(request, folder)})
        except ProgramFailed as error:
            return Attempt({}, str(error))
        except GenerationError as error:
            return Attempt({request.sample_id: error})

    def _run(self, request: Request, folder: Path) -> Answer:
        # Features are kept under the stem, so it must be this scene's alone: the whole folder is.
        stem = f"scene_{hashlib.sha256(request.sample_id.encode()).hexdigest()[:16]}"
        video = folder / f"{stem}.mp4"
        if media.probe(request.video).video is None:  # the program would go on without, and answer the text alone
            raise media.MediaError(request.video, "no video stream")
        shutil.copyfile(request.video, video)
        output = folder / "out" / f"vid_{stem}.wav"
        with _alone_in(self._installation.checkout):
            _clear(self._installation.checkout / _FRAMES)
            try:
                self._installation.run(self._arguments(request, video, folder), finished=lambda: 0)
            except ProgramFailed:
                with contextlib.suppress(GenerationError):  # its sound may be whole although its end was not
                    return self._kept(output, request)
                raise
        return self._kept(output, request)

    def _arguments(self, request: Request, video: Path, folder: Path) -> list[str]:
        return [
            "ODE",
            "--vid-path", str(video),
            f"--text-prompt={request.prompt}",  # in one word: a prompt may begin with a dash
            "--cross-att-vis-text",  # the published checkpoint has these modules, and loads strictly
            *self._parameters,
            "--save-dir", str(folder / "out"),
            "--vid-feat-dir", str(folder / "feats"),
        ]  # fmt: skip

    def _kept(self, output: Path, request: Request) -> Waveform:
        wanted = round(request.duration * self.sample_rate)
        return read_output(output, sample_rate=self.sample_rate, samples=wanted)[:wanted]


def _clear(frames: Path) -> None:
    """Remove the frames that a process left which was stopped: the next one would take them for its own video's."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(frames)


@contextlib.contextmanager
def _alone_in(checkout: Path) -> Iterator[None]:
    """Wait until no other process of this machine runs the checkout's program."""
    name = hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"vgg-monoaudio-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
