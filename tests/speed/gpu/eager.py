"""SELVA-S-16k from frames in memory, as `generate` runs it: every batch size, and the parts of one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from baselines.generator import Request
from baselines.mmaudio import frames
from baselines.mmaudio.batches import VIDEOS_AT_ONCE
from baselines.mmaudio.lengths import lengths_for
from baselines.mmaudio.synthesis import Brief
from baselines.selva.model import SELVA
from benchmark.answers import BatchSize, answers_to
from benchmark.preparing import batches
from foundation.devices import numerics
from speed.gpu.shared import (
    TERAFLOPS,
    length,
    made_up_frames,
    model,
    peak_gigabytes,
    requests,
    seconds_of,
    stand_in_files,
)

SECONDS = 90
CHOSEN = 16


def measure(options: Mapping[str, str], *, compiled: bool = False) -> Iterator[dict[str, object]]:
    """Yield samples a second by batch size, then the seconds, share of the card and memory of each part."""
    frames_of = made_up_frames(4, length(options))
    sizes = sorted(int(size) for size in options.get("batches", "16" if compiled else "1,4,16,32").split(","))
    chosen = max((size for size in sizes if size <= CHOSEN), default=sizes[0])
    selva: SELVA | None = None
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            if selva is None or compiled:
                torch.compiler.reset()  # code for an earlier size would make torch compile for sizes that vary
                selva = None  # its memory first
                selva = model(options, precision="fast", compile=compiled)
            yield from _generated(selva, frames_of, size, Path(folder), length(options))
            if size == chosen:
                yield from _parts(selva, size, float(options.get("teraflops", "790")), length(options))


class _InMemory:
    """SELVA whose videos are decoded already; everything else is its own."""

    def __init__(self, selva: SELVA, frames_of: list[Any]) -> None:
        self._selva, self._frames = selva, frames_of
        self.sample_rate, self.device = selva.sample_rate, selva.device
        self.generate_prepared, self.generate_batch = selva.generate_prepared, selva.generate_batch

    def prepare(self, request: Request) -> Any:
        """Return frames, at once."""
        return self._frames[request.seed % len(self._frames)]

    def generate(self, request: Request) -> Any:
        """Return one answer."""
        return self._selva.generate_prepared([request], [self.prepare(request)])[0]


def _generated(
    selva: SELVA, frames_of: list[Any], size: int, folder: Path, seconds: float
) -> Iterator[dict[str, object]]:
    """Yield the first batch's time, with what is compiled and recorded in it, and the rate of those after it."""
    source: Any = _InMemory(selva, frames_of)

    def run(first: int, count: int) -> float:
        began = time.perf_counter()
        asked = requests(stand_in_files(folder, count, first), seconds)
        for batch in batches(source, asked, BatchSize(size)):
            for answer in answers_to(source, batch.requests, batch.prepared):
                if isinstance(answer, Exception):
                    raise answer
        return time.perf_counter() - began

    warm = run(100_000 * size, size)
    count = max(4 * size, 8)
    took: list[float] = []
    peak = peak_gigabytes(lambda: took.append(run(100_000 * size + size, count)), selva.device)
    yield {
        "what": f"from memory, batch {size}",
        "first_batch_seconds": round(warm, 2),
        "samples_per_second": round(count / took[0], 2),
        "peak_gb": peak,
    }


def _parts(selva: SELVA, size: int, rate: float, seconds: float) -> Iterator[dict[str, object]]:
    """Yield what each part of a batch takes, and what share of the card's bf16 rate its arithmetic is."""
    device, maker = selva.device, selva.synthesiser
    lengths = lengths_for(seconds, maker.audio)
    some = torch.from_numpy(made_up_frames(1, seconds)[0]["sync"]).to(device).expand(VIDEOS_AT_ONCE, -1, -1, -1, -1)
    prompts = ["a dog barking"] * size
    with torch.inference_mode(), numerics("fast"):
        text, mask = selva.text_states(*prompts)
        dtype = text.dtype

        def trunk() -> torch.Tensor:
            return selva.video_encoder.trunk(frames.sync_input(some).to(dtype))

        tokens = trunk()[:1].expand(size, -1, -1, -1).contiguous()
        sync = selva.video_encoder.condition(tokens, text, mask).float()
        clip_text = torch.nn.functional.normalize(torch.randn(size, 77, 1024, device=device), dim=-1)
        brief = Brief(sync, None, clip_text, [None] * size, lengths, range(size))
        latents = maker.latents(brief)
        works = {
            "trunk": (trunk, VIDEOS_AT_ONCE),
            "condition": (lambda: selva.video_encoder.condition(tokens, text, mask), size),
            "sampler": (lambda: maker.latents(brief), size),
            "decode": (lambda: maker.decoded(latents, lengths), size),
        }
        for part, (work, count) in works.items():
            took = seconds_of(work, device) / count
            yield {
                "what": f"part: {part}",
                "milliseconds_per_sample": round(1e3 * took, 2),
                "share_of_bf16_rate": round(TERAFLOPS[part] / took / rate, 3),
            }
        if device.type == "cuda":
            yield {
                "what": "sampler: share of its time in which a kernel runs",
                "busy": round(_busy(works["sampler"][0]), 3),
            }


def _busy(work: Any) -> float:
    """Return kernels' time over wall time of one call."""
    from torch.profiler import ProfilerActivity, profile

    took = seconds_of(work, torch.device("cuda"))
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        work()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in seen.key_averages()) / 1e6 / took
