"""The benchmarks that `build-public` can build: one row each. Listing them imports no reader.

A new one is its row here, its name in `vgg_monoaudio.record.Kind`, its reader, and its test.
"""

from __future__ import annotations

from foundation.names import joined, nearest
from vgg_monoaudio.public.benchmark import Part, PublicBenchmark

HEADINGS = ("name", "what", "samples", "reference sound", "paired label", "licence", "access", "source")
_SOUNDS = {"target": "yes", "paired": "no: what is heard is not asked for", "none": "no", None: "if the list has it"}
OWN_LIST = "vgg_monoaudio.public.own_list:read"
_TVC = "6aeefb1fb7b5cfd70e65e288cfee74a57f92439065210e721bd2a2596fb60e73"
_AS_A_LIST = "list.csv (or list.jsonl) with the columns video, prompt, audio[, id, category]: a list of your own"

BENCHMARKS = (
    PublicBenchmark(
        name="vggsound-tvc",
        title="VGGSound-TVC",
        what="clips of VGGSound whose prompt contradicts the picture, more at each level",
        parts=(
            Part("L0", "what the picture shows: no conflict", "target", 5001, _TVC),
            Part("L1-subject", "another subject doing the same", "paired", 5001, _TVC),
            Part("L1-action", "the same subject doing something else", "paired", 5001, _TVC),
            Part("L2", "something else of like rhythm", "paired", 5001, _TVC),
            Part("L3", "something of a category drawn at random", "paired", 5001, _TVC),
        ),
        paired="what the picture shows (L0), from L1 on",
        licence="Apache-2.0 (the list); the clips are VGGSound's",
        access="list public; clips of VGGSound, from YouTube",
        source="https://github.com/xiaomi-research/controlfoley",
        revision="a096b25b5b0625c0de1a04274f3392cb058df92c",
        paper="arXiv:2604.15086",
        layout="conflict_dataset_full.tsv and VGGSound's clips (ID_000030.mp4), in subfolders if you like",
        verified="list: columns, 5,001 rows, SHA-256",
        reader="vgg_monoaudio.public.vggsound_tvc:read",
    ),
    PublicBenchmark(
        name="foleybench",
        title="FoleyBench",
        what="films whose sound is made by what they show, with a caption and a UCS category",
        parts=(Part("", "the caption", "target", 5000),),
        paired="",
        licence="CC BY-NC-SA 4.0",
        access="gated, on Hugging Face",
        source="https://huggingface.co/datasets/FoleyBench/foleybench",
        revision="",
        paper="arXiv:2511.13219",
        layout="foleybench.csv (key, caption, ucs_category, ...) and data/train-*.parquet (key, video_data in base64)",
        verified="columns and shards as public readers of the dataset use them; the files themselves were not at hand",
        reader="vgg_monoaudio.public.foleybench:read",
    ),
    PublicBenchmark(
        name="kling-audio-eval",
        title="Kling-Audio-Eval",
        what="films with captions, of Kling-Foley",
        parts=(Part("", "the caption", None),),
        paired="",
        licence="not stated here; see its page",
        access="on Hugging Face (klingteam)",
        source="https://huggingface.co/datasets/klingteam/Kling-Audio-Eval",
        revision="",
        paper="arXiv:2506.19774",
        layout=_AS_A_LIST,
        verified="nothing: its files were not at hand, so it is read from a list that you make of them",
        reader=OWN_LIST,
    ),
    PublicBenchmark(
        name="movie-gen-audio-bench",
        title="Movie Gen Audio Bench",
        what="films made by Movie Gen, with prompts; their soundtracks are Movie Gen's answers",
        parts=(
            Part(
                "sfx",
                "sound effects",
                "none",
                527,
                "6e86e6ef12bb6c8f0f1410262a626386d4a539b0000075fc73ba345d02e38acc",
            ),
            Part(
                "sfx-music",
                "sound effects and music",
                "none",
                527,
                "e560c60c07094dbff26f2448ae4aefefce8a1ef216fc88d3898a7d539faa2fed",
            ),
        ),
        paired="",
        licence="CC BY-NC 4.0",
        access="public archives, at addresses that its README gives",
        source="https://github.com/facebookresearch/MovieGenBench",
        revision="bab7753fce1108def167a1efb4c1ae1d69b8f03a",
        paper="arXiv:2410.13720",
        layout="MovieGenAudioBenchSfx.jsonl (or ...SfxMusic.jsonl) and MovieGenAudioBenchSfx/video_with_audio/ID.mp4",
        verified="lists: keys, 527 rows each, SHA-256; folders of the archive as public scripts read them",
        reader="vgg_monoaudio.public.movie_gen:read",
    ),
    PublicBenchmark(
        name="vintage-bench",
        title="VinTAGe-Bench",
        what="films with a prompt for sounds on and off the screen",
        parts=(Part("", "sounds on and off the screen", None, 636),),
        paired="",
        licence="not stated",
        access="public archive vintage_bench_data.zip, on Hugging Face",
        source="https://huggingface.co/datasets/sakshamsingh1/vintage",
        revision="",
        paper="arXiv:2412.10768",
        layout=_AS_A_LIST,
        verified="636 pairs, by its paper; its archive was not at hand, so it is read from a list that you make of it",
        reader=OWN_LIST,
    ),
    PublicBenchmark(
        name="greatest-hits",
        title="The Greatest Hits",
        what="a drumstick hits and scratches things; onsets annotated by people, one prompt for all",
        parts=(Part("test", "the hits", "target"), Part("train", "the hits", "target")),
        paired="",
        licence="CC BY 4.0, as ControlFoley's README says",
        access="public archives vis-data.zip, vis-data-256.zip",
        source="https://web.eecs.umich.edu/~ahowens/vis/",
        revision="",
        paper="arXiv:1512.08512",
        layout="test.txt, and of each ID in it ID_denoised.mp4 (or _denoised_thumb.mp4), ID_denoised.wav, ID_times.txt",
        verified="names and columns as MMAudio's script and public readers use them; the files were not at hand",
        reader="vgg_monoaudio.public.greatest_hits:read",
    ),
    PublicBenchmark(
        name="own-list",
        title="your own list",
        what="any films with prompts",
        parts=(Part("", "what the list says", None),),
        paired="the column paired_label",
        licence="yours",
        access="yours",
        source="",
        revision="",
        paper="",
        layout="a .csv or .jsonl with video, prompt[, audio, id, category, paired_label, negative_prompt]",
        verified="this suite's own form",
        reader=OWN_LIST,
    ),
)


def get_benchmark(name: str) -> PublicBenchmark:
    """Return a benchmark by name.

    Raises:
        ValueError: no such benchmark; says which there are or which are close.
    """
    known: dict[str, PublicBenchmark] = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean {joined(close)}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"no benchmark is called {name!r}; {hint}")
    return known[name]


def rows() -> list[tuple[str, ...]]:
    """Return what is shown of every part, in the order of `HEADINGS`."""
    found: list[tuple[str, ...]] = []
    for benchmark in BENCHMARKS:
        for part in benchmark.parts:
            name = f"{benchmark.name} --part {part.name}" if part.name else benchmark.name
            what = f"{benchmark.what}; asks for {part.what}" if part.name else benchmark.what
            samples = "" if part.samples is None else f"{part.samples:,}"
            paired = benchmark.paired if part.own_sound != "target" else ""
            sound = _SOUNDS[part.own_sound]
            found.append((name, what, samples, sound, paired, benchmark.licence, benchmark.access, benchmark.source))
    return found


def markdown_table() -> str:
    """Return the same as Markdown."""
    lines = [[cell.replace("|", r"\|") or "–" for cell in row] for row in (HEADINGS, *rows())]
    head, *body = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|---" * len(HEADINGS) + "|", *body])
