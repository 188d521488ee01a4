"""Models that are programs: each in a checkout of its own with an interpreter of its own, driven, never imported."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.programs.outputs import safe_for_a_shell, temporary_folder, work_folder
from baselines.programs.process import (
    MissingProgram,
    ProgramFailed,
    captured,
    environment,
    find_interpreter,
    find_tool,
    run_program,
)
from baselines.programs.settings import Settings
from foundation import checkpoints

log = logging.getLogger(__name__)

GIT_SECONDS = 60.0


@dataclass(frozen=True)
class ProgramFile:
    """A file that a program wants.

    Attributes:
        path: where the program looks, relative to its checkout.
        checkpoint: its row in `foundation.checkpoints`, if it has one.
        flag: the program's flag that names another place; "" where it has none.
        get: how to get it, where that is known; else its instructions are to be read.
    """

    path: str
    checkpoint: str = ""
    flag: str = ""
    get: str = ""


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
        memory: of a GPU, as its authors state it; "" where they do not.
        driven: a driver imports it from the checkout; `entry` is then a file by which that is known.
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
    memory: str = ""
    driven: bool = False


@dataclass(frozen=True)
class ProgramWeights:
    """A checkpoint that a program opens, with its hash."""

    path: Path
    sha256: str
    verified: bool


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
        entry: str = "",
        launcher: Sequence[str] = (),
        flags: bool = True,
    ) -> None:
        """Run one of the program's scripts with arguments, in its checkout.

        Args:
            arguments: of the script.
            finished: how many outputs there are by now.
            progress: called when that number has grown.
            entry: the script, by default the program's own.
            launcher: words between the interpreter and the script.
            flags: whether to add those that point to checkpoints in the weights folder.

        Raises:
            ProgramFailed: it ended badly or was stopped.
        """
        own = self._flags if flags else ()
        run_program(
            [str(self.interpreter), *launcher, entry or self.program.entry, *arguments, *own],
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


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout, with "-dirty" where tracked files were changed; "unknown" without git."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]
    try:
        status, described = captured(command, seconds=GIT_SECONDS)
    except ProgramFailed:
        return "unknown"
    return "unknown" if status else described.decode("utf-8", "replace").strip()
