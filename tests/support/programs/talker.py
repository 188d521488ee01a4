"""A program that speaks JSON Lines and, where the environment says so, misbehaves at one prompt."""

import json
import os
import struct
import subprocess
import sys
import time
import wave
from pathlib import Path

MOOD, AT, NOTES = os.environ.get("MOOD", ""), os.environ.get("AT", ""), Path(os.environ["NOTES"])
RATE = int(os.environ.get("RATE", "16000"))


def note(name: str, text: str) -> None:
    with (NOTES / name).open("a") as file:
        file.write(f"{text}\n")


def write(path: str, seconds: float, rate: int) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(b"\x01\x00" * round(seconds * rate))


def not_a_number(seconds: float, rate: int) -> bytes:
    data = struct.pack("<f", float("nan")) * round(seconds * rate)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, rate, 4 * rate, 4, 32)
    return head + struct.pack("<4sI", b"data", len(data)) + data


def made(path: str, how, *arguments) -> str:
    how(path, *arguments)
    return path


def grow(path: str) -> None:
    with Path(path).open("wb") as file:
        file.truncate(300_000_000)  # a hole: it takes no room


ODD_PATHS = {
    "null": lambda path: f"{path}\0",
    "folder": lambda path: made(path, os.mkdir),
    "pipe": lambda path: made(path, os.mkfifo),
    "device": lambda path: "/dev/zero",
    "link": lambda path: made(path, lambda place: Path(place).symlink_to("/dev/zero")),
    "huge": lambda path: made(path, grow),
}


def answer(request: dict) -> dict:
    path, seconds = request["output"], request["duration_seconds"]
    mood = MOOD if request["prompt"] == AT else ""
    if mood == "crash" or (mood == "crash once" and not (NOTES / "crashed").exists()):
        (NOTES / "crashed").touch()
        raise RuntimeError("out of memory")
    if mood == "hang":
        note("hangs", "here")
        time.sleep(600)
    if mood == "drip":
        note("drips", "here")
        for _ in range(6000):
            print(" ", end="", flush=True)
            time.sleep(0.01)
    if mood == "leave a child":
        wait = [sys.executable, "-c", "import time; time.sleep(600)"]
        child = subprocess.Popen(wait, stdin=subprocess.DEVNULL, start_new_session=True)
        Path(NOTES, "child").write_text(str(child.pid))
        sys.exit(0)
    if mood == "half a character":
        return {"id": request["id"], "error": "black \ud800"}
    if mood == "half a path":
        return {"id": request["id"], "path": "\ud800.wav"}
    if mood == "only an empty error":
        return {"id": request["id"], "error": ""}
    if mood == "error false":
        write(path, seconds, RATE)
        return {"id": request["id"], "path": path, "error": False}
    if mood in ODD_PATHS:
        return {"id": request["id"], "path": ODD_PATHS[mood](path)}
    if mood == "chat":
        print("loading ...", flush=True)
    if mood == "refuse":
        return {"id": request["id"], "error": "the video is black"}
    if mood == "stranger":
        return {"id": "nobody", "path": path}
    if mood == "no path":
        return {"id": request["id"]}
    if mood == "list":
        return {"id": [request["id"]], "path": path}
    if mood == "deep":
        print("[" * 100_000, flush=True)
    if mood == "many digits":
        print("9" * 5000, flush=True)
    if mood == "endless":
        print("x" * (4 << 20), end="", flush=True)
        time.sleep(600)
    if mood == "not a number":
        Path(path).write_bytes(not_a_number(seconds, RATE))
        return {"id": request["id"], "path": path}
    if mood == "full":
        raise OSError(28, "No space left on device", path)
    if mood == "garbage":
        Path(path).write_text("no sound")
    elif mood == "nothing":
        pass
    elif mood == "no line break":
        write(path, seconds, RATE)
        print(json.dumps({"id": request["id"], "path": path}), end="", flush=True)
        sys.exit(0)
    elif mood == "quit":
        sys.exit(0)
    else:
        write(path, seconds / (2 if mood == "short" else 1), 44_100 if mood == "rate" else RATE)
    if mood in ("error null", "error empty"):
        return {"id": request["id"], "path": path, "error": None if mood == "error null" else ""}
    return {"id": request["id"], "path": os.path.relpath(path) if mood == "relative" else path}


note("started", str(os.getpid()))
if MOOD == "reverse":
    requests = [json.loads(sys.stdin.readline()) for _ in range(3)]
    for request in reversed(requests):
        print(json.dumps(answer(request)), flush=True)
for line in sys.stdin:
    note("lines", line.strip())
    print(json.dumps(answer(json.loads(line))), flush=True)
note("ended", "well")
