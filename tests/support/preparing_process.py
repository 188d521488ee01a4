"""Processes that prepare clips and can be made to die at a moment; their networks are formulas, so they are quick.

Run as a program it forks a process for each line of its input, FOLDER and perhaps a moment, which prepares
FOLDER/clips by FOLDER/list.csv to FOLDER/store; importing what they need takes longer than all they do. A process dies
by SIGKILL when its moment comes: moments are counted from 0, one for each clip that is read and two for each file that
is written, the first of these with half of the file there. FOLDER/made gets a line for each shard that is made.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.selva.training import preparing, preparing_reading, preparing_shard, preparing_texts
from baselines.selva.training.preparing import Options, prepare

SECONDS = 0.8
OPTIONS = Options(seconds=SECONDS, shard_clips=2, workers=0)  # in this process, which is the one that dies


class FormulaNetworks:
    """Stands for the networks of `train prepare`: means of what they are given."""

    at_once, knows_clip, no_teacher, teacher_weights = 2, True, "", "made up"

    def __init__(self, **_: object) -> None:
        self.weights = {"vae_16k": "made up"}

    def latents(self, rate: str, sounds: Tensor) -> tuple[Tensor, Tensor]:
        frames = lengths_for(SECONDS, FORMATS[rate]).latent
        blocks = sounds.view(len(sounds), frames, -1)
        wide = blocks.abs().mean(2, keepdim=True).expand(-1, -1, FORMATS[rate].latent_channels)
        return wide, wide + 1

    def teacher(self, frames: Tensor) -> Tensor:
        return frames[:, :8].float().mean((2, 3))[..., :1].expand(-1, -1, 768)

    def text_encoders(self) -> "FormulaNetworks":
        return self

    def __enter__(self) -> "FormulaNetworks":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def clip(self, text: str) -> Tensor:
        return torch.full((77, 1024), float(len(text)))

    def t5(self, text: str) -> Tensor:
        return torch.full((1 + len(text.split()), 768), float(len(text)))


def main(folder: Path, moment: int | None) -> None:
    passed = 0

    def step(before: Callable[[], object] = lambda: None) -> None:
        nonlocal passed
        if passed == moment:
            before()
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    read, save, make = preparing_reading.read_clip, safetensors.torch.save_file, preparing_shard.ShardMaker.make

    def reading(path: Path, **how: Any) -> Any:
        step()
        return read(path, **how)

    def saving(arrays: dict[str, Tensor], path: Path, **how: Any) -> None:
        save(arrays, path, **how)
        step(lambda: os.truncate(path, path.stat().st_size // 2))

    def writing(*args: Any, **how: Any) -> None:
        write_shard(*args, **how)
        step()

    def making(maker: preparing_shard.ShardMaker, number: int, entries: Any) -> None:
        with (folder / "made").open("a") as file:
            file.write(f"{number}\n")
        make(maker, number, entries)

    write_shard = preparing_shard.write_shard
    preparing_reading.read_clip, safetensors.torch.save_file = reading, saving
    preparing_shard.write_shard = preparing_texts.write_shard = writing
    preparing_shard.ShardMaker.make = making
    preparing.PreparingNetworks = FormulaNetworks
    prepare(folder / "clips", [folder / "list.csv"], folder / "store", options=OPTIONS)


class Processes:
    """Forks processes until its block ends."""

    def __enter__(self) -> "Processes":
        self._program = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._program.communicate()

    def run(self, *work: tuple[Path, int | None]) -> list[int]:
        """Prepare clips in a process for each folder, all at once; return exit statuses, below 0 for signals."""
        self._program.stdin.write(json.dumps([(str(folder), moment) for folder, moment in work]) + "\n")
        self._program.stdin.flush()
        return json.loads(self._program.stdout.readline())


def _forked(folder: str, moment: int | None) -> int:
    process = os.fork()
    if process == 0:
        status = 1
        try:
            main(Path(folder), moment)
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    return process


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        processes = [_forked(*work) for work in json.loads(line)]
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]), flush=True)
