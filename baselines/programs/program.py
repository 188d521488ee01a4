"""Models that are programs: each in a checkout of its own with an interpreter of its own, driven, never imported."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.process import MissingProgram, environment, find_interpreter, find_tool, run_program
from baselines.programs.settings import Settings
from foundation import checkpoints, media

log = logging.getLogger(__name__)

Answer = Waveform | tuple[Waveform, int] | GenerationError
_SAFE_PATH = re.compile(r"[\w./+@%=:,-]+", re.ASCII)
GIVE_UP_AFTER = 2  # samples blamed in a row before anything came out: the program is broken, not the samples


@dataclass(frozen=True)
class ProgramFile:
    """A file that a program wants.

    Attributes:
        path: where the program looks, relative to its checkout.
        checkpoint: its row in `foundation.checkpoints`, if it has one.
        flag: the program's flag that names another place; "" where it has none.
    """

    path: str
    checkpoint: str = ""
    flag: str = ""


@dataclass(frozen=True)
class Program:
    """What is known of an official program without having it.

    Attributes:
        name: as in models.toml.
        repository: its address.
        revision: the commit that the adapter was written against.
        instructions: where it says how to install it.
        entry: the script that is run, relative to the checkout.
        imports: modules that its interpreter must import, `module` or `module:attribute`.
        files: what must be there before it starts.
        tools: executables that it calls.
        hands_paths_to_a_shell: unquoted, so that not every name will do for a temporary folder.
    """

    name: str
    repository: str
    revision: str
    instructions: str
    entry: str
    imports: tuple[str, ...] = ()
    files: tuple[ProgramFile, ...] = ()
    tools: tuple[str, ...] = ()
    hands_paths_to_a_shell: bool = False


@dataclass(frozen=True)
class ProgramWeights:
    """A checkpoint that a program opens, with its hash."""

    path: Path
    sha256: str
    verified: bool


@dataclass(frozen=True)
class Attempt:
    """What one start of a program came to: answers by sample id, and why it ended early, if it did."""

    answers: dict[str, Answer]
    crash: str = ""


class Installation:
    """A program as it is on this machine.

    Attributes:
        weights: the checkpoints it opens, by name; their hashes go into the run's record.
        notes: what a reader of a results table should know.

    Raises:
        MissingProgram: no checkout, script, interpreter or tool where the settings say.
        foundation.checkpoints.MissingCheckpoint: one of its checkpoints is not there.
    """

    def __init__(self, program: Program, settings: Settings) -> None:
        self.program, self.settings = program, settings
        if settings.checkout is None or settings.python is None:
            lacking = "checkout" if settings.checkout is None else "python"
            raise MissingProgram(
                f"{program.name}: nothing says where its {lacking} is\n"
                f"  looked in   {settings.table}, and --option {lacking}=...\n"
                f"  to get it   {program.instructions} (at commit {program.revision})\n"
                f"  to check    python -m benchmark doctor --model {program.name}"
            )
        self.checkout = settings.checkout.absolute()
        if not (self.checkout / program.entry).is_file():
            raise MissingProgram(
                f"{program.name}: {self.checkout} holds no {program.entry}\n"
                f"  expected    a checkout of {program.repository} at {program.revision}"
            )
        self.interpreter = find_interpreter(settings.python)
        self._env = environment(self.interpreter, settings.device, settings.env)
        for tool in program.tools:  # without it a program may go on, and answer as if it had seen no video
            if find_tool(tool, self._env) is None:
                raise MissingProgram(f"{program.name}: it calls {tool}, which is not on its PATH; install {tool}")
        if program.hands_paths_to_a_shell and not safe_for_a_shell(temporary_folder(settings)):
            raise ValueError(
                f"work_dir: {program.name} hands paths in {temporary_folder(settings)} to a shell unquoted; "
                "give a folder without blanks or quotes"
            )
        self._flags: list[str] = []
        self.weights = {name: self._weights(name, file) for file in program.files if (name := file.checkpoint)}
        self.commit = commit_of(self.checkout)
        self.notes = [self._origin()]

    def _origin(self) -> str:
        wanted = self.program.revision
        if self.commit.startswith(wanted) and not self.commit.endswith("-dirty"):
            return f"{self.program.repository} @ {wanted}"
        log.warning("%s: the checkout is at %s, the adapter knows %s", self.program.name, self.commit, wanted)
        return f"{self.program.repository} @ {self.commit} (the adapter was written against {wanted})"

    def _weights(self, name: str, file: ProgramFile) -> ProgramWeights:
        """Return a checkpoint from the checkout, else from the weights folder, where a flag can point the program."""
        path = self.checkout / file.path
        if not path.is_file():
            elsewhere = checkpoints.weights_folder() / checkpoints.get(name).filename
            if not (file.flag and elsewhere.is_file()):
                places = [path, elsewhere] if file.flag else [path]
                missing = checkpoints.MissingCheckpoint.of(name, places, needed_by=self.program.name)
                link = "" if file.flag else f"\n  then        link it to {path}, where the program looks"
                raise checkpoints.MissingCheckpoint(f"{missing}{link}")
            path = elsewhere.absolute()
            self._flags += [file.flag, str(path)]
        located = checkpoints.verify(name, path, allow_unverified=True)
        if located.checkpoint.verifiable and not located.verified:
            raise checkpoints.WrongCheckpoint(f'{self.program.name}: {path} is not the published "{name}"')
        return ProgramWeights(path, located.digests.sha256, located.verified)

    def run(
        self,
        arguments: Sequence[str],
        *,
        finished: Callable[[], int],
        progress: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Run the program's script with arguments, in its checkout.

        Raises:
            ProgramFailed: it ended badly or was stopped.
        """
        run_program(
            [str(self.interpreter), self.program.entry, *arguments, *self._flags],
            folder=self.checkout, env=self._env, log=self.settings.log_path,
            time_limit_seconds=self.settings.time_limit_seconds, finished=finished, progress=progress,
        )  # fmt: skip

    @contextlib.contextmanager
    def work_folder(self) -> Iterator[Path]:
        """Yield an empty folder, removed at the end."""
        with work_folder(self.settings) as folder:
            yield folder


