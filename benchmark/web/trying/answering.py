"""One question to several models: each answer as a film with that sound, and where SELVA looked for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from baselines import GenerationError, Request
from benchmark.answers import answers_to, checked
from benchmark.report.spectrograms import spectrogram_jpeg
from benchmark.web.trying.films import Film
from benchmark.web.trying.models import Models, NoAnswer
from foundation import media
from vgg_monoaudio.dataset import Benchmark, BenchmarkError

MOST_PROMPTS = 4


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        film: about what.
        models: by the names they were asked for, one at least.
        prompts: one to `MOST_PROMPTS`.
        negative_prompt: text that names the sound not wanted; "" is none.
        seed: the same for every model and prompt, so that nothing else tells two answers apart.
    """

    film: Film
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    negative_prompt: str
    seed: int


@dataclass(frozen=True)
class Part:
    """A part of a question, which is worked on alone.

    Attributes:
        model: who is asked.
        prompts: one for an answer; none for that of a control, which reads none; all for where a model looks.
        looks: whether it is asked where the model looks, and not for a sound.
    """

    model: str
    prompts: tuple[str, ...]
    looks: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of a part.

    Attributes:
        part: what was asked.
        fault: why there is no answer, or not all of it; "" where there is.
        seconds: that the model took.
        files: what there is to hear and see, by name: `film`, `sound`, `spectrogram`, or `film` and `strip`.
    """

    part: Part
    fault: str = ""
    seconds: float = 0.0
    files: dict[str, Path] = field(default_factory=dict)


def parts_of(question: Question, models: Models) -> list[Part]:
    """Return the parts of a question, in the order in which they are worked on: all sounds come first."""
    sounds = [
        Part(name, prompts)
        for name in question.models
        for prompts in ([()] if models.is_control(name) else [(prompt,) for prompt in question.prompts])
    ]
    looking = [name for name in question.models if models.looking(name) is not None]
    return [*sounds, *(Part(name, question.prompts, looks=True) for name in looking)]


def answer(models: Models, benchmark: Benchmark, question: Question, part: Part, folder: Path) -> Answer:
    """Return what a model says to a part of a question; whatever is wrong with it is a sentence in the answer.

    Args:
        models: that are tried.
        benchmark: that scenes are of.
        question: the whole of it.
        part: one of `parts_of`.
        folder: for its files; is made.
    """
    folder.mkdir(parents=True)
    try:
        if part.looks:
            return _looked(question.film, part, models, folder)
        return _heard(question, part, models, benchmark, folder)
    except (NoAnswer, GenerationError, BenchmarkError) as error:
        return Answer(part, fault=_shown(str(error), question.film))
    except media.MediaError as error:
        return Answer(part, fault=_shown(error.reason, question.film))


def _heard(question: Question, part: Part, models: Models, benchmark: Benchmark, folder: Path) -> Answer:
    """Return the answer as sound, with the film that has it."""
    film = question.film
    generator = models.asked(part.model, film, benchmark)
    name = film.key if film.sample is None else film.sample.sample_id  # by which controls know a scene
    prompt = part.prompts[0] if part.prompts else ""
    request = Request(name, film.path, prompt, question.negative_prompt, film.seconds, question.seed)
    begun = time.monotonic()
    (said,) = answers_to(generator, [request])
    waveform, rate = checked(said, generator.sample_rate, film.seconds)
    seconds = time.monotonic() - begun
    sound, spectrogram = folder / "sound.wav", folder / "spectrogram.jpg"
    media.write_audio(sound, waveform, rate)
    spectrogram.write_bytes(spectrogram_jpeg(waveform, rate))
    files = {"sound": sound, "spectrogram": spectrogram}
    try:
        media.mux(film.played, waveform, rate, folder / "film.mp4", seconds=film.seconds)
    except media.MediaError as error:  # the sound took minutes, and can be heard without the picture
        return Answer(part, f"no film can be made with this sound: {error.reason}", seconds, files)
    return Answer(part, "", seconds, {"film": folder / "film.mp4", **files})


def _looked(film: Film, part: Part, models: Models, folder: Path) -> Answer:
    """Return where in the picture a model looks for each prompt, as a film and as a strip of pictures."""
    from baselines.selva.attention import write_attention

    begun = time.monotonic()
    made = write_attention(
        models.looking(part.model), film.path, part.prompts, folder / "looks.mp4", duration_seconds=film.seconds
    )
    return Answer(part, "", time.monotonic() - begun, {"film": made.video, "strip": made.strip})


def _shown(fault: str, film: Film) -> str:
    """Return a sentence about a film by the name that it is shown by, not by that of its file here."""
    return fault.replace(str(film.path), film.name)
