"""The official SELVA modules (jnwnlee/selva @ 70a8589) at the settings of their own scripts, with random weights.

    from speed.gpu.official import measure

    for row in measure({"official": "folder of a checkout"}):
        print(row)

Timed is what their `generate` does behind the text encoders: text-conditioned video encoder, sampler, VAE decoder and
vocoder, as `demo.py` runs them (bfloat16 weights, batch 1, segment by segment) and as `batch_inference.py` does
(autocast, batches, torch.compile), with guidance, steps and batch size from `config/` of the checkout and TF32
allowed. Text features are random, frames are on the device already; what it takes to copy them there, as `generate`
does each time, is given apart. Their code is run from the checkout; none of it is here.

A row gives, of one warm-up and three runs, the median seconds of a sample and of each part of it, without a wait
between the parts. Options, all but the first for tries: `official`, `device`, `batch`, `steps`, `duration` (seconds of
sound), `compile` (yes or no), `compile_seconds`. Where torch.compile takes longer than that, the row says "failed" and
has the parts that were compiled in time. Text encoders are in neither the times nor the memory. For the data set
`infer_video` the batch script takes one sample at a time, whatever its batch size; that is not timed.

What a machine may lack and their modules import is stood in for while they are imported, and named in each row:
omegaconf (reads two YAML files), torchdiffeq, requests and tqdm (not used here), and their audio branch, which needs
an older transformers and is never built.
"""

from __future__ import annotations

import importlib
import io
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from foundation.devices import numerics

SECONDS = 100
COMPILE_SECONDS = 60.0
RUN_SECONDS = 15.0  # for the runs after compiling; compiling ends so much before the section's time
RUNS = 3
PARTS = ("video encoder", "sampler", "decode")
COMPILE_ORDER = ("sampler", "video encoder", "decode")  # the part that gains most first
T5_TOKENS = 8  # "playing acoustic guitar" and the like


class OutOfTime(BaseException):
    """Not an Exception, so that no compiler takes it for a failure of its own."""


@dataclass(frozen=True)
class Settings:
    """What the official configuration says of a run; `segments` times the batch go through the encoder at once."""

    batch: int
    steps: int
    duration: float
    guidance: float
    segments: int
    sup_tokens: int
    amp: bool
    compile: bool
    method: str
    min_sigma: float

    @classmethod
    def read(cls, checkout: Path, options: Mapping[str, str]) -> Settings:
        """Read the settings of `batch_inference.py`; some options come before them."""
        known: dict[str, Any] = {}
        for name in ("base_config.yaml", "infer_config.yaml"):
            known |= yaml.safe_load((checkout / "config" / name).read_text())
        sampling = known["sampling"]
        return cls(
            batch=int(options.get("batch", known["batch_size"])),
            steps=int(options.get("steps", sampling["num_steps"])),
            duration=float(options.get("duration", known["duration_s"])),
            guidance=known["cfg_strength"],
            segments=known["sync_batch_size_multiplier"],
            sup_tokens=known["video_enc"]["model"]["params"]["num_sup_text_tokens"],
            amp=known["amp"],
            compile=options["compile"] == "yes" if "compile" in options else known["compile"],
            method=sampling["method"],
            min_sigma=sampling["min_sigma"],
        )

    def as_demo(self) -> Settings:
        """Return what `demo.py` has otherwise."""
        return replace(self, batch=1, segments=-1, amp=False, compile=False)


@dataclass(frozen=True)
class Inputs:
    """One batch: what the loader and the text encoders would give."""

    frames: Tensor
    clip_text: Tensor
    t5_states: Tensor
    t5_mask: Tensor
    negative: Tensor | None

    @classmethod
    def random(cls, settings: Settings, device: torch.device, dtype: torch.dtype, *, negative: bool) -> Inputs:
        """Draw a batch; frames are normalised, hence in [-1, 1]."""
        count, frames = settings.batch, int(25 * settings.duration)
        kind: dict[str, Any] = {"device": device, "dtype": dtype}
        return cls(
            frames=torch.rand(count, frames, 3, 224, 224, **kind) * 2 - 1,
            clip_text=nn.functional.normalize(torch.randn(count, 77, 1024, **kind), dim=-1),
            t5_states=torch.randn(count, T5_TOKENS, 768, **kind),
            t5_mask=torch.ones(count, T5_TOKENS, dtype=torch.bool, device=device),
            negative=nn.functional.normalize(torch.randn(count, 77, 1024, **kind), dim=-1) if negative else None,
        )