def parts(program: Program, settings: Settings) -> dict[str, bool]:
    """Return what a program needs and whether it is there, by name; nothing is run, opened or hashed."""
    here = settings.checkout
    found = {"checkout": here is not None and (here / program.entry).is_file()}
    env = environment(None, None, settings.env)
    try:
        interpreter = find_interpreter(settings.python) if settings.python is not None else None
        env = environment(interpreter, None, settings.env)
    except MissingProgram:
        interpreter = None
    found["interpreter"] = interpreter is not None
    found |= {tool: find_tool(tool, env) is not None for tool in program.tools}
    for file in program.files:
        there = here is not None and (here / file.path).is_file()
        if file.checkpoint and file.flag:
            there = there or (checkpoints.weights_folder() / checkpoints.get(file.checkpoint).filename).is_file()
        found[file.checkpoint or file.path] = there
    return found


def temporary_folder(settings: Settings) -> Path:
    """Return where temporary folders are made, absolute."""
    return (settings.work_dir or Path(tempfile.gettempdir())).absolute()


def safe_for_a_shell(path: Path) -> bool:
    """Tell whether any shell takes a path as one word, as it is."""
    return _SAFE_PATH.fullmatch(str(path)) is not None


@contextlib.contextmanager
def work_folder(settings: Settings) -> Iterator[Path]:
    """Yield an empty folder under the settings' work_dir, removed at the end.

    Raises:
        GenerationError: it cannot be made.
    """
    with naming_disk_errors():
        if settings.work_dir is not None:
            settings.work_dir.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(
            prefix=f"{settings.name}-",
            dir=settings.work_dir and settings.work_dir.absolute(),
            ignore_cleanup_errors=True,
        )
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def naming_disk_errors() -> Iterator[None]:
    """Turn what the disk refuses, and media that cannot be read, into a sample's failure."""
    try:
        yield
    except media.MediaError as error:
        raise GenerationError(str(error)) from error
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else "cannot read or write"
        raise GenerationError(f"{what}: {error}") from error


