"""A program that judges sounds instead of making them: SAM-Audio Judge, kept loaded."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.by_recipe import ProgramByRecipe, facts_of
from baselines.programs.json_lines import JsonLines
from baselines.programs.program import ProgramWeights
from baselines.programs.recipe import read_recipe
from baselines.programs.retries import Answer
from baselines.recipes import RECIPES
from foundation import checkpoints, media
from foundation.checkpoints.files import note_of
from foundation.files import fingerprint

Sound = tuple[Waveform, int]
JUDGE = "sam-audio-judge"  # its recipe, and its table in models.toml
JUDGE_VARIABLE = "VGG_MONOAUDIO_JUDGE"  # another name of the hub, or a folder with weights
JUDGING_VERSION = 1  # moves when the judge would be asked in another way
_MOST_BYTES = 1 << 16  # of a file of three numbers
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Opinion:
    """What the judge says of one sound as an answer to a prompt; 1 to 5 in training, but nothing bounds them.

    Attributes:
        recall: whether all is there that the prompt names; higher is better.
        precision: whether nothing else is there.
        faithfulness: whether what is there sounds as it does in the mixture.

    Raises:
        ValueError: a number that is not finite.
    """

    recall: float
    precision: float
    faithfulness: float

    def __post_init__(self) -> None:
        for field in fields(self):
            if not math.isfinite(getattr(self, field.name)):
                raise ValueError(f"{field.name}: expected a finite number, got {getattr(self, field.name)}")


class ScoreLines(JsonLines):
    """A driver that is given two sounds with every request, `mixture` and `answer`, and writes numbers as JSON.

    An opinion travels in the place of a sound, as its three numbers.

    Attributes:
        mixtures: by sample id; to be set before they are asked about.
        answers: likewise.
    """

    mixtures: Mapping[str, Sound]
    answers: Mapping[str, Sound]

    def _question(self, request: Request, folder: Path, index: int) -> dict[str, Any]:
        question = {**super()._question(request, folder, index), "output": str(folder / f"{index:05d}.json")}
        for name, sounds in (("mixture", self.mixtures), ("answer", self.answers)):
            path = folder / f"{index:05d}.{name}.wav"
            waveform, rate = sounds[request.sample_id]
            media.write_audio(path, waveform, rate, subtype="FLOAT")
            question[name] = str(path)
        return question

    def _sound(self, answer: Mapping[str, Any], request: Request) -> Answer:
        del request
        if answer.get("error") or answer.get("path") is None:
            return GenerationError(f"the program says: {answer['error'] or 'nothing, and names no path'}")
        try:
            opinion = _read_opinion(Path(self._settings.checkout or Path.cwd(), answer["path"]))
        except ValueError as error:
            return GenerationError(f"the program's numbers cannot be used: {error}")
        return np.array(astuple(opinion), dtype=np.float32)


class Judge(ProgramByRecipe):
    """SAM-Audio Judge: a mixture, a sound and a prompt go in, what it thinks of the sound comes out.

    Raises:
        ValueError: `judge` is neither a name of the hub nor a folder, or what `ProgramByRecipe` raises.
        MissingProgram: it is not set up on this machine.
    """

    _speaker = ScoreLines

    def __init__(self, **options: Any) -> None:
        name = judge_at(str(options.get("judge") or self.recipe.parameters["judge"]))
        super().__init__(**{**options, "judge": name})
        self.weights = {**self.weights, **_weights_in(Path(name))}
        self._named = "" if Path(name).is_dir() else name  # of a folder, what is in it counts, not where it is

    @property
    def key(self) -> str:
        """What opinions depend on, as a content key: recipe with driver, checkout, judge, the weights of a folder."""
        weights = {name: held.sha256 for name, held in self.weights.items()}
        content = {
            "recipe": self.recipe.sha256, "commit": self._installation.commit, "judge": self._named, "weights": weights,
        }  # fmt: skip
        return f"v{JUDGING_VERSION}-{fingerprint(content)}"

    def judge(
        self, requests: Sequence[Request], mixtures: Mapping[str, Sound], answers: Mapping[str, Sound]
    ) -> list[Opinion | GenerationError]:
        """Return what is thought of each answer, or why there is nothing.

        Args:
            requests: of distinct samples; their prompts name what is to be heard.
            mixtures: by sample id, float32 (samples,) and their rate in Hz, which must be `sample_rate`.
            answers: likewise, each as long as its mixture.

        Raises:
            ValueError: a sound at another rate or without a sample, or two of different length; names the sample.
        """
        if not isinstance(self._lines, ScoreLines):
            raise TypeError(f"recipe {self.recipe.name}: a judge is a driver that takes two sounds")
        for request in requests:
            both = [(sound.shape, rate) for sound, rate in (mixtures[request.sample_id], answers[request.sample_id])]
            (shape, rate), other = both
            if other != (shape, rate) or rate != self.sample_rate or len(shape) != 1 or not shape[0]:
                wanted = f"two sounds of one shape (samples,) at {self.sample_rate} Hz"
                raise ValueError(f"{request.sample_id}: expected {wanted}, got {both}")
        self._lines.mixtures, self._lines.answers = mixtures, answers
        return [
            found if isinstance(found, GenerationError) else Opinion(*np.asarray(found, np.float64).tolist())
            for found in self.generate_batch(requests)
        ]


@cache
def judge_class() -> type[Judge]:
    """Return the class of the recipe that comes with the suite."""
    return type(JUDGE, (Judge,), facts_of(read_recipe(RECIPES / f"{JUDGE}.toml")))


def judge_wanted() -> dict[str, str]:
    """Return the option `judge` as $VGG_MONOAUDIO_JUDGE has it; none where that is not set."""
    named = os.environ.get(JUDGE_VARIABLE, "")
    return {"judge": named} if named else {}


def judge_at(name: str) -> str:
    """Return where a judge's weights are: a folder, absolute, since the program works in another; or a hub's name.

    Raises:
        ValueError: neither.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder.absolute())
    if not _HUB_NAME.fullmatch(name):
        raise ValueError(f"judge: expected a name of the hub, as facebook/sam-audio-judge, or a folder, got {name!r}")
    return name


def _weights_in(folder: Path) -> dict[str, ProgramWeights]:
    """Return the files of a folder with their hashes, by name; {} for what is no folder."""
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    notes = {note_of(path) for path in files}
    return {
        path.name: ProgramWeights(path, checkpoints.digests(path).sha256, verified=False)
        for path in files
        if path not in notes
    }


def _read_opinion(path: Path) -> Opinion:
    """Return what a driver wrote.

    Raises:
        ValueError: no file, or not one of the numbers that are wanted.
    """
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MOST_BYTES), parse_int=float)
        found = {field.name: content[field.name] for field in fields(Opinion)}
    except OSError as error:
        raise ValueError(f"{path.name}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path.name}: not an object of the numbers recall, precision and faithfulness") from error
    for name, value in found.items():
        if not isinstance(value, float):
            raise ValueError(f"{name}: expected a number, got {value!r}")
    with np.errstate(over="ignore"):  # infinity is refused
        return Opinion(**{name: float(np.float32(value)) for name, value in found.items()})  # as it travels