class Official:
    """The official modules, called as their `generate` calls them."""

    def __init__(self, checkout: Path, settings: Settings, device: torch.device) -> None:
        with importable(checkout) as self.stand_ins, redirect_stdout(io.StringIO()):
            load = importlib.import_module
            self.encoder = load("selva.model.networks_video_enc").get_my_textsynch(
                "depth1", num_sup_text_tokens=settings.sup_tokens
            )
            self.generator = load("selva.model.networks_generator").get_my_mmaudio(
                "small_16k", latent_mean=torch.zeros(20), latent_std=torch.ones(20)
            )
            self.codec = build_codec(load)
            self._flow_matching = load("selva.model.flow_matching").FlowMatching
            self._lengths = load("selva.model.sequence_config").CONFIG_16K
        self.device = device
        for module in self.modules():
            fill_zeros(module)

    def modules(self) -> list[nn.Module]:
        """Return the three networks."""
        return [self.encoder, self.generator, self.codec]

    def prepare(self, settings: Settings, dtype: torch.dtype) -> None:
        """Bring the networks to the device and set them as a script does."""
        for module in self.modules():
            module.to(self.device, dtype).eval()
        lengths = replace(self._lengths, duration=settings.duration)
        self.encoder.sync_batch_size_multiplier = settings.segments
        self.encoder.update_seq_lengths(video_seq_len=lengths.sync_seq_len)
        self.generator.update_seq_lengths(lengths.latent_seq_len, lengths.clip_seq_len, lengths.sync_seq_len)
        self._solver = self._flow_matching(settings.min_sigma, inference_mode=settings.method, num_steps=settings.steps)
        self._guidance, self._dtype = settings.guidance, dtype

    def encode(self, inputs: Inputs) -> Tensor:
        """Return the video features that the text conditions."""
        states, mask = self.encoder.prepend_sup_text_tokens(inputs.t5_states, inputs.t5_mask)
        return self.encoder.encode_video_with_sync(inputs.frames, text_f=states, text_mask=mask)

    def sample(self, inputs: Inputs, sync: Tensor) -> Tensor:
        """Return latents in the VAE's scale."""
        network, count = self.generator, len(inputs.clip_text)
        shape = (count, network.latent_seq_len, network.latent_dim)
        noise = torch.randn(shape, device=self.device, dtype=self._dtype)
        clip = network.get_empty_clip_sequence(count)
        given = network.preprocess_conditions(clip, sync, inputs.clip_text)
        empty = network.get_empty_conditions(count, negative_text_features=inputs.negative)

        def flow(t: Tensor, latent: Tensor) -> Tensor:
            return network.ode_wrapper(t, latent, given, empty, self._guidance)

        return network.unnormalize(self._solver.to_data(flow, noise))

    def decode(self, latent: Tensor) -> Tensor:
        """Return waveforms."""
        return self.vocode(self.spectrogram(latent))

    @torch.inference_mode()
    def spectrogram(self, latent: Tensor) -> Tensor:
        """Return what the VAE makes of latents."""
        return self.codec.decode(latent.transpose(1, 2))

    @torch.inference_mode()
    def vocode(self, mel: Tensor) -> Tensor:
        """Return what the vocoder makes of a spectrogram."""
        return self.codec.vocode(mel)

    def compile(self, part: str) -> None:
        """Compile what `batch_inference.py` does of a part."""
        for owner, name in self._compiled(part):
            setattr(owner, name, torch.compile(getattr(owner, name)))

    def revert(self, part: str) -> None:
        """Take back `compile`."""
        for owner, name in self._compiled(part):
            vars(owner).pop(name, None)

    def _compiled(self, part: str) -> list[tuple[Any, str]]:
        return {
            "video encoder": [(self.encoder, "encode_video_with_sync")],
            "sampler": [(self.generator, "preprocess_conditions"), (self.generator, "predict_flow")],
            "decode": [(self, "spectrogram"), (self, "vocode")],
        }[part]


def build_codec(load: Callable[[str], ModuleType]) -> nn.Module:
    """Return the official VAE decoder and vocoder, made by their own loader from files of random weights in memory."""
    wrapped = load("selva.ext.bigvgan.bigvgan")
    vocoder = wrapped.BigVGANVocoder(wrapped.OmegaConf.load(wrapped._bigvgan_vocoder_path))
    vae = load("selva.ext.autoencoder.vae").get_my_vae("16k")
    return load("selva.ext.autoencoder.autoencoder").AutoEncoderModule(
        vae_ckpt_path=as_file(vae.state_dict()),
        vocoder_ckpt_path=as_file({"generator": vocoder.state_dict()}),
        mode="16k",
        need_vae_encoder=False,
    )


