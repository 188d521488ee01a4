"""The networks that turn decoded media into features.

`BACKBONES` lists them by strings, so listing imports no torch; `load_backbone` imports, builds and fills one.

Example:
    >>> from metrics.backbones import BACKBONES
    >>> BACKBONES["panns"].checkpoint
    'panns'
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation import extras
from foundation.names import load

if TYPE_CHECKING:
    import torch

__all__ = ["BACKBONES", "Backbone", "get_backbone", "load_backbone", "require_packages"]


@dataclass(frozen=True)
class Backbone:
    """One network: where it is written, which weights fill it, how its files are laid out."""

    name: str
    target: str  # "module:Class"
    checkpoint: str | None  # in foundation.checkpoints; None: needs no weights
    preprocessing: int  # moves when a front end gives other tensors for the same file
    outputs: tuple[str, ...]  # features it makes, by name
    nested_under: str | None = None  # key of the file under which the entries lie
    prefix: str = ""  # leads every entry of the file and is dropped
    kept_parts: tuple[str, ...] = ()  # keep only entries whose second part is one of these
    dropped: tuple[str, ...] = ()  # entries of the file that the network does not have
    built_empty: bool = True  # every tensor is an entry, so it can be built without memory and then filled
    described: bool = False  # the file says how the network is built: its class has `described_by`
    loader: str | None = None  # "module:function" from `config` and `checkpoint`, where one file is not the whole
    config: str | None = None  # in foundation.checkpoints: the file that says how the network is built
    tokenizer: str | None = None  # likewise: what cuts its texts
    packages: tuple[str, ...] = ()  # beside the core's, which it is imported or run with
    extra: str = "paper"  # that brings them
    mark: str = ""  # "module:function" of what the content key says where one of several implementations computes

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all checkpoints that decide what it computes, the weights first."""
        return tuple(name for name in (self.checkpoint, self.config, self.tokenizer) if name)

    @property
    def version(self) -> str:
        """What leads its content key: of the front end, and of the implementation where it is another than usual."""
        return f"v{self.preprocessing}{load(self.mark)() if self.mark else ''}"


BACKBONES: dict[str, Backbone] = {
    row.name: row
    for row in (
        Backbone(
            "panns",
            target="metrics.backbones.panns:Panns",
            packages=("panns_inference", "torchlibrosa"),
            checkpoint="panns",
            preprocessing=1,
            outputs=("embedding", "logits"),
            nested_under="model",
            built_empty=False,
        ),
        Backbone(
            "clap",
            target="metrics.backbones.clap:Clap",
            packages=("transformers",),
            mark="metrics.backbones.clap:key_mark",
            checkpoint="clap",
            preprocessing=1,
            outputs=("audio", "text"),
            nested_under="state_dict",
            prefix="module.",
            dropped=("text_branch.embeddings.position_ids",),
            built_empty=False,
        ),
        Backbone(
            "imagebind",
            target="metrics.backbones.imagebind:ImageBind",
            packages=("torchaudio", "torchvision"),
            checkpoint="imagebind",
            preprocessing=1,
            outputs=("video", "audio"),
            kept_parts=("vision", "audio"),
        ),
        Backbone(
            "synchformer",
            target="metrics.backbones.synchformer:Synchformer",
            packages=("torchaudio", "torchvision"),
            checkpoint="synchformer",
            preprocessing=1,
            outputs=("video", "audio", "offset_logits"),
        ),
        Backbone(
            "vggish",
            target="metrics.backbones.vggish:VGGish",
            checkpoint="vggish",
            preprocessing=1,
            outputs=("embedding",),
        ),
        Backbone(
            "passt",
            target="metrics.backbones.passt:Passt",
            packages=("hear21passt", "torchaudio"),
            extra="extended",
            checkpoint="passt",
            preprocessing=1,
            outputs=("embedding", "logits"),
            built_empty=False,
        ),
        Backbone(
            "audiobox",
            target="metrics.backbones.audiobox:Audiobox",
            packages=("audiobox_aesthetics",),
            extra="extended",
            checkpoint="audiobox",
            preprocessing=1,
            outputs=("ratings",),
            nested_under="state_dict",
            prefix="model.",
            built_empty=False,
            described=True,
        ),
        Backbone(
            "pe_av",
            target="metrics.backbones.pe_av:PeAv",
            packages=("transformers", "tokenizers", "timm", "torchvision"),
            extra="open",
            checkpoint="pe-av",
            preprocessing=1,
            outputs=("audio", "video", "text"),
            loader="metrics.backbones.pe_av:load_pe_av",
            config="pe-av-config",
            tokenizer="pe-av-tokenizer",
        ),
        Backbone(
            "signal",
            target="metrics.backbones.signal:Signal",
            checkpoint=None,
            preprocessing=1,
            outputs=("embedding", "logits", "offset_logits"),
        ),
    )
}


