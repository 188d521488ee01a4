"""Backbones by name: the table, the official layouts, what is refused, and that nothing else happens on the way."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from support.checkpoint_files import network as seeded_network
from support.checkpoint_files import official_layout, write_checkpoint
from support.seeded_weights import off_by, waveform

from foundation.checkpoints import CHECKPOINTS, MissingCheckpoint, WrongCheckpoint
from metrics.backbones import BACKBONES, get_backbone, load_backbone, official_entries

ROOT = Path(__file__).parents[3]
with_extra = pytest.mark.skipif(find_spec("hear21passt") is None, reason="the extra `extended` is not installed")


def published(name: str) -> dict[str, torch.Tensor]:
    """Names and shapes of the published entries, without memory."""
    entries = {}
    for line in (Path(__file__).parent / "data" / "state_dicts.tsv").read_text().splitlines()[1:]:
        backbone, entry, shape, repeats = line.split("\t")
        size = [int(length) for length in shape.split("x") if length]
        if backbone == name:
            for number in range(int(repeats or 1)):
                entries[entry.format(number)] = torch.zeros(size, device="meta")
    return entries


@pytest.mark.parametrize(("name", "count"), [("synchformer", 513), ("imagebind", 569)])
def test_entries_have_the_published_names_and_shapes(name, count):
    expected = published(name)
    assert len(expected) == count
    network = load_backbone(name, state_dict=expected, device="meta")
    assert {n: t.shape for n, t in network.state_dict().items()} == {n: t.shape for n, t in expected.items()}


def test_parameters_are_counted_as_published():
    network = load_backbone("synchformer", state_dict=published("synchformer"), device="meta")
    assert sum(p.numel() for p in network.parameters()) == 237_460_245
    network = load_backbone("imagebind", state_dict=published("imagebind"), device="meta")
    assert sum(p.numel() for p in network.modality_trunks["vision"].parameters()) == 629_680_640
    assert sum(p.numel() for p in network.modality_trunks["audio"].parameters()) == 85_072_896


@pytest.mark.parametrize("name", ["panns", "clap", "imagebind", "synchformer", "vggish", "passt"])
def test_the_official_layout_of_a_file_is_taken_apart(name):
    entries = {"a.vision.b": torch.ones(1), "a.audio.b": torch.zeros(2)}
    found = official_entries(get_backbone(name), official_layout(name, entries))
    assert found.keys() == entries.keys()


@pytest.mark.slow
def test_a_backbone_from_its_file_hears_what_the_network_itself_hears(tmp_path, golden):
    path = write_checkpoint("panns", tmp_path)
    network = load_backbone("panns", checkpoint=path, allow_unverified=True)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    heard = network.audio(waveform("panns/wave0", 128_000, 16_000, seed=1))
    assert off_by(heard.logits, golden("panns")["logits"][:1]) < 1e-4
    with pytest.raises(WrongCheckpoint, match='"panns" is not the published file: its md5 is'):
        load_backbone("panns", checkpoint=path)
    path.unlink()


def test_half_precision_keeps_the_spectrogram_and_answers_in_float32():
    entries = seeded_network("panns", seed=1).state_dict()
    network = load_backbone("panns", state_dict=entries, dtype=torch.bfloat16)
    assert network.fc1.weight.dtype == torch.bfloat16
    assert network.logmel_extractor.melW.dtype == torch.float32
    heard = network.audio(waveform("panns/wave0", 32_000, 16_000, seed=1))
    assert heard.embedding.dtype == heard.logits.dtype == torch.float32


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["clap", "imagebind", "synchformer", "vggish", pytest.param("passt", marks=with_extra)]
)
def test_a_large_backbone_loads_from_its_file(name, tmp_path):
    path = write_checkpoint(name, tmp_path)
    network = load_backbone(name, checkpoint=path, allow_unverified=True)
    path.unlink()  # gigabytes; the open mapping keeps what is needed
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert not any(p.is_meta for p in [*network.parameters(), *network.buffers()])


def test_entries_that_do_not_fit_are_refused_by_the_first():
    entries = published("synchformer")
    del entries["vfeat_extractor.norm.bias"], entries["vproj.bias"]
    with pytest.raises(WrongCheckpoint, match=r"no weights of synchformer: it lacks vfeat_extractor\.norm\.bias"):
        load_backbone("synchformer", state_dict=entries)
    entries = published("imagebind") | {"modality_heads.audio.2.weight": torch.zeros(2, 3, device="meta")}
    with pytest.raises(WrongCheckpoint, match=r"audio\.2\.weight of shape \(2, 3\), expected \(1024, 768\)"):
        load_backbone("imagebind", state_dict=entries)
    entries = published("synchformer") | {"vfeat_extractor.head.weight": torch.zeros(1, device="meta")}
    with pytest.raises(WrongCheckpoint, match=r"it has vfeat_extractor\.head\.weight, which the network has not"):
        load_backbone("synchformer", state_dict=entries)


def test_a_file_of_another_model_is_refused(tmp_path):
    torch.save({"epoch": 3, "weights": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WrongCheckpoint, match=r"other\.pth holds no weights of synchformer: it lacks"):
        load_backbone("synchformer", checkpoint=tmp_path / "other.pth", allow_unverified=True)


def test_a_missing_file_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingCheckpoint, match="python -m benchmark weights synchformer"):
        load_backbone("synchformer")


def test_an_unknown_name_is_answered_with_close_ones():
    with pytest.raises(ValueError, match="unknown backbone 'pann'; did you mean panns"):
        load_backbone("pann")


def test_two_sources_of_weights_are_one_too_many(tmp_path):
    with pytest.raises(ValueError, match="not both"):
        load_backbone("panns", checkpoint=tmp_path, state_dict={})


def test_the_signal_backbone_takes_no_weights():
    with pytest.raises(ValueError, match="signal has no weights"):
        load_backbone("signal", state_dict={})


def test_every_checkpoint_of_a_backbone_is_in_the_table():
    assert {file for row in BACKBONES.values() for file in row.files} <= CHECKPOINTS.keys()


GUARD = """
import os, sys
writable = (os.path.realpath(sys.argv[1]), "/dev/", "/proc/")
def guard(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        sys.exit(f"network: {event} {args}")
    if event in ("os.system", "os.posix_spawn", "subprocess.Popen") and "wget" in str(args):
        sys.exit(f"a program: {event} {args}")
    if event == "open" and isinstance(args[0], (str, bytes)) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        path = os.path.realpath(os.fsdecode(args[0]))
        if not path.startswith(writable) and "/__pycache__" not in path:
            sys.exit(f"writes {path}")
sys.addaudithook(guard)
"""


def run_guarded(code: str, tmp_path: Path) -> None:
    """Run code without network, in an empty home, where writing outside the temporary folder ends the process."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir(mode=0o500)
    scratch.mkdir()
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH")}
    environment = {**keep, "HOME": str(home), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", GUARD + code, str(scratch)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(home.iterdir()) == []


PASST = "" if find_spec("hear21passt") is None else "from metrics.backbones import passt\n"


@pytest.mark.parametrize(
    "code",
    [
        f"from metrics.backbones import clap, imagebind, panns, synchformer, vggish\n{PASST}"
        "torch.nn.init.xavier_uniform_ = torch.nn.init.kaiming_uniform_ = lambda weight, **_: weight  # takes seconds\n"
        "panns.Panns()\n"
        "with torch.device('meta'): synchformer.Synchformer(), imagebind.ImageBind()\n",
        f"from transformers.utils import is_accelerate_available as found\nfound()\n{PASST}"
        "from metrics.backbones import clap\n",
    ],
    ids=["first", "after transformers has looked for its extras"],
)
def test_importing_touches_neither_network_nor_home(tmp_path, code):
    run_guarded(
        f"import torch\n{code}"
        "assert not {'panns_inference', 'laion_clap', 'hear21passt', 'matplotlib'} & set(sys.modules)\n"
        "assert 'NUMBA_CACHE_DIR' not in os.environ\n",
        tmp_path,
    )


@pytest.mark.slow
def test_constructing_clap_touches_neither_network_nor_home(tmp_path):
    run_guarded("from metrics.backbones.clap import Clap\nClap()\n", tmp_path)


def test_listing_imports_no_torch(tmp_path):
    run_guarded(
        "import metrics.backbones as b\nassert list(b.BACKBONES)\nassert 'torch' not in sys.modules\n", tmp_path
    )
