"""The model card of an export: `README.md` in the form of Hugging Face, made from `selva.json` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from baselines.selva.model import DEFAULT_SUP_TOKENS
from baselines.selva.training.own_weights import FILE_NAME, Clips, OwnWeights
from baselines.selva.training.recipe import OPEN, Mixing, Stage
from baselines.selva.training.run_record import STAGES, StageName
from foundation.markup import markdown_escaped

CARD_NAME = "README.md"

_TITLES: dict[StageName, str] = {"encoder": "Video encoder", "generator": "Generator"}

_CITATION = """\
@article{selva,
  title   = {Hear What Matters! Text-conditioned Selective Video-to-Audio Generation},
  author  = {Lee, Junwon and Nam, Juhan and Lee, Jiyoung},
  journal = {arXiv preprint arXiv:2512.02650},
  year    = {2025}
}"""

_LICENCE = """\
The weights start from those of MMAudio, which are under CC BY-NC 4.0 (no commercial use), and of Synchformer (MIT).
What is made from them stays under the terms of MMAudio's. Whether you may pass these files on also depends on the clips
that you trained on: the copyright of videos stays with those who made them."""

_LICENCE_OF_OTHERS = """\
The training started from weights that are not, or not known to be, the published ones: the terms of those apply."""

_UNTRAINED = """\
**These weights started from random numbers.** They show that the machinery runs; what they generate means nothing."""


def card(weights: OwnWeights) -> str:
    """Return the card of an export as Markdown; the same record gives the same text."""
    recipe = weights.recipe
    parts = [
        "\n".join(["---", *_front_matter(weights), "---"]),
        f"# SELVA, trained by recipe {markdown_escaped(recipe.name)}",
        *([_UNTRAINED] if weights.untrained else []),
        f"Text-conditioned selective video-to-audio: the sound of the one thing in a video that a text names. "
        f"Trained with the VGG-MonoAudio suite, not by the paper's authors: {weights.note()}.",
        "## How to use it\n\nIn a checkout of the suite, with `FOLDER` in place of where this folder is:\n\n"
        f"```\n{usage(weights)}\n```\n\n`{FILE_NAME}` belongs beside the two files: it says what they are, and tables "
        "made with them repeat it.",
        "## Files\n\n" + _table(("part", "file", "SHA-256"), _files(weights)),
        f"## Recipe\n\n{markdown_escaped(recipe.summary)}\n\n"
        + _table(("", *(_TITLES[name].lower() for name in STAGES)), _stages(weights)),
        f"Seed {recipe.seed}, {recipe.precision}, clips of {recipe.seconds:g} s. All values: `{FILE_NAME}`.",
        "## What is not published\n\nThe paper and its code leave open what follows; the values are this training's "
        "choice, and scores may depend on them.\n\n" + _table(("key", "what is open", "chosen"), _choices(weights)),
        f"## Data\n\n{_data(weights)}",
        "## Started from\n\n" + _table(("part", "SHA-256", ""), _starts(weights)),
        *_scores(weights),
        f"## Licence\n\n{_LICENCE if _is_published(weights) else _LICENCE_OF_OTHERS}",
        f"## Citation\n\n```bibtex\n{_CITATION}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def usage(weights: OwnWeights, folder: str = "FOLDER") -> str:
    """Return the command that scores the files in a folder."""
    given = [f"--checkpoint {part}={folder}/{file.name}" for part, file in weights.files.items()]
    if weights.untrained:  # nobody fetches gigabytes of weights to hear noise
        given.append("--random-weights")
    if weights.sup_tokens != DEFAULT_SUP_TOKENS:
        given.append(f"--option num_sup_tokens={weights.sup_tokens}")
    if weights.variant != "small_16k":
        given.append(f"--option variant={weights.variant}")
    return f'make eval MODEL=selva ARGS="{" ".join(given)}"'


def _front_matter(weights: OwnWeights) -> list[str]:
    published = _is_published(weights)
    return [
        "license: cc-by-nc-4.0" if published else "license: other",
        *([] if published else ["license_name: see-below"]),
        "language: en",
        "tags:",
        *(f"- {tag}" for tag in ("video-to-audio", "text-to-audio", "selva", "vgg-monoaudio")),
    ]


def _is_published(weights: OwnWeights) -> bool:
    starts = weights.starting_weights.values()
    return not weights.untrained and bool(starts) and all(start.verified for start in starts)


def _files(weights: OwnWeights) -> Sequence[tuple[str, ...]]:
    return [(part.replace("_", " "), f"`{file.name}`", f"`{file.sha256}`") for part, file in weights.files.items()]


def _stages(weights: OwnWeights) -> Iterator[tuple[str, ...]]:
    """Yield the rows of what each stage did."""
    stages: list[Stage] = [weights.recipe.encoder, weights.recipe.generator]
    done = [weights.trained.get(name) for name in STAGES]
    yield "steps", *(f"{one.step:,} of {one.steps:,}" if one else "not trained in this run" for one in done)
    yield "EMA width", *(f"{one.width:g}" if one else "" for one in done)
    for what, said in _SETTINGS.items():
        yield what, *(said(stage) if one else "" for stage, one in zip(stages, done, strict=True))
    yield "shape", f"{weights.sup_tokens} [SUP] tokens", weights.variant


def _optimiser(stage: Stage) -> str:
    betas = ", ".join(f"{beta:g}" for beta in stage.betas)
    return f"{stage.optimiser}, betas {betas}, epsilon {stage.epsilon:g}, weight decay {stage.weight_decay:g}"


def _mixing(mixing: Mixing) -> str:
    width = f"Beta({mixing.alpha:g}, {mixing.alpha:g})" if mixing.ratio is None else f"{mixing.ratio:g} of the width"
    side = "on the left" if mixing.side == "left" else "left or right at random"
    return f"own part {side}, {width}; {mixing.share:.0%} of a batch"


_SETTINGS: dict[str, Callable[[Stage], str]] = {
    "batch": lambda stage: str(stage.batch),
    "learning rate": lambda stage: f"{stage.learning_rate:g}",
    "warm-up": lambda stage: f"{stage.warmup:,} steps",
    "optimiser": _optimiser,
    "gradient norm at most": lambda stage: f"{stage.clip:g}",
    "mixing": lambda stage: _mixing(stage.mixing),
}


def _choices(weights: OwnWeights) -> Sequence[tuple[str, ...]]:
    return [(f"`{key}`", OPEN.get(key, ""), markdown_escaped(str(value))) for key, value in weights.choices.items()]


def _data(weights: OwnWeights) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in weights.store.counts.items())
    text = {"class label": "the class label of its clip", "text of the list": "the text that the list has of its clip"}[
        weights.recipe.captions
    ]
    return (
        f"Clips: {counts or 'of unknown number'}; the prompt is {text}. {_frames(weights.store)}Fingerprint of the "
        f"prepared clips: `{weights.store.fingerprint}`."
    )


def _frames(store: Clips) -> str:
    """Return how frames were kept, and how far that moves what the encoder learns from; nothing where it is unknown."""
    kept, effect = store.settings.get("picture"), store.frame_effect
    if kept == "lossless":
        return "Frames were kept without loss. "
    if kept is None or effect is None:
        return ""
    if effect.relative_rms is None:
        moved = f"how far that moves the teacher's features was not measured ({markdown_escaped(effect.reason)})"
    else:
        moved = f"that moves the teacher's features by {effect.relative_rms:.2%} (relative rms, {effect.clips:,} clips)"
    return f"Frames were kept as {markdown_escaped(str(kept))}; {moved}. "


def _starts(weights: OwnWeights) -> Sequence[tuple[str, ...]]:
    rows = [
        (part.replace("_", " "), f"`{start.sha256}`", "as published" if start.verified else "not verified")
        for part, start in weights.starting_weights.items()
    ]
    return rows or [("all", "", "random numbers")]


def _scores(weights: OwnWeights) -> list[str]:
    """Return the section on scores; none where the suite scored nothing inside the run."""
    scores = weights.scores
    if scores is None:
        return []
    rows = [(name, f"{value:.4g}") for name, value in scores.values.items()]
    how = (
        "Benchmark and profile stand in the run's folder alone (`validation/`): compare these scores with no table."
        if scores.scoring is None
        else f"Measured on {markdown_escaped(scores.scoring.line())}; what was measured otherwise does not compare."
    )
    return [
        f"## Scores inside the run\n\nOf the weights as they were at step {scores.step:,} of the {scores.stage}, "
        f"before any averaging, so not of these files. {how}\n\n" + _table(("metric", "value"), rows)
    ]


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [tuple(head), ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
