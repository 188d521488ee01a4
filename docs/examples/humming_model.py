"""A model for the harness in 40 lines: it reads requests and writes answers, one JSON object per line.

It hums a tone whose pitch follows from the prompt. Replace `hum` by your model, in whatever language you like.
"""

import hashlib
import json
import math
import random
import struct
import sys
import wave

RATE = 16_000


def hum(prompt: str, seconds: float, seed: int) -> list[float]:
    """Return samples within [-1, 1]; the same for the same prompt and seed."""
    noise = random.Random(seed)
    pitch = 100 + hashlib.sha256(prompt.encode()).digest()[0] * 4
    count = round(seconds * RATE)
    return [0.3 * math.sin(2 * math.pi * pitch * k / RATE) + noise.uniform(-0.02, 0.02) for k in range(count)]


def write(path: str, samples: list[float]) -> None:
    """Write 16-bit mono."""
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *(round(32767 * value) for value in samples)))


for line in sys.stdin:
    request = json.loads(line)
    try:
        write(request["output"], hum(request["prompt"], request["duration_seconds"], request["seed"]))
        answer = {"id": request["id"], "path": request["output"]}
    except (OSError, ValueError) as error:
        answer = {"id": request["id"], "error": str(error)}
    print(json.dumps(answer), flush=True)
