"""A stand-in for ReWaS, VinTAGe and DEVA: their flags, their files, their sample rates, and whatever goes wrong.

Copied into a checkout under the name of an official script, whose part it then plays. The environment says what is to
happen: STAND_IN_MOOD at the prompt STAND_IN_AT, or STAND_IN_MOODS, and STAND_IN_NOTES, a folder where it leaves what it
was given, for the test to look at. Only the standard library, but for DEVA's pictures, so that it starts quickly.
"""

import argparse
import errno
import json
import os
import random
import shutil
import signal
import struct
import sys
import time
import wave
from pathlib import Path

MOOD, AT = os.environ.get("STAND_IN_MOOD", ""), os.environ.get("STAND_IN_AT", "")
MOODS = json.loads(os.environ.get("STAND_IN_MOODS", "{}"))  # several at once, by prompt
NOTES = Path(os.environ["STAND_IN_NOTES"])


class Parser(argparse.ArgumentParser):
    """Takes no beginning of a flag for the flag: what we pass is to be spelled out."""

    def __init__(self) -> None:
        super().__init__(allow_abbrev=False)


def sound(seed: int, samples: int) -> bytes:
    """Noise as 16-bit samples: every sample of every sound is recognizable."""
    return random.Random(seed).randbytes(2 * samples)