def as_file(state: Mapping[str, Any]) -> io.BytesIO:
    """Return a checkpoint that was never on a disk."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


def fill_zeros(module: nn.Module) -> None:
    """Draw the weights that start as zeros: a GPU is quicker with zeros than with a trained network's weights."""
    for weights in module.parameters():
        if weights.numel() > 1 and not weights.any():
            weights.normal_(std=0.02)


@contextmanager
def importable(checkout: Path) -> Iterator[list[str]]:
    """Put a checkout on the path, with stand-ins for what it imports and is not here; yield their names."""
    known: dict[str, dict[str, Any]] = {
        "omegaconf": {"OmegaConf": SimpleNamespace(load=load_yaml)},
        "torchdiffeq": {"odeint": None},
        "requests": {},
        "tqdm": {"tqdm": None},
    }
    missing = {name: contents for name, contents in known.items() if find_spec(name) is None}
    missing["selva.ext.synchformer.astransformer"] = {"AST": None}
    for name, contents in missing.items():
        module = sys.modules[name] = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(contents)
    sys.path.insert(0, str(checkout))
    try:
        yield list(missing)
    finally:
        sys.path.remove(str(checkout))
        for name in missing:
            del sys.modules[name]


def load_yaml(path: Path) -> SimpleNamespace:
    """Return a YAML file as nested attributes."""

    def nested(value: Any) -> Any:
        return SimpleNamespace(**{k: nested(v) for k, v in value.items()}) if isinstance(value, dict) else value

    return nested(yaml.safe_load(path.read_text()))


class Clock:
    """Marks the points of a run without making it wait for a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._points: list[Any] = []

    def mark(self) -> None:
        """Note the time, on the GPU where there is one."""
        if self._cuda:
            self._points.append(torch.cuda.Event(enable_timing=True))
            self._points[-1].record()
        else:
            self._points.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Return the times between the points; the GPU has passed the last."""
        pairs = zip(self._points, self._points[1:], strict=False)
        return [a.elapsed_time(b) / 1000 if self._cuda else b - a for a, b in pairs]


def wait(device: torch.device) -> None:
    """Wait for what the GPU has still to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run(official: Official, inputs: Inputs) -> tuple[float, list[float], Tensor]:
    """Make one batch; return the seconds, those of each part, and the waveforms."""
    clock = Clock(official.device)
    wait(official.device)
    start = time.perf_counter()
    clock.mark()
    sync = official.encode(inputs)
    clock.mark()
    latent = official.sample(inputs, sync)
    clock.mark()
    waves = official.decode(latent)
    clock.mark()
    wait(official.device)
    return time.perf_counter() - start, clock.seconds(), waves


def timed(official: Official, inputs: Inputs) -> dict[str, Any]:
    """Warm up, run three times, and return the row's numbers, per sample."""
    count, cuda = len(inputs.frames), official.device.type == "cuda"
    waves = run(official, inputs)[2]
    if waves.shape[:2] != (count, 1) or not waves.isfinite().all():
        raise RuntimeError(f"the official modules gave {tuple(waves.shape)}, or numbers that are not finite")
    if cuda:
        torch.cuda.reset_peak_memory_stats(official.device)
    totals, parts, _ = zip(*(run(official, inputs) for _ in range(RUNS)), strict=True)
    each = statistics.median(totals) / count
    row: dict[str, Any] = {"seconds_per_sample": each, "samples_per_second": 1 / each}
    row["parts"] = {
        name: statistics.median(seconds) / count for name, seconds in zip(PARTS, zip(*parts, strict=True), strict=True)
    }
    if cuda:
        row["peak_gb"] = torch.cuda.max_memory_allocated(official.device) / 1e9
    return row


def attempted(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a row's numbers, or why there are none: one way to run that fails must not hide the others."""
    try:
        return call()
    except (Exception, OutOfTime) as error:
        return {"failed": told(error)}


def told(error: BaseException) -> str:
    """Return the beginning of an error, as a row has it."""
    return f"{type(error).__name__}: {error}"[:300]


def copying(inputs: Inputs, device: torch.device) -> float:
    """Return the seconds per sample that `generate` takes to copy the frames of a batch, in float32, to the device."""
    frames = torch.empty(inputs.frames.shape).fill_(0.5)
    spent = []
    for _ in range(RUNS):
        wait(device)
        start = time.perf_counter()
        frames.to(device, inputs.frames.dtype, non_blocking=True)
        wait(device)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent) / len(frames)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body after so long; without a limit outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime("it took too long")

    handler, (before, interval) = signal.signal(signal.SIGALRM, stop), signal.getitimer(signal.ITIMER_REAL)
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if before:
            signal.setitimer(signal.ITIMER_REAL, max(before - (time.monotonic() - start), 0.01), interval)


