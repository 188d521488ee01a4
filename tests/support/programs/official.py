"""A stand-in for the programs that have a recipe: their flags, what they look for, and what they write.

Copied into a checkout under the name of an official script. `official_flags.json`, beside it, holds the flags of each,
as the official scripts define them; what is not among them is refused. OFFICIAL_NAME says which program this is,
OFFICIAL_NOTES is a folder for what it was given, OFFICIAL_MOOD at the prompt OFFICIAL_AT is what goes wrong.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path

NAME, NOTES = os.environ["OFFICIAL_NAME"], Path(os.environ["OFFICIAL_NOTES"])
MOOD, AT = os.environ.get("OFFICIAL_MOOD", ""), os.environ.get("OFFICIAL_AT", "")
FLAGS = json.loads(Path(os.environ["OFFICIAL_FLAGS"]).read_text())
LATENT = 2048  # samples of ThinkSound's


def note(name: str, content: object) -> None:
    with (NOTES / f"{name}.jsonl").open("a") as file:
        file.write(f"{json.dumps(content)}\n")


def parsed(entry: str) -> argparse.Namespace:
    """What a script was given, or its refusal, as its own parser would have it."""
    told = dict(FLAGS[NAME][entry])
    one_of = told.pop("one of", ())
    parser = argparse.ArgumentParser(allow_abbrev=False)
    group = parser.add_mutually_exclusive_group(required=True) if one_of else parser
    for flags, how in told.items():
        names = flags.split()
        place = group if names[0] in one_of else parser
        if how.get("switch"):
            place.add_argument(*names, action="store_true")
            continue
        rest = {key: value for key, value in how.items() if key != "type"}
        place.add_argument(*names, type={"int": int, "float": float}.get(how.get("type"), str), **rest)
    found = parser.parse_args()
    note("parsed", {"entry": entry, **{key: value for key, value in vars(found).items() if value not in (None, False)}})
    return found


def film(path: str) -> Path:
    """A file that must be an mp4."""
    found = Path(path)
    if found.read_bytes()[4:8] != b"ftyp":
        raise ValueError(f"{path} is no mp4")
    return found


def seconds_of(path: Path) -> float:
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) / float(container.streams.video[0].average_rate)


def level(prompt: str) -> float:
    """Every prompt has a sound of its own, so that one in another's place is seen."""
    return {"bell": 0.25, "gong": 0.5}.get(prompt, 0.125)


def write(path: Path, prompt: str, seconds: float, rate: int, channels: int = 1) -> None:
    import numpy as np
    import soundfile

    if prompt == AT:
        crashed = NOTES / "crashed"
        if MOOD == "crash" or (MOOD == "crash once" and not crashed.exists()):
            crashed.touch()
            raise RuntimeError(f"CUDA error at {prompt}")
        if MOOD == "nothing":
            return
        if MOOD == "short":
            seconds /= 2
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((round(seconds * rate), channels), level(prompt)), rate)
    if prompt == AT and MOOD == "two":
        soundfile.write(path.with_name(f"another {path.name}"), np.zeros(10), rate)


def mmaudio_fork(entry: str) -> None:
    given = parsed(entry)
    video = film(given.video)
    if NAME == "saganet":
        os.environ["LOCAL_RANK"]  # demo.py imports batch_eval.py, which looks for it
        mask = film(given.mask_video)
        (NOTES / "mask.mp4").write_bytes(mask.read_bytes())
    rate = 16_000 if given.variant.endswith("16k") else 44_100
    seconds = given.duration + 0.01  # whole latents
    write(Path(given.output) / f"{video.stem}.flac", given.prompt, seconds, rate)
    if not given.skip_video_composite:
        raise RuntimeError("ffmpeg: no libx264 here")


def hunyuan(entry: str) -> None:
    given = parsed(entry)
    for name in ("vae_128d_48k.pth", "synchformer_state_dict.pth"):
        Path(given.model_path, name).open("rb").close()
    model = {"xl": "hunyuanvideo_foley_xl.pth", "xxl": "hunyuanvideo_foley.pth"}[given.model_size]
    Path(given.model_path, model).open("rb").close()
    with Path(given.csv_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for index, row in enumerate(rows):
        video = film(row["video"])
        write(Path(given.output_dir) / f"{index:04d}.wav", row["prompt"], seconds_of(video), 48_000, 2)
        (Path(given.output_dir) / f"{index:04d}.mp4").write_bytes(video.read_bytes())


def foleycrafter(entry: str) -> None:
    given = parsed(entry)
    for name in ("temporal_adapter.ckpt", "timestamp_detector.pth.tar", "semantic/semantic_adapter.bin"):
        Path(given.ckpt, name).open("rb").close()
    videos = sorted(Path(given.input).glob("*.mp4"))
    assert videos, "input list is empty!"
    for video in videos:
        seconds = min(10.0, seconds_of(film(str(video))))
        note("seconds", seconds)
        write(Path(given.save_dir) / "audio" / f"{video.stem.replace('+', ' ')}.wav", given.prompt, seconds, 16_000)
        (Path(given.save_dir) / "video").mkdir(exist_ok=True)


def features(entry: str) -> None:
    """The first step of ThinkSound and PrismAudio: one file of features per line of the table."""
    given = parsed(entry)
    if NAME == "prismaudio":
        assert (os.environ["RANK"], os.environ["WORLD_SIZE"], given.inference_mode) == ("0", "1", "True")
    with Path(given.tsv_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        film(str(Path(given.root) / f"{row['id']}.mp4"))
        if NAME == "thinksound":
            row["caption"]  # its reader takes it
        Path(given.save_dir).mkdir(exist_ok=True)
        (Path(given.save_dir) / f"{row['id']}.npz").write_text(row["caption_cot"])


def prediction(entry: str) -> None:
    """Their second step: a sound per file of features, in a folder named after the day."""
    given = parsed(entry)
    if not 0 <= int(given.seed) < 2**32:
        raise ValueError(f"{given.seed} is not in bounds, numpy accepts from 0 to 4294967295")
    Path(getattr(given, "ckpt_dir", None) or "ckpts/thinksound_light.ckpt").open("rb").close()
    Path("ckpts/vae.ckpt").open("rb").close()
    folder = Path(given.save_dir) / "0229_batch_size1"
    names = ["demo.npz"] if NAME == "prismaudio" else sorted(path.name for path in Path(given.results_dir).iterdir())
    for name in names:
        prompt = (Path(given.results_dir) / name).read_text()
        latents = round(44100 / 64 / 32 * float(given.duration_sec))
        write(folder / f"{Path(name).stem}.wav", prompt, latents * LATENT / 44_100, 44_100, 2)


PARTS = {
    "demo.py": mmaudio_fork,
    "infer.py": hunyuan,
    "inference.py": foleycrafter,
    "extract_latents.py": features,
    "data_utils/prismaudio_data_process.py": features,
    "eval_batch.py": prediction,
    "predict.py": prediction,
}

if __name__ == "__main__":
    entry = os.path.relpath(sys.argv[0])
    if MOOD == "broken":
        raise ImportError("no module named torch")
    PARTS[entry](entry)