def write_wav(path: Path, content: bytes, rate: int = 16_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(content)


def write(path: Path, content: bytes, prompt: str) -> None:
    """Write a sound, or do what the mood says where the prompt is the one meant."""
    mood = MOODS.get(prompt, MOOD if prompt == AT else "")
    if mood in ("crash", "crash once"):
        before = NOTES / "crashed"
        if mood == "crash" or not before.exists():
            before.touch()
            path.write_bytes(b"RIFF")  # what a program leaves that dies while it writes
            raise RuntimeError(f"CUDA error at {prompt}")
    if mood == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if mood == "hang":
        hang()
    if mood == "full":
        path.write_bytes(b"RIFF")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if mood == "nothing":
        return
    if mood == "garbage":
        path.write_text("this is not a sound")
    elif mood == "rate":
        write_wav(path, content, 44_100)
    elif mood == "short":
        write_wav(path, content[:2000])
    elif mood == "cut":
        write_wav(path, content)
        path.write_bytes(path.read_bytes()[: len(content) // 2])
    elif mood == "not a number":
        data = struct.pack("<f", float("nan")) * (len(content) // 2)
        head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, 16000, 64000, 4, 32)
        path.write_bytes(head + struct.pack("<4sI", b"data", len(data)) + data)
    else:
        write_wav(path, content)


def hang() -> None:
    note("hangs", "here")
    time.sleep(600)


def rewas(arguments: list[str]) -> None:
    parser = Parser()
    parser.add_argument("--testlist", type=str, default="test_samples.json")
    parser.add_argument("-s", "--save_path", type=str, default="./results")
    parser.add_argument("-ckpt", "--ckpt_path", type=str, default="ckpts/audioldm_m_rewas_vggsound.ckpt")
    parser.add_argument("--phi_ckpt_path", type=str, default="ckpts/phi_vggsound.ckpt")
    parser.add_argument("--synchformer_exp", type=str, default="24-01-04T16-39-21")
    parser.add_argument("--config", type=str, default="configs/audioldm_m_rewas.yaml")
    parser.add_argument("--model_name", type=str, default="audioldm-m-full")
    parser.add_argument("--control_type", default="energy_video", choices=["energy_audio", "energy_video"])
    parser.add_argument("-f", "--file_path", default=None)
    parser.add_argument("-b", "--batchsize", type=int, default=1)
    parser.add_argument("--ddim_steps", type=int, default=200)
    parser.add_argument("-gs", "--guidance_scale", type=float, default=3)
    parser.add_argument("-dur", "--duration", type=float, default=5.0)
    parser.add_argument("-n", "--n_candidate_gen_per_cond", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--re_encode", action="store_true")
    parser.add_argument("--datadir", default="/path/to/video")
    args = parser.parse_args(arguments)
    note("parsed", vars(args))
    for path in (args.ckpt_path, args.phi_ckpt_path, f"ckpts/{args.synchformer_exp}.pt", args.config):
        Path(path).open("rb").close()
    out = Path(args.save_path)
    out.mkdir(parents=True, exist_ok=True)
    items = [json.loads(line) for line in Path(args.testlist).read_text().splitlines()]
    for index, item in enumerate(items):
        video = Path(item["video_name"])
        note("items", item)
        shutil.copyfile(video, NOTES / video.name)
        write(out / f"generated_{video.name[:-4]}_0.wav", sound(index, 81_920), item["prompt"])
        print(f"{index + 1} of {len(items)}")


def vintage(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in ("ODE", "SDE"):
        raise SystemExit("the first argument must be ODE or SDE")
    parser = Parser()
    parser.add_argument("--vid-path", type=str, default="")
    parser.add_argument("--text-prompt", type=str, default="")
    parser.add_argument("--cross-att-vis-text", action="store_true")
    parser.add_argument("--s-vis", type=float, default=2.5)
    parser.add_argument("--s-txt", type=float, default=2.5)
    parser.add_argument("--num-sampling-steps", type=int, default=250)
    parser.add_argument("--sampling-method", type=str, default="dopri5")
    parser.add_argument("--atol", type=float, default=1e-6)
    parser.add_argument("--rtol", type=float, default=1e-3)
    parser.add_argument("--path-type", type=str, default="Linear")
    parser.add_argument("--prediction", type=str, default="velocity")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ckpt", type=str, default="ckpts/VTComb_0300000.pt")
    parser.add_argument("--model", type=str, default="SiT-XL/2")
    parser.add_argument("--save-dir", type=str, default="outputs")
    parser.add_argument("--save-suffix", type=str, default="")
    parser.add_argument("--vid-feat-dir", type=str, default="outputs/feats")
    parser.add_argument("--recalculate-feat", action="store_true")
    parser.add_argument("--use-masking", action="store_true")
    parser.add_argument("--txt-wt", type=float, default=-1)
    parser.add_argument("--target-length", type=int, default=1024)
    parser.add_argument("--vae", type=str, default="mse", choices=["ema", "mse"])
    args = parser.parse_args(arguments[1:])
    note("parsed", vars(args))
    if not args.cross_att_vis_text:
        raise RuntimeError("unexpected keys in state dict: cross-attention")
    Path(args.ckpt).open("rb").close()
    if os.system(f"test -f {args.vid_path}"):  # unquoted, as the official program does it
        raise RuntimeError("ffmpeg failed")
    frames = Path("outputs/tmp_frames")
    frames.mkdir(parents=True, exist_ok=True)
    others = [path.name for path in frames.iterdir()]
    note("frames of others", others)  # which the official program takes for its own
    frame = frames / f"{os.getpid()}.jpg"
    frame.touch()
    time.sleep(float(os.environ.get("STAND_IN_SECONDS", "0")))
    if MOOD == "stopped" and args.text_prompt == AT:
        os.kill(os.getpid(), signal.SIGKILL)
    frame.unlink()
    frames.rmdir()
    Path(args.save_dir).mkdir(parents=True, exist_ok=True)
    name = f"vid_{Path(args.vid_path).stem.replace(' ', '_')}{args.save_suffix}.wav"
    write(Path(args.save_dir) / name, sound(args.seed, 163_840), args.text_prompt)


def deva(arguments: list[str]) -> None:
    from PIL import Image

    parser = Parser()
    parser.add_argument("--img_path", default="./example/vipseg")
    parser.add_argument("--output", default=None)
    parser.add_argument("--prompt", type=str)
    parser.add_argument("--temporal_setting", type=str.lower, default="semionline", choices=["semionline", "online"])
    for flag, default in (
        ("detection_every", 5), ("num_voting_frames", 3), ("max_missed_detection_count", 10), ("max_num_objects", -1),
        ("size", 480), ("chunk_size", -1), ("max_mid_term_frames", 10), ("min_mid_term_frames", 5), ("top_k", 30),
        ("max_long_term_elements", 10000), ("num_prototypes", 128), ("mem_every", 5), ("key_dim", 64),
        ("value_dim", 512), ("pix_feat_dim", 512),
    ):  # fmt: skip
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--sam_variant", default="original", choices=["original", "mobile", "sam_hq", "sam_hq_light"])
    for flag in ("HQ_SAM", "LIGHT_HQ_SAM", "MOBILE_SAM"):
        parser.add_argument(f"--{flag}_CHECKPOINT_PATH")
    for flag in ("SAM_NUM_POINTS_PER_SIDE", "SAM_NUM_POINTS_PER_BATCH"):
        parser.add_argument(f"--{flag}", type=int, default=64)
    parser.add_argument("--SAM_PRED_IOU_THRESHOLD", type=float, default=0.88)
    parser.add_argument("--SAM_OVERLAP_THRESHOLD", type=float, default=0.8)
    parser.add_argument("--save_all", action="store_true")
    parser.add_argument("--amp", action="store_true")
    parser.add_argument("--disable_long_term", action="store_true")
    parser.add_argument("--model", default="./saves/DEVA-propagation.pth")
    parser.add_argument("--GROUNDING_DINO_CONFIG_PATH", default="./saves/GroundingDINO_SwinT_OGC.py")
    parser.add_argument("--GROUNDING_DINO_CHECKPOINT_PATH", default="./saves/groundingdino_swint_ogc.pth")
    parser.add_argument("--DINO_THRESHOLD", type=float, default=0.35)
    parser.add_argument("--DINO_NMS_THRESHOLD", type=float, default=0.8)
    parser.add_argument("--SAM_ENCODER_VERSION", default="vit_h")
    parser.add_argument("--SAM_CHECKPOINT_PATH", default="./saves/sam_vit_h_4b8939.pth")
    args = parser.parse_args(arguments)
    note("parsed", vars(args))
    dino = (args.GROUNDING_DINO_CONFIG_PATH, args.GROUNDING_DINO_CHECKPOINT_PATH)
    for path in (args.model, *dino, args.SAM_CHECKPOINT_PATH):
        Path(path).open("rb").close()
    masks = Path(args.output, "Annotations")
    masks.mkdir(parents=True)
    names = sorted(path.name for path in Path(args.img_path).iterdir())
    note("frames", names)
    for index, name in enumerate(names):
        with Image.open(Path(args.img_path, name)) as picture:
            size = picture.size
        mask = Image.new("RGB", size)
        if MOOD != "blind" and index != 0:  # the first frame is always empty
            mask.paste((0, 1, 0), (0, 0, size[0] // 2, size[1]))  # object 256: only its green is not 0
            mask.paste((44, 1, 0), (0, 0, 2, 2))  # object 300
        if index == len(names) - 1:
            if MOOD == "nothing":
                break
            if MOOD == "hang":
                hang()
            if MOOD == "crash":
                raise RuntimeError("CUDA error")
            if MOOD == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if MOOD == "full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(masks))
            if MOOD == "garbage":
                (masks / f"{name[:-4]}.png").write_text("this is not a picture")
                break
            if MOOD == "size":
                mask = mask.resize((8, 8))
        mask.save(masks / f"{name[:-4]}.png")
    if MOOD == "hang at the end":
        hang()


def note(name: str, content: object) -> None:
    with (NOTES / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    if MOOD == "broken":
        raise ImportError("no module named torch")
    {"test.py": rewas, "sample_VT_comb.py": vintage, "demo_with_text.py": deva}[Path(__file__).name](sys.argv[1:])
    if MOOD == "late":
        raise OSError("cannot remove .cache: not empty")
