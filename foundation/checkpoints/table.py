"""The table of official weight files: origin, size, hash and licence of each.

Sizes and hashes are those that the publishers state, or that several public repositories repeat. Where no
hash is published it is None, and the file is used only with `allow_unverified`, which marks the run.
"""

from dataclasses import dataclass

from foundation.names import joined, nearest

PAPER_PROFILE = ("panns", "clap", "imagebind", "synchformer", "roberta-vocab", "roberta-merges")
OPEN_PROFILE = ("panns", "pe-av", "pe-av-config", "pe-av-tokenizer", "synchformer")
EXTENDED_METRICS = ("vggish", "passt", "audiobox")

_MMAUDIO = "https://huggingface.co/hkchengrex/MMAudio/resolve/main/weights/"
_MMAUDIO_RELEASE = "https://github.com/hkchengrex/MMAudio/releases/download/v0.1/"
_SELVA = "https://huggingface.co/jnwnlee/SelVA/resolve/main/weights/"
_FLAN_T5 = "https://huggingface.co/google/flan-t5-base/resolve/main/"
_BIGVGAN = "https://huggingface.co/nvidia/bigvgan_v2_44khz_128band_512x/resolve/main/"
_ROBERTA = "https://huggingface.co/FacebookAI/roberta-base/resolve/main/"
_PE_AV = "https://huggingface.co/facebook/pe-av-small-16-frame/resolve/main/"
_REWAS = "https://huggingface.co/lee-j/ReWaS/resolve/main/"
_DEVA = "https://github.com/hkchengrex/Tracking-Anything-with-DEVA/releases/download/v1.0/"
_DINO = "https://github.com/IDEA-Research/GroundingDINO/releases/download/v0.1.0-alpha/"
_SAM = "https://dl.fbaipublicfiles.com/segment_anything/"
_BY_NC = "CC BY-NC 4.0"


@dataclass(frozen=True)
class Checkpoint:
    """One official file. `filename` is relative to the weights folder."""

    name: str
    filename: str
    url: str
    licence: str
    size_bytes: int | None  # None: not stated
    md5: str | None = None
    sha256: str | None = None
    note: str = ""
    size_is_exact: bool = False  # otherwise as the documentation rounds it

    @property
    def verifiable(self) -> bool:
        """Whether a hash is published."""
        return bool(self.md5 or self.sha256)


def _table(*rows: Checkpoint) -> dict[str, Checkpoint]:
    table = {row.name: row for row in rows}
    if len(table) != len(rows) or len({row.filename for row in rows}) != len(rows):
        raise ValueError("two checkpoints share a name or a filename")
    return table


