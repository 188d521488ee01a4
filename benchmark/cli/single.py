"""`generate-one` and `attention`: a model on a video of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.cli.options import CheckpointOption, DeviceOption, ModelOption, OptionOption, RandomOption

VideoOption = Annotated[Path, typer.Option(help="Any video; its first seconds are used.")]
DurationOption = Annotated[float | None, typer.Option(min=0.1, help="Seconds. Default: the video's length, at most 8.")]


def generate_one(
    model: ModelOption,
    video: VideoOption,
    prompt: Annotated[str, typer.Option(help="Text that names the sound wanted.")],
    out: Annotated[Path, typer.Option(help="Result: .mp4 (what was seen, with the new sound), .wav or .flac.")],
    negative_prompt: Annotated[str, typer.Option(help="Text that names the sound not wanted.")] = "",
    duration: DurationOption = None,
    seed: Annotated[int, typer.Option(help="Another seed, another sound.")] = 0,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    device: DeviceOption = None,
) -> None:
    """Generate the sound of one thing in one video."""
    from baselines import GenerationError, Request, get_model, load_model, option_names
    from benchmark.answers import answers_to, checked
    from benchmark.cli.asking import model_options
    from foundation import media

    if out.suffix.lower() not in {".mp4", ".wav", ".flac"}:
        raise ValueError(f"--out: expected .mp4, .wav or .flac, got {str(out)!r}")
    entry = get_model(model)
    if entry.kind not in ("model", "external"):
        raise ValueError(f"--model: {model} answers samples of a benchmark, not a video of your own")
    seconds = duration or _usable_seconds(video)
    options: dict[str, Any] = model_options(option, checkpoint=checkpoint, random_weights=random_weights)
    if device is not None and "device" in option_names(entry):
        options.setdefault("device", device)
    generator = load_model(model, **options)
    (answer,) = answers_to(generator, [Request(video.stem, video, prompt, negative_prompt, seconds, seed)])
    try:
        waveform, rate = checked(answer, generator.sample_rate, seconds)
    except GenerationError as error:
        raise ValueError(str(error)) from error
    if out.suffix.lower() == ".mp4":
        media.mux(video, waveform, rate, out, seconds=seconds)
    else:
        media.write_audio(out, waveform, rate)
    typer.echo(f"{out}: {waveform.size / rate:.2f} s at {rate} Hz")


def attention(
    video: VideoOption,
    prompt: Annotated[list[str], typer.Option(help="May be given several times; shown side by side.")],
    out: Annotated[Path, typer.Option(help="Overlay video, .mp4; the strip gets its name with .png.")],
    model: Annotated[str, typer.Option(help="A SELVA model.")] = "selva",
    duration: DurationOption = None,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    device: DeviceOption = None,
) -> None:
    """Show where in the picture SELVA looks for a prompt (appendix C.4 of the paper)."""
    from baselines import GenerationError, get_model, load_model
    from benchmark.cli.asking import model_options

    if not str(get_model(model).target).startswith("baselines.selva."):
        raise ValueError(f"--model: only SELVA has these maps, not {model}")
    seconds = duration or _usable_seconds(video)
    options: dict[str, Any] = model_options(option, checkpoint=checkpoint, random_weights=random_weights, device=device)
    selva: Any = load_model(model, **options)
    from baselines.selva.attention import write_attention

    try:
        files = write_attention(selva, video, prompt, out, duration_seconds=seconds)
    except GenerationError as error:
        raise ValueError(str(error)) from error
    typer.echo(f"{files.video}\n{files.strip}")


def _usable_seconds(video: Path) -> float:
    """Return how much of a video is used by default: all of it, 8 s at most, whole frames at 25 fps."""
    from foundation import media

    info = media.probe(video)
    if info.video is None:
        raise media.MediaError(video, "no video stream")
    return min(8.0, int(info.duration_seconds * 25) / 25)