def answer_with_retries(requests: Sequence[Request], attempt: Callable[[Sequence[Request]], Attempt]) -> list[Answer]:
    """Return one answer or failure a request; a program that dies is started again with what it left.

    The first death costs nothing: what is left is asked once more. If the program dies again at the same sample, that
    sample has failed, and the others go on. A program that dies on sample after sample before it has answered
    anything is broken, and the rest of the batch is not tried.

    Args:
        requests: of distinct samples, in the order that the program takes them.
        attempt: starts the program once for some of them; a sample without an answer in it was not finished.
    """
    answers: dict[str, Answer] = {}
    waiting, suspect, blamed, any_answer = list(requests), "", 0, False
    while waiting:
        outcome = attempt(waiting)
        answers |= outcome.answers
        any_answer = any_answer or bool(outcome.answers)
        waiting = [request for request in waiting if request.sample_id not in answers]
        if not outcome.crash:
            reason = "the program ended well but left no answer"
            answers |= {request.sample_id: GenerationError(reason) for request in waiting}
            break
        if waiting and waiting[0].sample_id == suspect:
            answers[suspect] = GenerationError(f"{outcome.crash}; tried twice")
            waiting, blamed = waiting[1:], blamed + 1
            if waiting and blamed >= GIVE_UP_AFTER and not any_answer:
                hint = "it answered nothing, the rest of the batch was not tried (--batch-size 1 asks each alone)"
                reason = f"{outcome.crash}; {hint}"
                answers |= {request.sample_id: GenerationError(reason) for request in waiting}
                break
        elif waiting:
            suspect = waiting[0].sample_id
            log.warning("%s; it is started again for %d of %d samples", outcome.crash, len(waiting), len(requests))
    return [answers[request.sample_id] for request in requests]


def whole_number(name: str, value: object) -> int:
    """Return an option that is a whole number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: expected a whole number, got {value!r}")
    return value


def finite_number(name: str, value: object) -> float:
    """Return an option that is a number.

    Raises:
        ValueError: it is none, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: expected a number, got {value!r}")
    return float(value)


def only_answer(answers: Sequence[Answer]) -> Waveform | tuple[Waveform, int]:
    """Return the answer to a single request.

    Raises:
        GenerationError: it is a failure.
    """
    (answer,) = answers
    if isinstance(answer, GenerationError):
        raise answer
    return answer


def read_sound(path: Path, duration: float, *, sample_rate: int | None = None) -> tuple[Waveform, int]:
    """Return the first `duration` seconds of a file, float32 (round(duration * rate),), and its rate in Hz.

    Args:
        path: any audio file.
        duration: seconds; a longer file is cut.
        sample_rate: what it must have; None takes every rate.

    Raises:
        GenerationError: as `read_output`.
    """
    if not path.is_file():
        raise GenerationError(f"the program says it wrote {path}, but there is no such file")
    audio = _decoded(path)
    rate = sample_rate or audio.sample_rate
    wanted = round(duration * rate)
    return _checked(path, audio, sample_rate=rate, samples=wanted)[:wanted], rate


def read_output(path: Path, *, sample_rate: int, samples: int) -> Waveform:
    """Return the sound that a program wrote, float32 (its whole length,); channels are averaged.

    Args:
        path: the file it should have written.
        sample_rate: the rate it should have, Hz.
        samples: the least number it should hold.

    Raises:
        GenerationError: no file, one that cannot be decoded, another rate, too few samples, or one that is not finite.
    """
    if not path.is_file():
        raise GenerationError(f"the program wrote no {path.name}")
    return _checked(path, _decoded(path), sample_rate=sample_rate, samples=samples)


def _decoded(path: Path) -> media.Audio:
    with naming_disk_errors():
        return media.read_audio_native(path)


def _checked(path: Path, audio: media.Audio, *, sample_rate: int, samples: int) -> Waveform:
    if audio.sample_rate != sample_rate:
        raise GenerationError(f"{path.name} has {audio.sample_rate} Hz, expected {sample_rate}")
    sound: Waveform = audio.samples.mean(axis=0, dtype=np.float32)
    if sound.size < samples:
        raise GenerationError(f"{path.name} has {sound.size} samples, at least {samples} needed")
    if not np.isfinite(sound).all():
        raise GenerationError(f"{path.name}: sample {int(np.argmin(np.isfinite(sound)))} is not finite")
    return sound


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout, with "-dirty" where tracked files were changed; "unknown" without git."""
    try:
        described = subprocess.run(
            ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return described.stdout.strip() if described.returncode == 0 else "unknown"
