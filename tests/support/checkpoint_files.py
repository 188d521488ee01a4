"""Checkpoint files in the official layouts, filled with seeded weights: what end-to-end tests load.

    python tests/support/checkpoint_files.py FOLDER [NAME ...]

writes them where $VGG_MONOAUDIO_WEIGHTS=FOLDER finds them: 5 GB for all of profile paper. Their hashes are of course
not the published ones, so whoever loads them must allow unverified files.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from foundation.checkpoints import CHECKPOINTS
from support.seeded_weights import fill

NAMES = ("panns", "clap", "imagebind", "synchformer", "roberta")
EXTENDED = ("vggish", "passt", "audiobox")  # written where they are named

AUDIOBOX_SETTINGS = {  # with which the network has the size of the published file
    "proj_num_layer": 5, "proj_ln": True, "proj_act_fn": "gelu", "proj_dropout": 0, "nth_layer": 13,
    "use_weighted_layer_sum": True, "normalize_embed": True, "output_dim": 1,
}  # fmt: skip
AUDIOBOX_SCALES = {
    axis: {"mean": 5.0 + place, "std": 1.0 + place / 3} for place, axis in enumerate(("CE", "CU", "PC", "PQ"))
}


def network(name: str, seed: int) -> nn.Module:
    """A backbone with seeded weights."""
    if name == "panns":
        from metrics.backbones.panns import Panns as Network
    elif name == "clap":
        from metrics.backbones.clap import Clap as Network
    elif name == "imagebind":
        from metrics.backbones.imagebind import ImageBind as Network
    elif name == "vggish":
        from metrics.backbones.vggish import VGGish as Network
    elif name == "passt":
        from metrics.backbones.passt import Passt as Network
    elif name == "audiobox":
        from metrics.backbones.audiobox import Audiobox

        return fill(Audiobox(AUDIOBOX_SETTINGS, AUDIOBOX_SCALES), seed).eval()
    else:
        from metrics.backbones.synchformer import Synchformer as Network
    return fill(Network(), seed).eval()


def official_layout(name: str, entries: dict[str, torch.Tensor]) -> dict[str, object]:
    """The entries of a network, wrapped and named as in its published file."""
    if name == "panns":  # the file also holds the state of a training sampler, numpy arrays among it
        sampler = {"indexes": np.arange(4), "pointer": 0, "queue": [1, 2], "weights": np.ones(2, dtype=np.float32)}
        return {"iteration": 600_000, "model": entries, "sampler": sampler}
    if name == "clap":
        named = {f"module.{entry}": value for entry, value in entries.items()}
        named["module.text_branch.embeddings.position_ids"] = torch.arange(514)[None]
        return {"epoch": 15, "name": "seeded", "state_dict": named, "optimizer": {"param_groups": []}}
    if name == "imagebind":
        others = {
            "modality_preprocessors.text.pos_embed": torch.zeros(1, 77, 8),
            "modality_trunks.thermal.blocks.0.norm_1.weight": torch.ones(8),
        }
        return {**entries, **others}
    if name == "audiobox":
        named = {f"model.{entry}": value for entry, value in entries.items()}
        settings = {**AUDIOBOX_SETTINGS, "precision": "bf16", "freeze_encoder": True}
        return {"state_dict": named, "model_cfg": settings, "target_transform": AUDIOBOX_SCALES}
    return dict(entries)


def write_checkpoint(name: str, folder: Path, seed: int = 1) -> Path:
    """Write one file into a weights folder under its official name, and return its path."""
    path = folder / CHECKPOINTS[name].filename
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(official_layout(name, network(name, seed).state_dict()), path)
    return path


def write_tokenizer(folder: Path) -> Path:
    """Write a stand-in for roberta-base's tokenizer: as many entries, the same ids for "Hello world", else letters."""
    place = folder / "roberta-base"
    place.mkdir(parents=True, exist_ok=True)
    merges = ["H e", "He l", "Hel l", "Hell o", "Ġ w", "Ġw o", "Ġwo r", "Ġwor l", "Ġworl d"]
    fixed = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "Hello": 31414, "Ġworld": 232, "<mask>": 50264}
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    pieces = iter([*letters, *(merge.replace(" ", "") for merge in merges if merge.replace(" ", "") not in fixed)])
    by_id = {number: entry for entry, number in fixed.items()}
    vocabulary = {by_id.get(i) or next(pieces, f"unused{i}"): i for i in range(50_265)}
    (place / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (place / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    return place


def write_profile_paper(folder: Path, seed: int = 1) -> None:
    """Write all that profile paper needs."""
    for name in NAMES[:-1]:
        write_checkpoint(name, folder, seed)
    write_tokenizer(folder)


if __name__ == "__main__":
    target, *chosen = sys.argv[1:]
    for wanted in chosen or NAMES:
        if wanted == "roberta":
            write_tokenizer(Path(target))
        else:
            write_checkpoint(wanted, Path(target))
