"""The first stage: the text-conditioned video encoder learns from Synchformer.

The student sees two clips side by side and the text of one; the teacher, Synchformer's video branch as published, sees
that one alone. The student starts as the teacher: a cross-attention block that changes nothing yet stands before the
pooling. It, the pooling and the projection of the text are trained, the trunk is not.

Source:
    SELVA (arXiv:2512.02650, section 3 and appendix A.3), whose count of trained parameters fits exactly; the start as
    left-over code of jnwnlee/selva @ 70a8589 has it. The form of the loss is published nowhere: mean squared error is
    this project's reading, mean absolute error another one.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from baselines.selva.training.recipe import EncoderLoss
from baselines.selva.video_encoder import TRAINED_PREFIXES, TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor

# With these at zero the cross-attention block hands its tokens on as they are.
_GATES = ("norm1.weight", "ffn.w2.weight")


def trainable_parameters(network: TextVideoEncoder) -> list[str]:
    """Return the names of what this stage trains: with 5 [SUP] tokens, 34 parameters of 19,485,824 values."""
    return [name for name, _ in network.named_parameters() if name.startswith(TRAINED_PREFIXES)]


def feature_loss(
    network: TextVideoEncoder,
    frames: Tensor,
    text: Tensor,
    mask: Tensor,
    teacher: Tensor,
    *,
    loss: EncoderLoss = "mean squared error",
) -> Tensor:
    """Return how far the student's features are from the teacher's, per sample: (b,), differentiable.

    Args:
        network: the student. Its trunk is frozen, so no gradient is kept for it.
        frames: float (b, t, 3, 224, 224) in [-1, 1] at 25 fps: the mixed clips.
        text: float (b, l, 768), states of Flan-T5, without [SUP] tokens.
        mask: bool (b, l), True for real tokens.
        teacher: float (b, 8 * segments, 768), `teacher_features` of the clips before they were mixed.
        loss: the distance, over all features of a sample.

    Raises:
        ValueError: an input is of another shape.
    """
    with torch.no_grad():
        trunk = network.trunk(frames)
    student = network.condition(trunk, text, mask).float()
    if teacher.shape != student.shape:
        raise ValueError(f"teacher: expected shape {tuple(student.shape)}, got {tuple(teacher.shape)}")
    missed = student - teacher
    return (missed.abs() if loss == "mean absolute error" else missed.square()).mean(dim=(1, 2))


@torch.no_grad()
def teacher_features(extractor: VideoExtractor, frames: Tensor) -> Tensor:
    """Return what Synchformer sees in clips: float32 (b, 8 * segments, 768), without gradient.

    Args:
        extractor: the video branch as published.
        frames: float (b, t, 3, 224, 224) in [-1, 1] at 25 fps: the clips before they are mixed.
    """
    return extractor(frames).flatten(1, 2).float()


def starting_network(
    num_sup_tokens: int, synchformer: Mapping[str, Tensor], empty_text: Tensor, generator: torch.Generator
) -> TextVideoEncoder:
    """Return the encoder before its first step: Synchformer, and a text that changes nothing yet.

    Linear layers of the text's way are Xavier-uniform with biases 0, norms 1, [SUP] tokens 0; the two gates of the
    cross-attention block are 0, so the features are Synchformer's of the same frames. At this point only pooling and
    gates have a gradient.

    Args:
        num_sup_tokens: learned supplementary tokens in front of the text.
        synchformer: entries of the video branch, as `VideoExtractor` names them; copied.
        empty_text: float (1, 768), Flan-T5's state of the empty prompt, which the published file carries, too.
        generator: of the linear layers.

    Raises:
        ValueError: an entry of the video branch is missing, unknown or of another shape, or `empty_text` is.
    """
    with torch.device("meta"):
        network = TextVideoEncoder(num_sup_tokens)
    state = {f"vfeat_extractor.{name}": value for name, value in synchformer.items()} | {
        "empty_string_feat": empty_text
    }
    state = {name: value.detach().to("cpu", torch.float32, copy=True) for name, value in state.items()}
    for name, like in network.state_dict().items():
        if not name.startswith("vfeat_extractor.") and name != "empty_string_feat":
            state[name] = _initial(name, like.shape, generator)
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the start of the encoder: {error}") from error
    return network


def _initial(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Return an entry of the text's way before training."""
    if name.endswith((".bias", *_GATES)) or name == "sup_text_feat":
        return torch.zeros(shape)
    if len(shape) == 1:
        return torch.ones(shape)  # the scale of a norm
    return nn.init.xavier_uniform_(torch.empty(shape), generator=generator)
