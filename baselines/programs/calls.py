"""One start of a program that a recipe describes: scenes handed over, its steps run, its sounds read back."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from baselines.generator import GenerationError, Request
from baselines.programs.outputs import naming_disk_errors, read_sound
from baselines.programs.process import ProgramFailed
from baselines.programs.program import Installation
from baselines.programs.recipe import Output, Recipe
from baselines.programs.retries import Answer, Attempt
from baselines.programs.scenes import hand_over, write_mask
from baselines.programs.templates import filled, places, words
from baselines.programs.vos_mmaudio import Segmenter

SHOWN_FILES = 5  # of those that no scene's name fits

FOLDERS = ("videos", "masks", "features", "output")
CSV = "requests.csv"


@dataclass(frozen=True)
class Scene:
    """A request, and the values of the places that are its own."""

    request: Request
    values: Mapping[str, str]


@dataclass(frozen=True)
class Calls:
    """How a program is started.

    Attributes:
        recipe: with steps.
        installation: of the program.
        output: the recipe's.
        values: of the places that are the same for all requests: parameters and device.
        seed_of: the seed that stands for a request's.
        segmenter: makes masks, where the recipe wants them.
    """

    recipe: Recipe
    installation: Installation
    output: Output
    values: Mapping[str, str]
    seed_of: Callable[[Request], int]
    segmenter: Segmenter | None = None

    def grouped(self, requests: Sequence[Request]) -> list[list[Request]]:
        """Return the requests by start: those that the command says the same of, where the program takes several."""
        if not self.recipe.together:
            return [[request] for request in requests]
        said = places(argument for step in self.recipe.steps for argument in step.arguments)
        starts: dict[tuple[str, ...], list[Request]] = {}
        for request in requests:
            told = self._told(request)
            starts.setdefault(tuple(told[name] for name in sorted(said & set(told))), []).append(request)
        return list(starts.values())

    def start(self, requests: Sequence[Request], progress: Callable[[int], None]) -> Attempt:
        """Start the program once for a group of requests.

        Args:
            requests: one of those that `grouped` returns, or the rest of it.
            progress: called with the number of sounds that there are.
        """
        try:
            with self.installation.work_folder() as folder, naming_disk_errors():
                return self._started(requests, folder, progress)
        except GenerationError as error:  # the folder itself: no sample can be asked
            return Attempt({request.sample_id: error for request in requests})

    def _started(self, requests: Sequence[Request], folder: Path, progress: Callable[[int], None]) -> Attempt:
        for name in FOLDERS:
            (folder / name).mkdir()
        scenes: list[Scene] = []
        refused: dict[str, Answer] = {}
        for index, request in enumerate(requests):
            try:
                with naming_disk_errors():
                    scenes.append(self._scene(request, folder, index, row=len(scenes)))
            except GenerationError as error:
                refused[request.sample_id] = error
        if not scenes:
            return Attempt(refused)
        if self.recipe.csv:
            self._write_csv(folder / CSV, scenes)
        output = folder / "output"
        crash = ""
        try:
            self._run(scenes, folder, lambda _files: progress(sum(bool(self._fitting(output, s)) for s in scenes)))
        except ProgramFailed as error:
            crash = str(error)
        return Attempt(refused | self._collected(scenes, output, complete=not crash), crash)

    def _run(self, scenes: Sequence[Scene], folder: Path, progress: Callable[[int], None]) -> None:
        """Run the steps; a file more, be it of features or of sound, shows that the program is at work."""
        folders = {name: str(folder / name) for name in FOLDERS}
        values = {**self.values, **folders, "csv": str(folder / CSV), **scenes[0].values}
        for step in self.recipe.steps:
            self.installation.run(
                words(step.arguments, values), entry=step.entry, launcher=step.launcher,
                flags=step is self.recipe.steps[-1], finished=lambda: _files_below(folder), progress=progress,
            )  # fmt: skip

    def _scene(self, request: Request, folder: Path, index: int, *, row: int) -> Scene:
        stem = self.recipe.video.stem or f"{index:05d}"
        video, mask = folder / "videos" / f"{stem}.mp4", folder / "masks" / f"{stem}.mp4"
        hand_over(request, self.recipe.video, video)
        if self.segmenter is not None:
            counts = self.installation.settings.log_path.with_name(f"{self.recipe.name}.masks.jsonl")
            write_mask(request, self.segmenter, mask, counts)
        files = {"stem": stem, "row": str(row), "video": str(video), "mask": str(mask)}
        return Scene(request, {**files, **self._told(request)})

    def _told(self, request: Request) -> dict[str, str]:
        """Return what is said of a request, without its files."""
        return {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "duration": f"{request.duration:.12g}",
            "seed": str(self.seed_of(request)),
        }

    def _write_csv(self, path: Path, scenes: Sequence[Scene]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(self.recipe.csv)
            for scene in scenes:
                lines.writerow(filled(text, {**self.values, **scene.values}) for text in self.recipe.csv.values())

    def _collected(self, scenes: Sequence[Scene], output: Path, *, complete: bool) -> dict[str, Answer]:
        """Return the answers that a start left; those of scenes whose turn did not end are left out."""
        fitting = [self._fitting(output, scene) for scene in scenes]
        times = Counter(path for paths in fitting for path in paths)
        begun = [place for place, paths in enumerate(fitting) if paths]
        # The scene that a crash came upon may be half done, and those behind it were not begun: an absent or broken
        # file says nothing against them. Those in front of it had their turn.
        over = len(scenes) if complete else max(begun, default=0)
        found: dict[str, Answer] = {}
        others = sorted(
            str(path.relative_to(output)) for path in output.rglob("*") if path.is_file() and path not in times
        )
        for place, scene in enumerate(scenes):
            answer = self._read(scene, fitting[place], [path for path in fitting[place] if times[path] > 1], others)
            if place < over or not isinstance(answer, GenerationError):
                found[scene.request.sample_id] = answer
        return found

    def _read(self, scene: Scene, fitting: Sequence[Path], shared: Sequence[Path], others: Sequence[str]) -> Answer:
        """Return a scene's sound.

        Args:
            scene: it.
            fitting: the files whose names are its.
            shared: those of them that fit other scenes too.
            others: names of the files that fit no scene.
        """
        wanted = filled(self.output.path, scene.values)
        if shared:
            return GenerationError(
                f"{shared[0].name} fits {wanted} and another scene's name; let output.path tell them apart, as "
                "{row:04} or {stem} without a * beside it does"
            )
        if len(fitting) != 1:
            there = f"{len(fitting)} files fit {wanted}, expected one" if fitting else _absent(wanted, others)
            return GenerationError(there)
        try:
            return read_sound(
                fitting[0], scene.request.duration, sample_rate=self.recipe.sample_rate,
                lacking_seconds=self.output.lacking_seconds, refuse_longer=self.output.longer == "refuse",
            )  # fmt: skip
        except GenerationError as error:
            return error

    def _fitting(self, output: Path, scene: Scene) -> list[Path]:
        pattern = self.output.path.replace("[", "[[]")  # a * alone has a meaning there
        return sorted(output.glob(filled(pattern, {name: escape(value) for name, value in scene.values.items()})))


def _files_below(folder: Path) -> int:
    return sum(len(files) for _folder, _folders, files in os.walk(folder))


def _absent(wanted: str, others: Sequence[str]) -> str:
    """Say that a file is not there, and which are that fit no scene: their names show what `output.path` should be."""
    if not others:
        return f"the program wrote no {wanted}, nor any other file where it was told to"
    more = f" and {len(others) - SHOWN_FILES} more" if len(others) > SHOWN_FILES else ""
    return f"the program wrote no {wanted}, but {', '.join(others[:SHOWN_FILES])}{more}; see output.path of the recipe"
