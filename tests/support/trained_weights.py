"""What an export leaves, with files of a few bytes in place of weights; how a run was scored."""

from pathlib import Path

from baselines.selva.training.own_weights import FILE_NAME, OwnFile, OwnWeights, Trained
from baselines.selva.training.pair import Pair, pair_in
from baselines.selva.training.recipe import read_recipe
from baselines.selva.training.run_record import Scoring
from foundation.files import file_sha256


def own_weights(recipe: str = "sup-5", **changes) -> OwnWeights:
    """The record of a finished run of a recipe."""
    read = read_recipe(recipe)
    stages = {"encoder": read.encoder.steps, "generator": read.generator.steps}
    content = {
        "schema": 1,
        "files": {part: OwnFile(name=f"{part}.pth", sha256="0" * 64) for part in ("video_encoder", "generator")},
        "variant": read.generator.variant,
        "sup_tokens": read.encoder.sup_tokens,
        "trained": {name: Trained(step=steps, steps=steps, width=0.05) for name, steps in stages.items()},
        "untrained": False,
        "recipe": read,
        "recipe_sha256": read.fingerprint,
        "choices": read.choices(),
        "starting_weights": {part: {"sha256": "a" * 64, "verified": True} for part in ("generator", "synchformer")},
        "store": {"fingerprint": "f" * 64, "counts": {"train": 171_000, "validation": 2048}},
        "scores": None,
    }
    return OwnWeights(**{**content, **changes})


def scoring(**changes) -> Scoring:
    """How the suite scores a run, a few samples of a small benchmark."""
    content = {
        "benchmark": "tiny",
        "version": "1.0",
        "fingerprint": "ab12cd34" * 8,
        "subset": "inter",
        "samples": 2,
        "of": 1040,
        "profile": "signal",
        "seed": 0,
    }
    return Scoring(**{**content, **changes})


SCORED_ON = "tiny 1.0 (ab12cd34), subset inter, 2 of 1,040 samples, profile signal, seed 0"  # as a reader is told


def exported(folder: Path, content: str = "weights", **changes) -> Pair:
    """Two files that are no weights, and a true record of them."""
    record = own_weights(**changes)
    folder.mkdir(parents=True)
    pair = pair_in(folder, variant=record.variant, sup_tokens=record.sup_tokens)
    for part in ("video_encoder", "generator"):
        getattr(pair, part).write_text(f"{content} of {part}")
    files = {part: OwnFile(name=path.name, sha256=file_sha256(path)) for part, path in vars(pair).items()}
    text = record.model_copy(update={"files": files}).model_dump_json(by_alias=True)
    (folder / FILE_NAME).write_text(text)
    return pair
