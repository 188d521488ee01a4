"""The models that come with the suite: one row per name. Importing it imports no model.

A new model is its module, a row here, and its test. A model of your own needs no row: see docs/models.md.
"""

from __future__ import annotations

from typing import TypedDict

from baselines.recipes import register_built_in
from baselines.registry import register_model

CONTROLS = ("oracle", "mixture", "distractor", "shuffled", "noise", "silence")
PAIRED_CONTROLS = ("mixture", "distractor")  # need a second sound in the scene, which single clips do not have
TARGET_CONTROLS = ("oracle", "mixture", "shuffled", "noise")  # need the sound asked for, which not every benchmark has


class _Origin(TypedDict):
    """What the rows of one original have in common."""

    target: str
    licence: str
    code_licence: str
    trained_on: tuple[str, ...]
    source: str
    revision: str


_MMAUDIO_DATA = ("VGGSound", "AudioCaps", "WavCaps", "AudioSet", "Freesound")
_SELVA = _Origin(
    target="baselines.selva.model:SELVA",
    licence="not stated",
    code_licence="not stated",
    trained_on=("VGGSound",),
    source="https://github.com/jnwnlee/selva",
    revision="70a8589",
)
_MMAUDIO = _Origin(
    target="baselines.mmaudio.model:MMAudio",
    licence="CC BY-NC 4.0",
    code_licence="MIT",
    trained_on=_MMAUDIO_DATA,
    source="https://github.com/hkchengrex/MMAudio",
    revision="974010a",
)
_VINTAGE = _Origin(
    target="baselines.programs.vintage:VinTAGe",
    licence="not stated",
    code_licence="not stated",
    trained_on=("VGGSound",),
    source="https://github.com/sakshamsingh1/vintage_aud_gen",
    revision="c3bc189",
)
_TEXT = ("flan-t5", "flan-t5-config", "flan-t5-tokenizer")
_DECODERS_16K = ("vae-16k", "bigvgan-16k")
_DECODERS_44K = ("vae-44k", "bigvgan-44k")

# Controls

register_model(
    "oracle",
    target="baselines.controls:Oracle",
    kind="control",
    title="Oracle",
    summary="the target's own sound: the ceiling",
)
register_model(
    "mixture",
    target="baselines.controls:Mixture",
    kind="control",
    title="Mixture",
    summary="the mean of both sounds, as in the scene: no selection",
)
register_model(
    "distractor",
    target="baselines.controls:Distractor",
    kind="control",
    title="Distractor",
    summary="the paired sound alone: the wrong selection, which set-wise metrics cannot tell from the right one",
)
register_model(
    "shuffled",
    target="baselines.controls:Shuffled",
    kind="control",
    title="Shuffled",
    revision="2",  # 1, which no record names: it could take the paired clip's sound
    summary="another sample's target, neither clip of the scene: real sounds at the wrong place and time",
)
register_model(
    "noise",
    target="baselines.controls:Noise",
    kind="control",
    title="Noise",
    summary="pink noise, as loud as the target: the floor",
)
register_model(
    "silence",
    target="baselines.controls:Silence",
    kind="control",
    title="Silence",
    summary="zeros: the floor",
)

# Sounds made elsewhere

register_model(
    "recorded",
    target="baselines.recorded.generator:Recorded",
    kind="recorded",
    title="Recorded sounds",
    summary="audio files made elsewhere, matched by file name",
)

# SELVA

register_model(
    "selva-s-16k",
    **_SELVA,
    options={"variant": "small_16k"},
    checkpoints=("selva-video-encoder", "selva-generator-small-16k", *_DECODERS_16K, "dfn5b-clip", *_TEXT),
    title="SELVA-S-16k",
    summary="SELVA, the paper's model",
    rows=("D3: 5", "D4: SELVA", "D5: SELVA-S-16k"),
)
register_model(
    "selva-s-16k-sup-0",
    **_SELVA,
    options={"variant": "small_16k", "num_sup_tokens": 0},
    checkpoints=(*_DECODERS_16K, "dfn5b-clip", *_TEXT),
    unpublished=("video_encoder", "generator"),
    title="SELVA-S-16k, 0 [SUP]",
    summary="SELVA small_16k, 0 [SUP] tokens",
    rows=("D3: 0",),
)
register_model(
    "selva-s-16k-sup-1",
    **_SELVA,
    options={"variant": "small_16k", "num_sup_tokens": 1},
    checkpoints=(*_DECODERS_16K, "dfn5b-clip", *_TEXT),
    unpublished=("video_encoder", "generator"),
    title="SELVA-S-16k, 1 [SUP]",
    summary="SELVA small_16k, 1 [SUP] token",
    rows=("D3: 1",),
)
register_model(
    "selva-s-16k-sup-3",
    **_SELVA,
    options={"variant": "small_16k", "num_sup_tokens": 3},
    checkpoints=(*_DECODERS_16K, "dfn5b-clip", *_TEXT),
    unpublished=("video_encoder", "generator"),
    title="SELVA-S-16k, 3 [SUP]",
    summary="SELVA small_16k, 3 [SUP] tokens",
    rows=("D3: 3",),
)
register_model(
    "selva-s-16k-sup-7",
    **_SELVA,
    options={"variant": "small_16k", "num_sup_tokens": 7},
    checkpoints=(*_DECODERS_16K, "dfn5b-clip", *_TEXT),
    unpublished=("video_encoder", "generator"),
    title="SELVA-S-16k, 7 [SUP]",
    summary="SELVA small_16k, 7 [SUP] tokens",
    rows=("D3: 7",),
)
register_model(
    "selva-s-44k",
    **_SELVA,
    options={"variant": "small_44k"},
    checkpoints=("selva-video-encoder", *_DECODERS_44K, "dfn5b-clip", *_TEXT),
    unpublished=("generator",),
    title="SELVA-S-44k",
    summary="SELVA small_44k, 5 [SUP] tokens",
    rows=("D5: SELVA-S-44k",),
)
register_model(
    "selva-m-44k",
    **_SELVA,
    options={"variant": "medium_44k"},
    checkpoints=("selva-video-encoder", *_DECODERS_44K, "dfn5b-clip", *_TEXT),
    unpublished=("generator",),
    title="SELVA-M-44k",
    summary="SELVA medium_44k, 5 [SUP] tokens",
    rows=("D5: SELVA-M-44k",),
)
register_model(
    "selva-l-44k",
    **_SELVA,
    options={"variant": "large_44k"},
    checkpoints=("selva-video-encoder", *_DECODERS_44K, "dfn5b-clip", *_TEXT),
    unpublished=("generator",),
    title="SELVA-L-44k",
    summary="SELVA large_44k, 5 [SUP] tokens",
    rows=("D5: SELVA-L-44k",),
)
register_model("selva", alias_of="selva-s-16k")

