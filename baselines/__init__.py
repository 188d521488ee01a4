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
from foundation.moved import serve_moved

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
    target="baselines.recorded.generator:Recorded",
    kind="recorded",
    summary="audio files made elsewhere, matched by file name",
)

_SELVA_PARTS = ("selva-video-encoder", "selva-generator-small-16k")
_NAMED_SELVA: tuple[tuple[str, str, int, tuple[str, ...], tuple[str, ...]], ...] = (
    ("selva-s-16k", "small_16k", 5, (), ("D3: 5", "D4: SELVA", "D5: SELVA-S-16k")),
    *(
        (f"selva-s-16k-sup-{count}", "small_16k", count, ("video_encoder", "generator"), (f"D3: {count}",))
        for count in (0, 1, 3, 7)
    ),
    *(
        (f"selva-{size[0]}-44k", f"{size}_44k", 5, ("generator",), (f"D5: SELVA-{size[0].upper()}-44k",))
        for size in ("small", "medium", "large")
    ),
)
for _name, _variant, _tokens, _unpublished, _rows in _NAMED_SELVA:
    _rate = _variant.rpartition("_")[2]
    _own = _SELVA_PARTS[: 2 - len(_unpublished)]
    register_model(
        _name,
        target="baselines.selva.model:SELVA",
        options={"variant": _variant, **({} if _tokens == 5 else {"num_sup_tokens": _tokens})},
        checkpoints=(
            *_own,
            f"vae-{_rate}",
            f"bigvgan-{_rate}",
            "dfn5b-clip",
            "flan-t5",
            "flan-t5-config",
            "flan-t5-tokenizer",
        ),
        licence="not stated",
        code_licence="not stated",
        trained_on=("VGGSound",),
        source="https://github.com/jnwnlee/selva",
        revision="70a8589",
        summary="SELVA, the paper's model" if not _unpublished else f"SELVA {_variant}, {_tokens} [SUP] tokens",
        unpublished=_unpublished,
        rows=_rows,
    )
register_model("selva", target="baselines.selva.model:SELVA", alias_of="selva-s-16k")

_MMAUDIO_DATA = ("VGGSound", "AudioCaps", "WavCaps", "AudioSet", "Freesound")
_NAMED_MMAUDIO: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("mmaudio-s-16k", "small_16k", "", ("A1: MMAudio-S-16kHz",)),
    ("mmaudio-s-44k", "small_44k", "", ()),
    ("mmaudio-m-44k", "medium_44k", "", ()),
    ("mmaudio-l-44k-v2", "large_44k_v2", "", ()),
    ("mmaudio-s-16k-null-clip", "small_16k", "clip", ("A1: w/ null CLIP emb.", "D4: MMAudio-S-16k")),
    ("mmaudio-s-16k-null-sync", "small_16k", "sync", ("A1: w/ null Synchronformer emb.",)),
)
for _name, _variant, _null, _rows in _NAMED_MMAUDIO:
    _rate = "16k" if _variant.endswith("16k") else "44k"
    register_model(
        _name,
        target="baselines.mmaudio.model:MMAudio",
        options={"variant": _variant, **({f"null_{_null}": True} if _null else {})},
        checkpoints=(
            f"mmaudio-{_variant.replace('_', '-')}", f"vae-{_rate}", f"bigvgan-{_rate}", "dfn5b-clip", "synchformer",
        ),
        licence="CC BY-NC 4.0",
        code_licence="MIT",
        trained_on=_MMAUDIO_DATA,
        source="https://github.com/hkchengrex/MMAudio",
        revision="974010a",
        summary=(
            f"MMAudio without {'CLIP image' if _null == 'clip' else 'Synchformer'} features"
            if _null
            else "MMAudio; options null_clip, null_sync, sync_frames"
        ),
        rows=_rows,
    )  # fmt: skip

register_model(
    "rewas",
    target="baselines.programs.rewas:ReWaS",
    program="baselines.programs.rewas:PROGRAM",
    checkpoints=("rewas", "rewas-phi", "rewas-synchformer"),
    licence="Apache-2.0 (hub), CC BY-NC-SA 4.0 (repository)",
    code_licence="CC BY-NC-SA 4.0",
    trained_on=("VGGSound", "AudioSet", "AudioCaps", "Freesound", "BBC Sound Effects"),
    source="https://github.com/naver-ai/rewas",
    revision="4e09954",
    summary="ReWaS, by its own program in its own checkout",
    rows=("D4: ReWaS",),
)
for _name, _guidance, _where, _rows in (
    ("vintage", 2.5, "code", ("D4: VinTAGe",)),
    ("vintage-readme", 7.5, "README", ()),
):
    register_model(
        _name,
        target="baselines.programs.vintage:VinTAGe",
        program="baselines.programs.vintage:PROGRAM",
        options={"s_vis": _guidance, "s_txt": _guidance},
        checkpoints=("vintage",),
        licence="not stated",
        code_licence="not stated",
        trained_on=("VGGSound",),
        source="https://github.com/sakshamsingh1/vintage_aud_gen",
        revision="c3bc189",
        summary=f"VinTAGe, by its own program; guidance {_guidance} as in its {_where}",
        rows=_rows,
    )
register_model(
    "vos-mmaudio",
    target="baselines.programs.vos_mmaudio:VosMMAudio",
    program="baselines.programs.deva:PROGRAM",
    checkpoints=(
        "deva", "deva-grounding-dino-config", "deva-grounding-dino", "deva-sam",
        "mmaudio-small-16k", "vae-16k", "bigvgan-16k", "dfn5b-clip", "synchformer",
    ),
    licence="CC BY-NC-SA 4.0 (DEVA), Apache-2.0 (Grounding DINO, SAM), CC BY-NC 4.0 (MMAudio)",
    code_licence="CC BY-NC-SA 4.0 (DEVA), MIT (MMAudio)",
    trained_on=_MMAUDIO_DATA,
    source="https://github.com/hkchengrex/Tracking-Anything-with-DEVA",
    revision="404a112",
    summary="DEVA's program masks the video, MMAudio hears the rest; option segmenter",
)  # fmt: skip
register_model(
    "external",
    target="baselines.programs.json_lines:JsonLines",
    kind="external",
    summary="a program of yours that speaks JSON Lines: --option command=...",
)
register_model(
    "http",
    target="baselines.programs.http_endpoint:HttpEndpoint",
    kind="external",
    summary="a service of yours: --endpoint URL",
)

serve_moved(
    __name__,
    {
        "deva": "baselines.programs.deva",
        "external": "baselines.programs.program",
        "external_process": "baselines.programs.process",
        "gsam2": "baselines.programs.gsam2",
        "http_endpoint": "baselines.programs.http_endpoint",
        "json_lines": "baselines.programs.json_lines",
        "models_toml": "baselines.programs.settings",
        "recorded_files": "baselines.recorded.files",
        "rewas": "baselines.programs.rewas",
        "vintage": "baselines.programs.vintage",
        "vos_mmaudio": "baselines.programs.vos_mmaudio",
    },
)
