"""The models that are tried: loaded once, controls for each subset whose truth they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baselines import Generator, ModelEntry, get_model, load_model, option_names
from baselines.registry import check_duration
from benchmark.job import lacking, references
from benchmark.web.trying.films import Film
from vgg_monoaudio.dataset import Benchmark

_SELVA = "baselines.selva."  # where the classes are that know where they look


class NoAnswer(Exception):
    """A model cannot be asked about a film; says why."""


@dataclass(frozen=True)
class Shown:
    """What the page says of a model.

    Attributes:
        name: as it was asked for.
        untrained: its weights are random, so its sounds mean nothing.
        control: it answers from the truth about a scene, and reads no prompt.
    """

    name: str
    untrained: bool
    control: bool


class Models:
    """The models by the names they were asked for."""

    def __init__(
        self,
        asked: Mapping[str, Mapping[str, Any]],
        *,
        device: str | None = None,
        telling: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Load all but the controls.

        Args:
            asked: name to the model's own options.
            device: for models that have an option of that name.
            telling: called with the name of each model before it is loaded.

        Raises:
            baselines.UnknownModel: no such model.
            ValueError: an option that a model does not have, or a model that answers no questions: recorded sounds.
            foundation.checkpoints.MissingCheckpoint: weights are not there.
        """
        self._entries: dict[str, ModelEntry] = {name: get_model(name) for name in asked}
        for name, entry in self._entries.items():
            if entry.kind == "recorded":
                raise ValueError(f"--model: {name} has recorded sounds, and no answer to a prompt that is typed here")
        self._loaded: dict[tuple[str, str], Generator] = {}
        for name, entry in self._entries.items():
            if not entry.needs_references:
                telling(name)
                options = dict(asked[name])
                if device is not None and "device" in option_names(entry):
                    options.setdefault("device", device)
                self._loaded[name, ""] = load_model(name, **options)

    @property
    def shown(self) -> list[Shown]:
        """All of them, in the order asked for."""
        return [
            Shown(name, bool(getattr(self._loaded.get((name, "")), "untrained", False)), entry.needs_references)
            for name, entry in self._entries.items()
        ]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def is_control(self, name: str) -> bool:
        """Tell whether a model answers from the truth, whatever the prompt."""
        return self._entries[name].needs_references

    def asked(self, name: str, film: Film, benchmark: Benchmark) -> Generator:
        """Return a model, ready to be asked about a film.

        Raises:
            NoAnswer: it cannot be: a control about a film of which nobody knows the truth, or a length that the model
                cannot make.
            vgg_monoaudio.dataset.BenchmarkError: a sound that a control is given is not the one that was built.
        """
        entry = self._entries[name]
        try:
            check_duration(entry, film.seconds)
        except ValueError as error:
            raise NoAnswer(str(error)) from error
        return self._control(name, film, benchmark) if entry.needs_references else self._loaded[name, ""]

    def looking(self, name: str) -> Any:
        """Return a model that knows where in the picture it looks for a prompt (SELVA); None for every other."""
        return self._loaded[name, ""] if self._entries[name].place.startswith(_SELVA) else None

    def _control(self, name: str, film: Film, benchmark: Benchmark) -> Generator:
        sample = film.sample
        if sample is None:
            raise NoAnswer(
                "A control answers from the sounds that a scene is made of, and nobody knows those of a film of your "
                "own; choose a scene."
            )
        samples = benchmark.samples(sample.subset)
        why = lacking(self._entries[name].name, samples)
        if why:
            raise NoAnswer(f"{name}: {why}")
        benchmark.check_files([sound for sound in (sample.target_audio, sample.paired_audio) if sound is not None])
        if (name, sample.subset) not in self._loaded:
            self._loaded[name, sample.subset] = load_model(name, references=references(samples))
        return self._loaded[name, sample.subset]
