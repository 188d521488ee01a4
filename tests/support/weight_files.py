"""Checkpoint files in the layouts of the published ones, filled with seeded weights."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from baselines.mmaudio.features import ClipImage, ClipText
from baselines.mmaudio.mel_statistics import mel_statistics
from baselines.mmaudio.vocoder import BigVGAN
from baselines.mmaudio.weights import random_state
from baselines.selva.model import checkpoint_names
from baselines.selva.text import T5Encoder
from foundation.checkpoints import CHECKPOINTS
from support.reference_weights import official_state


def official_files(folder: Path, lists: Path, vocoder_lists: Path) -> dict[str, Path]:
    """Video encoder, generator, VAE and vocoder of SELVA S-16k, a file each."""
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    vocoder = {}
    for name, value in official_state(vocoder_lists, "bigvgan_16k").items():
        for new, legacy in old.items():
            name = name.replace(new, legacy)
        vocoder[name] = value
    with torch.device("meta"):
        filters = {n: v for n, v in BigVGAN.from_variant("16k").state_dict().items() if n.endswith("filter")}
    statistics = {"data_mean": mel_statistics("16k").mean, "data_std": mel_statistics("16k").spread}
    contents = {
        "video_encoder": official_state(lists, "textsynch_depth1"),
        "generator": {**official_state(vocoder_lists, "generator_small_16k"), "latent_rot": torch.zeros(3)},
        "vae": {**official_state(vocoder_lists, "vae_16k"), **statistics},
        "vocoder": {"generator": {**vocoder, **filters}},
    }
    files = {}
    for part, content in contents.items():
        files[part] = folder / f"{part}.pth"
        torch.save(content, files[part])
    return files


def seeded(factory: Callable[[], nn.Module], part: str) -> dict[str, Tensor]:
    """The entries of a network, with seeded weights."""
    with torch.device("meta"):
        network = factory()
    return random_state(network, part)


def write_tokenizer(path: Path) -> None:
    """A small tokenizer in the layout of Flan-T5's: pieces, and `</s>` behind every text."""
    scores = {"<pad>": 0.0, "</s>": 0.0, "<unk>": -9.0, "▁dog": -1.0, "▁bark": -1.0, "ing": -1.0, "▁": -3.0}
    tokenizer = Tokenizer(Unigram(list(scores.items()), unk_id=2))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(path))


def write_weights_folder(folder: Path, lists: Path, vocoder_lists: Path) -> None:
    """All that `make eval MODEL=selva` opens, where $VGG_MONOAUDIO_WEIGHTS=folder finds it; 2.5 GB."""
    places = {
        part: folder / CHECKPOINTS[name].filename for part, name in checkpoint_names("small_16k", 5).items() if name
    }
    for place in places.values():
        place.parent.mkdir(parents=True, exist_ok=True)
    (folder / "parts").mkdir()
    for part, path in official_files(folder / "parts", lists, vocoder_lists).items():
        path.rename(places[part])
    text = {name.removeprefix("tower."): value for name, value in seeded(ClipText, "clip").items()}
    with torch.device("meta"):
        picture = {f"visual.{n.removeprefix('tower.')}": v.shape for n, v in ClipImage().state_dict().items()}
    # SELVA sees no CLIP image features: that tower is there and takes no room, one zero stands for each entry.
    unseen = {name: torch.zeros(1).expand(shape) for name, shape in picture.items()}
    torch.save({**text, **unseen, "logit_scale": torch.zeros(())}, places["clip"])
    t5 = {name.removeprefix("model."): value for name, value in seeded(T5Encoder, "t5").items()}
    del t5["encoder.embed_tokens.weight"]  # the published file holds it once, as shared.weight
    save_file({**t5, "decoder.final_layer_norm.weight": torch.ones(768)}, places["t5"])
    write_tokenizer(places["t5_tokenizer"])
    (places["t5"].parent / "config.json").write_text("{}")