# MMAudio

register_model(
    "mmaudio-s-16k",
    **_MMAUDIO,
    options={"variant": "small_16k"},
    checkpoints=("mmaudio-small-16k", *_DECODERS_16K, "dfn5b-clip", "synchformer"),
    title="MMAudio-S-16k",
    summary="MMAudio; options null_clip, null_sync, sync_frames",
    rows=("A1: MMAudio-S-16kHz",),
)
register_model(
    "mmaudio-s-44k",
    **_MMAUDIO,
    options={"variant": "small_44k"},
    checkpoints=("mmaudio-small-44k", *_DECODERS_44K, "dfn5b-clip", "synchformer"),
    title="MMAudio-S-44k",
    summary="MMAudio; options null_clip, null_sync, sync_frames",
)
register_model(
    "mmaudio-m-44k",
    **_MMAUDIO,
    options={"variant": "medium_44k"},
    checkpoints=("mmaudio-medium-44k", *_DECODERS_44K, "dfn5b-clip", "synchformer"),
    title="MMAudio-M-44k",
    summary="MMAudio; options null_clip, null_sync, sync_frames",
)
register_model(
    "mmaudio-l-44k-v2",
    **_MMAUDIO,
    options={"variant": "large_44k_v2"},
    checkpoints=("mmaudio-large-44k-v2", *_DECODERS_44K, "dfn5b-clip", "synchformer"),
    title="MMAudio-L-44k v2",
    summary="MMAudio; options null_clip, null_sync, sync_frames",
)
register_model(
    "mmaudio-s-16k-null-clip",
    **_MMAUDIO,
    options={"variant": "small_16k", "null_clip": True},
    checkpoints=("mmaudio-small-16k", *_DECODERS_16K, "dfn5b-clip", "synchformer"),
    title="MMAudio-S-16k w/ null CLIP emb.",
    summary="MMAudio without CLIP image features",
    rows=("A1: w/ null CLIP emb.", "D4: MMAudio-S-16k"),
)
register_model(
    "mmaudio-s-16k-null-sync",
    **_MMAUDIO,
    options={"variant": "small_16k", "null_sync": True},
    checkpoints=("mmaudio-small-16k", *_DECODERS_16K, "dfn5b-clip", "synchformer"),
    title="MMAudio-S-16k w/ null Synchformer emb.",
    summary="MMAudio without Synchformer features",
    rows=("A1: w/ null Synchronformer emb.",),
)

# Official programs, each in its own checkout

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
    title="ReWaS",
    summary="ReWaS, by its own program in its own checkout",
    rows=("D4: ReWaS",),
)
register_model(
    "vintage",
    **_VINTAGE,
    program="baselines.programs.vintage:PROGRAM",
    options={"s_vis": 2.5, "s_txt": 2.5},
    checkpoints=("vintage",),
    title="VinTAGe",
    summary="VinTAGe, by its own program; guidance 2.5 as in its code",
    rows=("D4: VinTAGe",),
)
register_model(
    "vintage-readme",
    **_VINTAGE,
    program="baselines.programs.vintage:PROGRAM",
    options={"s_vis": 7.5, "s_txt": 7.5},
    checkpoints=("vintage",),
    title="VinTAGe (README)",
    summary="VinTAGe, by its own program; guidance 7.5 as in its README",
)
register_model(
    "vos-mmaudio",
    target="baselines.programs.vos_mmaudio:VosMMAudio",
    program="baselines.programs.deva:PROGRAM",
    checkpoints=(
        *("deva", "deva-grounding-dino-config", "deva-grounding-dino", "deva-sam"),
        *("mmaudio-small-16k", *_DECODERS_16K, "dfn5b-clip", "synchformer"),
    ),
    licence="CC BY-NC-SA 4.0 (DEVA), Apache-2.0 (Grounding DINO, SAM), CC BY-NC 4.0 (MMAudio)",
    code_licence="CC BY-NC-SA 4.0 (DEVA), MIT (MMAudio)",
    trained_on=_MMAUDIO_DATA,
    source="https://github.com/hkchengrex/Tracking-Anything-with-DEVA",
    revision="404a112",
    title="VOS + MMAudio",
    summary="DEVA's program masks the video, MMAudio hears the rest; option segmenter",
)

register_built_in()  # one recipe each: baselines/programs/recipes/*.toml

# Programs and services of the user's

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