CHECKPOINTS: dict[str, Checkpoint] = _table(
    # Metrics, profile paper
    Checkpoint(
        "panns", "Cnn14_16k_mAP=0.438.pth", "https://zenodo.org/records/3987831/files/Cnn14_16k_mAP%3D0.438.pth",
        "CC BY 4.0", 324_000_000, md5="362fc5ff18f1d6ad2f6d464b45893f2c",
        note="PANNs Cnn14 at 16 kHz: FAD, KAD, IS, KL, selectivity",
    ),
    Checkpoint(
        "clap", "music_speech_audioset_epoch_15_esc_89.98.pt",
        "https://huggingface.co/lukewys/laion_clap/resolve/main/music_speech_audioset_epoch_15_esc_89.98.pt",
        "CC0 (package); see the model page for the weights", 2_352_471_003, size_is_exact=True,
        sha256="51c68f12f9d7ea25fdaaccf741ec7f81e93ee594455410f3bca4f47f88d8e006",
        note="LAION-CLAP HTSAT-base: CLAP, selectivity",
    ),
    Checkpoint(
        "imagebind", "imagebind_huge.pth", "https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth",
        "CC BY-NC-SA 4.0", 4_803_584_173, size_is_exact=True,
        sha256="d6f6c22bedcc90708448d5d2fbb7b2db9c73f505dc89bd0b2e09b23af1b62157", note="ImageBind-huge: IB",
    ),
    Checkpoint(
        "synchformer", "synchformer_state_dict.pth", _MMAUDIO_RELEASE + "synchformer_state_dict.pth", "MIT",
        950_000_000, md5="5b2f5594b0730f70e41e549b7c94390c", note="Synchformer: DeSync, and MMAudio's video stream",
    ),
    Checkpoint(
        "roberta-vocab", "roberta-base/vocab.json", _ROBERTA + "vocab.json", "MIT", 899_000,
        note="CLAP's tokenizer; recognised by what it does to a known sentence",
    ),
    Checkpoint(
        "roberta-merges", "roberta-base/merges.txt", _ROBERTA + "merges.txt", "MIT", 456_318, size_is_exact=True,
        note="CLAP's tokenizer; recognised by what it does to a known sentence",
    ),
    Checkpoint(
        "panns-32k", "Cnn14_mAP=0.431.pth", "https://zenodo.org/records/3576403/files/Cnn14_mAP%3D0.431.pth",
        "CC BY 4.0", 327_000_000, md5="541141fa2ee191a88f24a3219fff024e", note="kadtk's panns-cnn14-32k",
    ),
    Checkpoint(
        "panns-wavegram", "Wavegram_Logmel_Cnn14_mAP=0.439.pth",
        "https://zenodo.org/records/3987831/files/Wavegram_Logmel_Cnn14_mAP%3D0.439.pth",
        "CC BY 4.0", None, md5="17fa9ab65af3c0eb5ffbc5f65552c4e1", note="kadtk's panns-wavegram-logmel",
    ),
    # Metrics, profile open, beside panns and synchformer
    Checkpoint(
        "pe-av", "pe-av-small-16-frame/model.safetensors", _PE_AV + "model.safetensors", "Apache-2.0", None,
        note="PE-AV small of 16 frames: CLAP, IB, selectivity of profile open",
    ),
    Checkpoint(
        "pe-av-config", "pe-av-small-16-frame/config.json", _PE_AV + "config.json", "Apache-2.0", None,
        note="how PE-AV is built",
    ),
    Checkpoint(
        "pe-av-tokenizer", "pe-av-small-16-frame/tokenizer.json", _PE_AV + "tokenizer.json", "Apache-2.0", None,
        note="what cuts PE-AV's texts",
    ),
    # Metrics, profiles paper and open with --extended
    Checkpoint(
        "vggish", "vggish-10086976.pth",
        "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth", "Apache-2.0",
        289_000_000, sha256="10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
        note="VGGish: FD-VGG",
    ),
    Checkpoint(
        "passt", "passt-s-f128-p16-s10-ap.476-swa.pt",
        "https://github.com/kkoutini/PaSST/releases/download/v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
        "Apache-2.0", 344_665_734, size_is_exact=True,
        sha256="302903fa8c4aee817b11dc982da0b29aaf8d11a3e722420476d0a12c9db70c2c",
        note="PaSST: FD-PaSST, IS-PaSST, KL-PaSST",
    ),
    Checkpoint(
        "audiobox", "audiobox-aesthetics/checkpoint.pt",
        "https://dl.fbaipublicfiles.com/audiobox-aesthetics/checkpoint.pt", "CC BY 4.0", 416_000_000,
        note="Audiobox Aesthetics: PQ, PC, CE, CU",
    ),
    # SELVA
    Checkpoint(
        "selva-video-encoder", "video_enc_sup_5.pth", _SELVA + "video_enc_sup_5.pth", "not stated", 539_000_000,
        md5="ff09a6dc36148536ee4db97eba081d05", note="SELVA, 5 [SUP] tokens",
    ),
    Checkpoint(
        "selva-generator-small-16k", "generator_small_16k_sup_5.pth", _SELVA + "generator_small_16k_sup_5.pth",
        f"not stated (derived from {_BY_NC} weights)", 629_000_000, md5="1cb0f0deec52de37f67b1fd9965337d0",
        note="SELVA, 5 [SUP] tokens",
    ),
    # MMAudio
    Checkpoint(
        "mmaudio-small-16k", "mmaudio_small_16k.pth", _MMAUDIO + "mmaudio_small_16k.pth", _BY_NC, 629_000_000,
        md5="af93cde404179f58e3919ac085b8033b",
    ),
    Checkpoint(
        "mmaudio-small-44k", "mmaudio_small_44k.pth", _MMAUDIO + "mmaudio_small_44k.pth", _BY_NC, 630_000_000,
        md5="babd74c884783d13701ea2820a5f5b6d",
    ),
    Checkpoint(
        "mmaudio-medium-44k", "mmaudio_medium_44k.pth", _MMAUDIO + "mmaudio_medium_44k.pth", _BY_NC, 2_487_000_000,
        md5="5a56b6665e45a1e65ada534defa903d0",
    ),
    Checkpoint(
        "mmaudio-large-44k", "mmaudio_large_44k.pth", _MMAUDIO + "mmaudio_large_44k.pth", _BY_NC, 4_120_000_000,
        md5="fed96c325a6785b85ce75ae1aafd2673",
    ),
    Checkpoint(
        "mmaudio-large-44k-v2", "mmaudio_large_44k_v2.pth", _MMAUDIO + "mmaudio_large_44k_v2.pth", _BY_NC,
        4_122_000_000, md5="01ad4464f049b2d7efdaa4c1a59b8dfe",
    ),
    Checkpoint(
        "vae-16k", "v1-16.pth", _MMAUDIO_RELEASE + "v1-16.pth", _BY_NC, 687_000_000,
        md5="69f56803f59a549a1a507c93859fd4d7", note="SELVA and MMAudio at 16 kHz",
    ),
    Checkpoint(
        "vae-44k", "v1-44.pth", _MMAUDIO_RELEASE + "v1-44.pth", _BY_NC, 1_222_000_000,
        md5="fab020275fa44c6589820ce025191600", note="SELVA and MMAudio at 44.1 kHz",
    ),
    Checkpoint(
        "bigvgan-16k", "best_netG.pt", _MMAUDIO_RELEASE + "best_netG.pt", "from Make-An-Audio 2", 449_000_000,
        md5="eeaf372a38a9c31c362120aba2dde292", note="vocoder of SELVA and MMAudio at 16 kHz",
    ),
    Checkpoint(
        "bigvgan-44k", "bigvgan_v2_44khz_128band_512x/bigvgan_generator.pt", _BIGVGAN + "bigvgan_generator.pt", "MIT",
        489_000_000, note="vocoder of SELVA and MMAudio at 44.1 kHz",
    ),
    Checkpoint(
        "bigvgan-44k-config", "bigvgan_v2_44khz_128band_512x/config.json", _BIGVGAN + "config.json", "MIT", None
    ),
    Checkpoint(
        "dfn5b-clip", "DFN5B-CLIP-ViT-H-14-384/open_clip_pytorch_model.bin",
        "https://huggingface.co/apple/DFN5B-CLIP-ViT-H-14-384/resolve/main/open_clip_pytorch_model.bin",
        "Apple licence", 3_900_000_000, note="text and image features of SELVA and MMAudio",
    ),
    Checkpoint(
        "flan-t5", "flan-t5-base/model.safetensors", _FLAN_T5 + "model.safetensors", "Apache-2.0", 990_000_000,
        note="prompt features of SELVA",
    ),
    Checkpoint("flan-t5-config", "flan-t5-base/config.json", _FLAN_T5 + "config.json", "Apache-2.0", None),
    Checkpoint("flan-t5-tokenizer", "flan-t5-base/tokenizer.json", _FLAN_T5 + "tokenizer.json", "Apache-2.0", None),
    # Models in their own checkouts
    Checkpoint(
        "rewas", "rewas/audioldm_m_rewas_vggsound.ckpt", _REWAS + "audioldm_m_rewas_vggsound.ckpt",
        "Apache-2.0 (hub), CC BY-NC-SA 4.0 (repository)", 7_630_000_000,
    ),
    Checkpoint(
        "rewas-phi", "rewas/phi_vggsound.ckpt", _REWAS + "phi_vggsound.ckpt",
        "Apache-2.0 (hub), CC BY-NC-SA 4.0 (repository)", 87_900_000,
    ),
    Checkpoint(
        "rewas-synchformer", "rewas/24-01-04T16-39-21.pt",
        "https://a3s.fi/swift/v1/AUTH_a235c0f452d648828f745589cde1219a/sync/sync_models/24-01-04T16-39-21/"
        "24-01-04T16-39-21.pt", "MIT", None, note="its MD5 starts with 54037d2",
    ),
    Checkpoint(
        "vintage", "vintage/VTComb_0300000.pt",
        "https://huggingface.co/datasets/sakshamsingh1/vintage/resolve/main/VTComb_0300000.pt", "not stated", None,
    ),
    Checkpoint("deva", "deva/DEVA-propagation.pth", _DEVA + "DEVA-propagation.pth", "CC BY-NC-SA 4.0", None),
    Checkpoint(
        "deva-grounding-dino-config", "deva/GroundingDINO_SwinT_OGC.py", _DEVA + "GroundingDINO_SwinT_OGC.py",
        "Apache-2.0", None,
    ),
    Checkpoint(
        "deva-grounding-dino", "deva/groundingdino_swint_ogc.pth", _DINO + "groundingdino_swint_ogc.pth", "Apache-2.0",
        None,
    ),
    Checkpoint("deva-sam", "deva/sam_vit_h_4b8939.pth", _SAM + "sam_vit_h_4b8939.pth", "Apache-2.0", None),
)  # fmt: skip


def get(name: str) -> Checkpoint:
    """Return the row of the table.

    Raises:
        ValueError: no such checkpoint; says which names are close.
    """
    if name not in CHECKPOINTS:
        close = nearest(name, CHECKPOINTS)
        way_out = f"did you mean {joined(close)}?" if close else "`python -m benchmark weights` lists all"
        raise ValueError(f"unknown checkpoint {name!r}; {way_out}")
    return CHECKPOINTS[name]
