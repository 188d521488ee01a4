"""Running networks: how many files at once on which device, what travels there, and float32 throughout."""

import numpy as np
import pytest
import torch

from benchmark.profiles import running
from benchmark.profiles.paper import PaperProfile
from benchmark.profiles.running import BATCH_SIZES, Runner, batch_size, exactly
from foundation.checkpoints import CHECKPOINTS, PAPER_PROFILE
from foundation.devices import Uploader, numerics
from metrics.backbones import imagebind, synchformer


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_sizes_on_a_cpu_are_those_that_features_were_kept_with():
    assert {name: batch_size(name, "cpu") for name in BATCH_SIZES} == {
        "panns.audio": 16, "panns.kadtk": 16, "clap.audio": 8, "imagebind.audio": 8, "synchformer.audio": 2,
        "imagebind.video": 1, "synchformer.video": 1, "synchformer.offsets": 1, "vggish.audio": 8, "passt.audio": 8,
        "audiobox.audio": 2, "pe_av.audio": 2, "pe_av.video": 1,
    }  # fmt: skip
    assert batch_size("clap.audio", "mps") == 8


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_sizes_on_a_gpu_are_larger_and_the_profile_takes_them(tmp_path, monkeypatch, device):
    monkeypatch.setattr("benchmark.profiles.networks.check_device", lambda _device: None)
    for name in PAPER_PROFILE:
        (tmp_path / CHECKPOINTS[name].filename).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / CHECKPOINTS[name].filename).write_text(name)
    profile = PaperProfile(device=device, weights_dir=tmp_path, allow_unverified=True)
    assert {extractor.name: extractor.batch_size for extractor in (*profile.audio, *profile.video)} == {
        "panns.audio": 128, "panns.kadtk": 128, "clap.audio": 64, "imagebind.audio": 64, "synchformer.audio": 16,
        "imagebind.video": 16, "synchformer.video": 4,
    }  # fmt: skip


def waveforms(*lengths):
    random = np.random.default_rng(5)
    return [{"waveform": random.normal(size=length).astype(np.float32)} for length in lengths]


class Network:
    """Means of what it is given; remembers how much that was, and how it was run."""

    def __init__(self):
        self.given, self.ran = [], set()

    def __call__(self, batch):
        self.given.append(tuple(batch.shape))
        self.ran.add((flags(), torch.is_inference_mode_enabled()))
        return {"mean": batch.mean(dim=1), "sign": batch.sign().sum(dim=1).to(torch.float64)}


def test_equal_shapes_go_through_together_and_results_keep_the_order_of_the_files():
    network, files = Network(), waveforms(7, 9, 7, 7, 9)
    found = Runner("cpu").run(files, ["waveform"], network, growth=1)
    assert network.given == [(3, 7), (2, 9)]
    for file, features in zip(files, found, strict=True):
        assert features["mean"] == pytest.approx(file["waveform"].mean(), rel=1e-5)
        assert features["sign"].dtype == np.float32


@pytest.mark.parametrize(
    ("free", "parts"),
    [
        pytest.param(1, [1] * 5, id="not even one"),
        pytest.param(2 * 10 * 28 * 2, [2, 1, 1, 1], id="two of the first"),
        pytest.param(2 * 10 * 28 * 3, [3, 2], id="all"),
    ],
)
def test_no_more_goes_through_together_than_half_of_the_free_memory_holds(monkeypatch, free, parts):
    files = waveforms(7, 7, 7, 9, 9)  # 28 bytes each, the last two 36
    alone = Runner("cpu").run(files, ["waveform"], Network(), growth=10)
    monkeypatch.setattr(running, "free_bytes", lambda _device: free)
    network = Network()
    found = Runner("cpu").run(files, ["waveform"], network, growth=10)
    np.testing.assert_equal(found, alone)
    assert [count for count, _ in network.given] == parts


def test_networks_run_in_float32_and_without_gradients_and_what_was_set_before_is_set_again():
    with numerics("fast"):
        network = Network()
        Runner("cpu").run(waveforms(5), ["waveform"], network, growth=1)
        assert network.ran == {((False, False), True)}
        assert flags() == (True, True)
        with pytest.raises(ZeroDivisionError), exactly():
            raise ZeroDivisionError
        assert flags() == (True, True)


def test_a_network_of_two_inputs_is_given_both():
    files = [{"a": np.full(2, n, np.float32), "b": np.full(3, 10 * n, np.float32)} for n in range(3)]
    found = Runner("cpu").run(files, ["b", "a"], lambda b, a: {"sum": a.sum(dim=1) + b.sum(dim=1)}, growth=1)
    assert [features["sum"].item() for features in found] == [0, 32, 64]


@pytest.mark.parametrize(
    ("prepare", "shape"),
    [(imagebind.prepare_video, (3, 3, 2, 224, 224)), (synchformer.prepare_video, (2, 3, 224, 224))],
)
def test_frames_travel_as_bytes_and_are_prepared_on_the_device(monkeypatch, prepare, shape):
    """The device `meta` refuses what lies elsewhere, as a GPU does."""
    sent, given = [], []
    stage = Uploader.stage

    def staged(self, batch):
        sent.extend(array.dtype for arrays in batch for array in arrays.values())
        return stage(self, batch)

    def network(batch):
        given.append((batch.device.type, batch.dtype, tuple(batch.shape)))
        return {"embedding": torch.zeros(len(batch))}

    monkeypatch.setattr(Uploader, "stage", staged)
    films = [{"frames": np.zeros((2, 3, 224, 300), np.uint8)} for _ in range(2)]
    Runner("meta").run(films, ["frames"], network, growth=1, prepare=prepare)
    assert sent == [np.uint8] * 2
    assert given == [("meta", torch.float32, (2, *shape))]


@pytest.mark.parametrize("prepare", [imagebind.prepare_video, synchformer.prepare_video])
def test_frames_prepared_by_the_runner_are_those_prepared_alone(prepare):
    random, seen = np.random.default_rng(7), []
    films = [{"frames": random.integers(0, 256, (3, 3, 224, width), dtype=np.uint8)} for width in (224, 301)]

    def network(batch):
        seen.append(batch.clone())
        return {"embedding": torch.zeros(len(batch))}

    Runner("cpu").run(films, ["frames"], network, growth=1, prepare=prepare)
    assert torch.equal(torch.cat(seen), torch.stack([prepare(film["frames"]) for film in films]))