def compile_parts(official: Official, inputs: Inputs, seconds: float) -> dict[str, str]:
    """Compile part after part until the time is over; return what became of those that stay as they were."""
    sync = official.encode(inputs)
    latent = official.sample(inputs, sync)
    calls: dict[str, Callable[[], Tensor]] = {
        "video encoder": lambda: official.encode(inputs),
        "sampler": lambda: official.sample(inputs, sync),
        "decode": lambda: official.decode(latent),
    }
    failed, end = {}, time.monotonic() + seconds
    for part in COMPILE_ORDER:
        official.compile(part)
        try:
            with limited(end - time.monotonic()):
                calls[part]()
                wait(official.device)
        except (Exception, OutOfTime) as error:
            official.revert(part)
            failed[part] = told(error)
    return failed


def compiled_row(official: Official, inputs: Inputs, seconds: float) -> dict[str, Any]:
    """Return the numbers of the compiled modules; only those of the compiled parts where some failed."""
    start = time.monotonic()
    failed = compile_parts(official, inputs, seconds)
    took = time.monotonic() - start
    row: dict[str, Any] = {}
    if len(failed) < len(PARTS):
        try:
            with limited(max(RUN_SECONDS, seconds - took)):
                row = timed(official, inputs)
        except (Exception, OutOfTime) as error:
            failed["run"] = told(error)
    if failed:
        parts = {name: spent for name, spent in row.get("parts", {}).items() if name not in failed}
        row = {"failed": "; ".join(f"{part}: {why}" for part, why in failed.items()), "parts": parts}
    return row | {"compile_seconds": took}


@contextmanager
def as_scripts(settings: Settings, device: torch.device) -> Iterator[None]:
    """Set torch as the official scripts do, which build and run everything in inference mode."""
    amp = torch.autocast(device.type, torch.bfloat16, enabled=settings.amp)
    with torch.inference_mode(), numerics("fast"), amp:
        yield


def build(checkout: Path, settings: Settings, device: torch.device) -> Official:
    """Make the networks, seeded."""
    torch.manual_seed(0)
    with torch.inference_mode():
        return Official(checkout, settings, device)


def demo_row(official: Official, settings: Settings) -> dict[str, Any]:
    """Time what `demo.py` runs: everything in bfloat16, and a negative prompt always."""
    with as_scripts(settings, official.device):
        official.prepare(settings, torch.bfloat16)
        return timed(official, Inputs.random(settings, official.device, torch.bfloat16, negative=True))


def batch_row(official: Official, settings: Settings, compile_for: float | None = None) -> dict[str, Any]:
    """Time what `batch_inference.py` runs, compiled where seconds for it are given."""
    with as_scripts(settings, official.device):
        official.prepare(settings, torch.float32)
        inputs = Inputs.random(settings, official.device, torch.float32, negative=False)
        if compile_for is not None:
            return compiled_row(official, inputs, compile_for)
        copied = {"copy_seconds": copying(inputs, official.device)} if official.device.type == "cuda" else {}
        return timed(official, inputs) | copied


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield a row for the demo, for the batch script, and for the batch script compiled, if its settings say so."""
    if not options.get("official"):
        yield {"what": "official modules", "skipped": "no checkout given"}
        return
    start, checkout = time.monotonic(), Path(options["official"]).resolve()
    settings, device = Settings.read(checkout, options), torch.device(options.get("device", "cuda"))
    official = build(checkout, settings, device)
    common = {"steps": settings.steps, "duration": settings.duration, "stand_ins": official.stand_ins}
    demo = settings.as_demo()
    yield {"what": "official modules, bf16 weights, batch 1"} | attempted(lambda: demo_row(official, demo)) | common
    kind = "bf16 autocast" if settings.amp else "TF32"
    name = f"official modules, {kind}, batch {settings.batch}"
    yield {"what": name} | attempted(lambda: batch_row(official, settings)) | common
    if settings.compile:
        left = min(COMPILE_SECONDS, SECONDS - RUN_SECONDS - (time.monotonic() - start))
        left = float(options.get("compile_seconds", left))
        yield {"what": f"{name}, torch.compile"} | attempted(lambda: batch_row(official, settings, left)) | common
