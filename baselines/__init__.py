"""Every model under test, behind one protocol: `Request` in, waveform out.

The table of names below is all that listing needs; a model's module is imported when the model is loaded.
"""

from baselines.generator import (
    GenerationError,
    Generator,
    ModelEntry,
    Reference,
    Request,
    UnknownModel,
    Waveform,
    get_model,
    list_models,
    load_model,
    option_names,
    register_model,
)

__all__ = [
    "GenerationError",
    "Generator",
    "ModelEntry",
    "Reference",
    "Request",
    "UnknownModel",
    "Waveform",
    "get_model",
    "list_models",
    "load_model",
    "option_names",
    "register_model",
]

CONTROLS = ("oracle", "mixture", "distractor", "shuffled", "noise", "silence")
PAIRED_CONTROLS = ("mixture", "distractor")  # need something beside the target, which single clips have not

register_model("oracle", target="baselines.controls:Oracle", kind="control", summary="the target's own sound")
register_model("mixture", target="baselines.controls:Mixture", kind="control", summary="both sounds, as in the scene")
register_model("distractor", target="baselines.controls:Distractor", kind="control", summary="the paired sound alone")
register_model("shuffled", target="baselines.controls:Shuffled", kind="control", summary="another sample's target")
register_model("noise", target="baselines.controls:Noise", kind="control", summary="pink noise, as loud as the target")
register_model("silence", target="baselines.controls:Silence", kind="control", summary="zeros")
register_model(
    "recorded",
    target="baselines.recorded:Recorded",
    kind="recorded",
    summary="audio files made elsewhere, matched by file name",
)

for _name, _variant, _files in (
    ("selva-s-16k", "small_16k", ("selva-video-encoder", "selva-generator-small-16k")),
    ("selva-s-44k", "small_44k", ()),
    ("selva-m-44k", "medium_44k", ()),
    ("selva-l-44k", "large_44k", ()),
):
    _rate = _variant.rpartition("_")[2]
    register_model(
        _name,
        target="baselines.selva.model:SELVA",
        options={"variant": _variant},
        checkpoints=(
            *_files, f"vae-{_rate}", f"bigvgan-{_rate}", "dfn5b-clip", "flan-t5", "flan-t5-config", "flan-t5-tokenizer",
        ),
        licence="not stated",
        trained_on=("VGGSound",),
        source="https://github.com/jnwnlee/selva",
        revision="70a8589",
        summary="SELVA, the paper's model" if _files else "SELVA scaled up (Table D5); its weights: --checkpoint",
    )  # fmt: skip
register_model("selva", target="baselines.selva.model:SELVA", alias_of="selva-s-16k")

for _name, _variant in (
    ("mmaudio-s-16k", "small_16k"),
    ("mmaudio-s-44k", "small_44k"),
    ("mmaudio-m-44k", "medium_44k"),
    ("mmaudio-l-44k-v2", "large_44k_v2"),
):
    _rate = "16k" if _variant.endswith("16k") else "44k"
    register_model(
        _name,
        target="baselines.mmaudio.model:MMAudio",
        options={"variant": _variant},
        checkpoints=(
            f"mmaudio-{_variant.replace('_', '-')}", f"vae-{_rate}", f"bigvgan-{_rate}", "dfn5b-clip", "synchformer",
        ),
        licence="CC BY-NC 4.0",
        trained_on=("VGGSound", "AudioCaps", "WavCaps", "AudioSet", "Freesound"),
        source="https://github.com/hkchengrex/MMAudio",
        revision="974010a",
        summary="MMAudio; options null_clip, null_sync, sync_frames",
    )  # fmt: skip

_MMAUDIO_FILES = ("mmaudio-small-16k", "vae-16k", "bigvgan-16k", "dfn5b-clip", "synchformer")
_MMAUDIO_DATA = ("VGGSound", "AudioCaps", "WavCaps", "AudioSet", "Freesound")
for _part, _seen in (("clip", "CLIP image"), ("sync", "Synchformer")):
    register_model(
        f"mmaudio-s-16k-null-{_part}",
        target="baselines.mmaudio.model:MMAudio",
        options={"variant": "small_16k", f"null_{_part}": True},
        checkpoints=_MMAUDIO_FILES,
        licence="CC BY-NC 4.0",
        trained_on=_MMAUDIO_DATA,
        source="https://github.com/hkchengrex/MMAudio",
        revision="974010a",
        summary=f"MMAudio without {_seen} features (Table A1)",
    )

register_model(
    "rewas",
    target="baselines.rewas:ReWaS",
    checkpoints=("rewas", "rewas-phi", "rewas-synchformer"),
    licence="Apache-2.0 (hub), CC BY-NC-SA 4.0 (repository)",
    trained_on=("VGGSound", "AudioSet", "AudioCaps", "Freesound", "BBC Sound Effects"),
    source="https://github.com/naver-ai/rewas",
    revision="4e09954",
    summary="ReWaS, by its own program in its own checkout",
)
for _name, _guidance, _where in (("vintage", 2.5, "code"), ("vintage-readme", 7.5, "README")):
    register_model(
        _name,
        target="baselines.vintage:VinTAGe",
        options={"s_vis": _guidance, "s_txt": _guidance},
        checkpoints=("vintage",),
        licence="not stated",
        trained_on=("VGGSound",),
        source="https://github.com/sakshamsingh1/vintage_aud_gen",
        revision="c3bc189",
        summary=f"VinTAGe, by its own program; guidance {_guidance} as in its {_where}",
    )
register_model(
    "vos-mmaudio",
    target="baselines.vos_mmaudio:VosMMAudio",
    checkpoints=("deva", "deva-grounding-dino-config", "deva-grounding-dino", "deva-sam", *_MMAUDIO_FILES),
    licence="CC BY-NC-SA 4.0 (DEVA), CC BY-NC 4.0 (MMAudio)",
    trained_on=_MMAUDIO_DATA,
    source="https://github.com/hkchengrex/Tracking-Anything-with-DEVA",
    revision="404a112",
    summary="DEVA's program masks the video, MMAudio hears the rest; option segmenter",
)
register_model(
    "external",
    target="baselines.json_lines:JsonLines",
    kind="external",
    summary="a program of yours that speaks JSON Lines: --option command=...",
)
register_model(
    "http",
    target="baselines.http_endpoint:HttpEndpoint",
    kind="external",
    summary="a service of yours: --option endpoint=URL",
)
