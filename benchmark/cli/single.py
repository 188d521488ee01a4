"""`generate-one` and `attention`: a model on a video of your own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import CheckpointOption, DeviceOption, ModelOption, OptionOption, RandomOption
from benchmark.exits import SOME_FAILED, tell

if TYPE_CHECKING:
    from baselines import Waveform

VideoOption = Annotated[Path, typer.Option(help="Any video; its first seconds are used.")]
DurationOption = Annotated[float | None, typer.Option(min=0.1, help="Seconds. Default: the video's length, at most 8.")]

LEAST_BYTES = 2 * 16_000  # of a second of sound; models of 44.1 kHz take more
REHEARSED_SECONDS = 0.1


def generate_one(
    model: ModelOption,
    video: VideoOption,
    prompt: Annotated[str, typer.Option(help="Text that names the sound wanted.")],
    out: Annotated[Path, typer.Option(help="Result: .mp4 (what was seen, with the new sound), .wav or .flac.")],
    negative_prompt: Annotated[str, typer.Option(help="Text that names the sound not wanted.")] = "",
    duration: DurationOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another sound.")] = 0,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    device: DeviceOption = None,
) -> None:
    """Generate the sound of one thing in one video.

    Where the video cannot be written with the new sound, the sound is kept as a wav and the exit status is 1.
    """
    from baselines import GenerationError, Request, get_model, load_model, option_names
    from benchmark.answers import answers_to, checked
    from benchmark.cli.asking import check_device_of, check_options, model_options
    from benchmark.one_video import wanted_seconds
    from foundation.disk import check_file, check_room

    if out.suffix.lower() not in {".mp4", ".wav", ".flac"}:
        raise ValueError(f"--out: expected .mp4, .wav or .flac, got {str(out)!r}")
    check_file(out)
    entry = get_model(model)
    if entry.kind not in ("model", "external"):
        raise ValueError(f"--model: {model} answers samples of a benchmark, not a video of your own")
    if seed >= 2**63:
        raise ValueError(f"--seed: expected 0 to 2^63 - 1, got {seed}")
    options: dict[str, Any] = model_options(option, checkpoint=checkpoint, random_weights=random_weights)
    check_options([model], options, None)
    check_device_of(model, device)
    seconds = wanted_seconds(video, duration, entry)
    check_room(out.parent, seconds * LEAST_BYTES, "the samples of the sound")
    if out.suffix.lower() == ".mp4" and (why := _why_no_mp4(video)):
        tell(f"{out} cannot be made: {why}; the sound will be kept in {_sound_instead(out)}", prefix="warning: ")
    if device is not None and "device" in option_names(entry):
        options.setdefault("device", device)
    generator = load_model(model, **options)
    (answer,) = answers_to(generator, [Request(video.stem, video, prompt, negative_prompt, seconds, seed)])
    try:
        waveform, rate = checked(answer, generator.sample_rate, seconds)
    except GenerationError as error:
        raise ValueError(str(error)) from error
    _write(waveform, rate, video, out, seconds)


def attention(
    video: VideoOption,
    prompt: Annotated[list[str], typer.Option(help="May be given several times; shown side by side.")],
    out: Annotated[Path, typer.Option(help="Path without an ending; the overlay gets .mp4, the strip .png.")],
    model: Annotated[str, typer.Option(help="A SELVA model.")] = "selva",
    duration: DurationOption = None,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    device: DeviceOption = None,
) -> None:
    """Show where in the picture SELVA looks for a prompt (appendix C.4 of the paper)."""
    from baselines import GenerationError, get_model, load_model
    from benchmark.cli.asking import check_device_of, check_options, model_options
    from benchmark.one_video import wanted_seconds
    from foundation.disk import check_file

    if out.suffix.lower() not in {"", ".mp4"}:
        raise ValueError(f"--out: expected a path without an ending, or .mp4, got {str(out)!r}")
    overlay = out if out.suffix else out.with_name(f"{out.name}.mp4")
    for file in (overlay, overlay.with_suffix(".png")):
        check_file(file)
    if overlay.exists() and overlay.samefile(video):
        raise ValueError(f"--out: {overlay} is the video itself; give another path")
    entry = get_model(model)
    if not entry.place.startswith("baselines.selva."):
        raise ValueError(f"--model: only SELVA has these maps, not {model}")
    options: dict[str, Any] = model_options(option, checkpoint=checkpoint, random_weights=random_weights, device=device)
    check_options([model], options, None)
    check_device_of(model, device)
    seconds = wanted_seconds(video, duration, entry)
    selva: Any = load_model(model, **options)
    from baselines.selva.attention import write_attention

    try:
        files = write_attention(selva, video, prompt, overlay, duration_seconds=seconds)
    except GenerationError as error:
        raise ValueError(str(error)) from error
    typer.echo(f"{files.video}\n{files.strip}")


def _why_no_mp4(video: Path) -> str:
    """Return why a video cannot be written again with another sound, tried with its first frames; "" if it can."""
    import numpy as np

    from foundation import media

    silence = np.zeros(round(REHEARSED_SECONDS * 16_000), np.float32)
    try:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            media.mux(video, silence, 16_000, Path(folder, "rehearsal.mp4"), seconds=REHEARSED_SECONDS)
    except Exception as error:  # whatever an encoder raises, the sound can be had
        return _in_words(error)
    return ""


def _write(waveform: Waveform, rate: int, video: Path, out: Path, seconds: float) -> None:
    """Write the answer, as a wav where no mp4 can be made of it.

    Raises:
        typer.Exit: with status 1, in the latter case.
    """
    from foundation import media

    length = f"{waveform.size / rate:.2f} s at {rate} Hz"
    if out.suffix.lower() != ".mp4":
        media.write_audio(out, waveform, rate)
        typer.echo(f"{out}: {length}")
        return
    try:
        media.mux(video, waveform, rate, out, seconds=seconds)
    except Exception as error:  # the sound took minutes; whatever an encoder raises does not cost it
        sound = _sound_instead(out)
        media.write_audio(sound, waveform, rate)
        typer.echo(f"{sound}: {length}")
        tell(f"no {out}: {_in_words(error)}")
        raise typer.Exit(SOME_FAILED) from error
    typer.echo(f"{out}: {length}")


def _sound_instead(out: Path) -> Path:
    """Return where the sound goes when there is no mp4: beside it, in no file that is there already."""
    beside = out.with_suffix(".wav")
    return beside if not beside.exists() else out.with_name(f"{out.stem}.sound.wav")


def _in_words(error: Exception) -> str:
    from foundation.media import MediaError

    return str(error) if isinstance(error, MediaError) else f"{type(error).__name__}: {error}"
