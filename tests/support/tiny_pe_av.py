"""A tiny PE-AV in the layout of the published folder: config, weights and tokenizer, the weights from a seed."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from metrics.backbones import pe_av
from support.seeded_weights import fill

WIDTH = 24  # dimensions of the space
MARKS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
WORDS = (
    "dog",
    "barking",
    "church",
    "bell",
    "ringing",
    "playing",
    "beating",
    "gong",
    "croaking",
    "frog",
    "chirping",
    "bird",
)
# Files that the suite does not read, as the published folder has them: what transformers' own processor goes by.
VIDEO_SETTINGS: dict[str, Any] = {
    "do_sample_frames": True, "num_frames": 16, "size": {"height": 336, "width": 336}, "do_resize": True,
    "do_rescale": True, "do_normalize": True, "do_convert_rgb": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
}  # fmt: skip


def config() -> Any:
    """The published configuration's shape with small numbers."""
    from transformers import PeAudioVideoConfig

    layers = {"intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16}
    picture = {"embed_dim": 32, "depth": 1, "num_heads": 2, "attn_pool_num_heads": 2}
    return PeAudioVideoConfig(
        text_config={
            "model_type": "modernbert", "vocab_size": len(MARKS + WORDS), "hidden_size": WIDTH, "intermediate_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0,
            "cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2, "eos_token_id": 2,
        },
        audio_video_config={
            "hidden_size": 32,
            **layers,
            "audio_config": {
                "model_type": "pe_audio_encoder", "hidden_size": 32, **layers,
                "dac_config": {
                    "encoder_hidden_size": 4, "hidden_size": 64, "codebook_dim": 8, "n_codebooks": 2, "codebook_size": 8
                },
            },
            "video_config": {
                "model_type": "pe_video_encoder", "hidden_size": 32, **layers,
                "vision_config": {
                    "architecture": "vit_pe_core_large_patch14_336", "do_pooling": True, "num_classes": 20,
                    "global_pool": "map", "model_args": picture,
                },
            },
        },
    )  # fmt: skip


def official_network(seed: int = 1) -> Any:
    """Transformers' own model with seeded weights."""
    from transformers import PeAudioVideoModel

    return fill(PeAudioVideoModel(config()).eval(), seed=seed)


def write_folder(folder: Path, network: Any) -> Path:
    """Write what the published folder holds."""
    network.save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(MARKS + WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.enable_padding()
    tokenizer.save(str(folder / pe_av.TOKENIZER))
    return folder