def get_backbone(name: str) -> Backbone:
    """Return the row of the table.

    Raises:
        ValueError: no such backbone; says which names are close.
    """
    if name not in BACKBONES:
        close = difflib.get_close_matches(name, BACKBONES, n=3) or list(BACKBONES)
        raise ValueError(f"unknown backbone {name!r}; did you mean {', '.join(close)}?")
    return BACKBONES[name]


def require_packages(name: str) -> None:
    """See that the packages of a backbone are there, before its weights are looked for.

    Raises:
        foundation.extras.MissingPackage: one is not installed or cannot be loaded; says how to get it.
    """
    row = get_backbone(name)
    extras.require(row.packages, row.extra, needed_by=name)


def load_backbone(
    name: str,
    *,
    checkpoint: Path | str | None = None,
    state_dict: Mapping[str, Any] | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    allow_unverified: bool = False,
) -> Any:
    """Return a network with its weights, ready to run: in eval mode, without gradients.

    Args:
        name: "vggish", or "panns", "clap", "imagebind" and "synchformer" (of the extra `paper`), "pe_av" (`open`),
            "passt" and "audiobox" (`extended`), or "signal", which needs no weights.
        checkpoint: the official file; default: the one of the weights folder. Its hash is verified. Where another file
            says how the network is built ("pe_av"), that one is looked for beside it.
        state_dict: entries in place of a file, flat or laid out as in the official file. Taken as they are.
        device: where it runs.
        dtype: of the weights; default float32, in which features equal the references, and which is all that "pe_av"
            has. Spectrograms stay float32, and features come back as float32.
        allow_unverified: also take a file whose hash is another one; whoever asks must mark the run.

    Raises:
        foundation.extras.MissingPackage: a package that it needs is not there.
        ValueError: unknown name, both `checkpoint` and `state_dict`, weights for a backbone without any, or a
            `state_dict` or `dtype` for one that has no choice of it.
        MissingCheckpoint: no such file.
        WrongCheckpoint: not the published file, or entries that do not fit; names the first one.
    """
    row = get_backbone(name)
    if checkpoint is not None and state_dict is not None:
        raise ValueError(f"{name}: give a checkpoint or a state_dict, not both")
    if row.checkpoint is None:
        if checkpoint is not None or state_dict is not None:
            raise ValueError(f"{name} has no weights; give neither a checkpoint nor a state_dict")
        return _class_of(row)()
    require_packages(name)
    if row.loader:
        if state_dict is not None or dtype is not None:
            raise ValueError(f"{name} is read from its files, in float32; give neither a state_dict nor a dtype")
        return _of_several_files(row, checkpoint, device, allow_unverified)
    source = "the state_dict given"
    if state_dict is None:
        path = _verified_path(row, checkpoint, allow_unverified)
        source = str(path)
        from foundation.checkpoints import open_state_dict

        state_dict = open_state_dict(path)
    return _filled(row, state_dict, source, device, dtype)


def official_entries(row: Backbone, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a file under the names that the network has: unwrapped, stripped and sorted out."""
    entries = content.get(row.nested_under, content) if row.nested_under else content
    renamed = {name.removeprefix(row.prefix): value for name, value in entries.items()}
    if row.kept_parts:
        renamed = {
            name: value for name, value in renamed.items() if name.split(".")[1:2] in [[p] for p in row.kept_parts]
        }
    return {name: value for name, value in renamed.items() if name not in row.dropped}


def _of_several_files(
    row: Backbone, checkpoint: Path | str | None, device: str | torch.device, allow_unverified: bool
) -> Any:
    """Return the network that its loader makes of the verified files."""
    from foundation import checkpoints

    if row.loader is None or row.config is None:
        raise ValueError(f"{row.name} is read from one file")
    weights = _verified_path(row, checkpoint, allow_unverified)
    beside = weights.with_name(Path(checkpoints.get(row.config).filename).name)
    config = checkpoints.verify(row.config, beside, allow_unverified=allow_unverified).path
    return load(row.loader)(config, weights, device=device)


def _verified_path(row: Backbone, checkpoint: Path | str | None, allow_unverified: bool) -> Path:
    from foundation import checkpoints

    if row.checkpoint is None:
        raise ValueError(f"{row.name} has no weights")
    if checkpoint is None:
        return checkpoints.locate(row.checkpoint, needed_by=row.name, allow_unverified=allow_unverified)
    return checkpoints.verify(row.checkpoint, Path(checkpoint), allow_unverified=allow_unverified).path


def _class_of(row: Backbone) -> Any:
    module, _, name = row.target.partition(":")
    return getattr(import_module(module), name)


def _filled(
    row: Backbone, content: Mapping[str, Any], source: str, device: str | torch.device, dtype: torch.dtype | None
) -> Any:
    """Build the network and give it the entries of a file's content."""
    import torch

    network_class, entries = _class_of(row), official_entries(row, content)
    with torch.device("meta" if row.built_empty else "cpu"):
        network = _described(network_class, row, content, source) if row.described else network_class()
    _compare(row, network.state_dict(), entries, source)
    network.load_state_dict(entries, strict=True, assign=row.built_empty)
    network.requires_grad_(False).eval()
    return _to_dtype(network, dtype or torch.float32).to(device)


def _described(network_class: Any, row: Backbone, content: Mapping[str, Any], source: str) -> Any:
    from foundation.checkpoints import WrongCheckpoint

    try:
        return network_class.described_by(content)
    except ValueError as error:
        raise WrongCheckpoint(f"{source} holds no weights of {row.name}: {error}") from error


def _compare(row: Backbone, own: Mapping[str, Any], given: Mapping[str, Any], source: str) -> None:
    """Refuse entries that are not those of the network, by the first difference in the network's order."""
    from foundation.checkpoints import WrongCheckpoint

    for name, tensor in own.items():
        if name not in given:
            found = f"lacks {name} (it has {len(given)} of {len(own)} entries, such as {next(iter(given), 'none')})"
        elif tuple(given[name].shape) != tuple(tensor.shape):
            found = f"has {name} of shape {tuple(given[name].shape)}, expected {tuple(tensor.shape)}"
        else:
            continue
        raise WrongCheckpoint(f"{source} holds no weights of {row.name}: it {found}")
    unknown = [name for name in given if name not in own]
    if unknown:
        raise WrongCheckpoint(
            f"{source} holds no weights of {row.name}: it has {unknown[0]}, which the network has not"
        )


def _to_dtype(network: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """Cast the weights, but for the matrices that make spectrograms: eight bits of mantissa ruin them."""
    import torch

    spectrograms = {"spectrogram_extractor", "logmel_extractor"}
    for name, module in network.named_modules():
        kept = not spectrograms.isdisjoint(name.split("."))
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if tensor.is_floating_point():
                tensor.data = tensor.data.to(torch.float32 if kept else dtype)
    return network
