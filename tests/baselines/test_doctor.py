"""`doctor`: what is looked at, what is said of it, and what to do."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from baselines.rewas import PROGRAM
from benchmark import checkpoints
from benchmark.cli import app, doctor
from benchmark.cli.doctor import examine


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A folder of modules for the program's interpreter: a torch that imports at once and has a GPU."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "torch.py").write_text(
        "class cuda:\n"
        "    is_available = staticmethod(lambda: True)\n"
        "    get_device_name = staticmethod(lambda number: f'GPU {number}')\n"
    )
    monkeypatch.setattr("baselines.rewas.PROGRAM", replace(PROGRAM, imports=("torch", "json:nothing")))
    return modules


@pytest.fixture
def checkout(checkout_of, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = checkout_of(PROGRAM)
    settings = made.settings
    monkeypatch.setattr(made, "settings", lambda **others: settings(env={"PYTHONPATH": str(quick)}, **others))
    return made


def findings(options, model="rewas"):
    return {finding.what: finding for finding in examine(model, options)}


def test_without_settings_it_says_what_to_check_out_and_where_to_write_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    found = findings({})
    assert found["checkout"].verdict == found["interpreter"].verdict == "missing"
    for word in ("https://github.com/naver-ai/rewas at 4e09954", "#readme", "table [rewas]"):
        assert word in found["checkout"].to_do
    assert found["ckpts/phi_vggsound.ckpt"].to_do.startswith("python -m benchmark weights rewas-phi   (0.09 GB, ")


def test_a_checkout_its_commit_and_its_files_are_looked_at(checkout):
    (checkout.folder / "ckpts" / "phi_vggsound.ckpt").unlink()
    (checkout.folder / "ckpts" / "hifigan_16k_64bins.ckpt").unlink()
    found = findings(checkout.settings())
    assert (found["checkout"].verdict, found["checkout"].found) == ("ok", str(checkout.folder))
    assert found["commit"].verdict == "note"
    assert found["commit"].to_do.endswith("checkout 4e09954, if results are to be the published ones")
    assert found["rewas"].verdict == "note"
    assert "7 bytes, sha256 " in found["rewas"].found
    assert found["ckpts/phi_vggsound.ckpt"].verdict == "missing"
    assert found["ckpts/hifigan_16k_64bins.ckpt"].to_do == f"see {PROGRAM.instructions}"


def test_a_checkpoint_of_the_weights_folder_counts_where_the_program_can_be_pointed_to_it(checkout, tmp_path):
    folder = tmp_path / "weights" / "rewas"
    folder.mkdir(parents=True)
    for name in ("phi_vggsound.ckpt", "24-01-04T16-39-21.pt"):
        (checkout.folder / "ckpts" / name).rename(folder / name)
    found = findings(checkout.settings())
    assert found["rewas-phi"].found.startswith(str(folder / "phi_vggsound.ckpt"))
    linked = found["ckpts/24-01-04T16-39-21.pt"]
    assert (linked.verdict, linked.to_do[:4]) == ("missing", "ln -")


def test_a_file_that_is_not_the_published_one_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_own_gpu", lambda: "")
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    row = checkpoints.get("mmaudio-small-16k")
    (tmp_path / row.filename).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / row.filename).write_bytes(b"something else")
    found = findings({}, "mmaudio-s-16k")
    assert found["mmaudio-small-16k"].verdict == "missing"
    assert "is not the published file" in found["mmaudio-small-16k"].found
    assert found["vae-16k"].to_do == "python -m benchmark weights vae-16k"


def test_the_programs_own_interpreter_says_what_it_cannot_import_and_which_gpu_it_sees(checkout, quick):
    (quick / "moviepy.py").write_text("raise RuntimeError('too new')")
    program = replace(PROGRAM, imports=("json", "json:load", "json:nothing", "moviepy.editor"))
    found = doctor._probe(Path(sys.executable), program, {"PYTHONPATH": str(quick)}, checkout.folder)
    assert found["errors"] == {"json:nothing": "it has no nothing", "moviepy.editor": "RuntimeError: too new"}
    assert found["python"].startswith("3.")
    every = findings(checkout.settings())
    assert every["interpreter"].found.startswith(f"{sys.executable}, Python 3.")
    assert (every["GPU"].verdict, every["GPU"].found) == ("ok", "GPU 0")
    assert every["import torch"].verdict == "ok"
    wrong = every["import json:nothing"]
    assert (wrong.verdict, wrong.found) == ("missing", "it has no nothing")
    assert PROGRAM.instructions in wrong.to_do


def test_an_interpreter_that_is_none_is_said_so(checkout):
    found = findings(checkout.settings(python=str(checkout.folder / "absent")))
    assert found["interpreter"].verdict == "missing"
    assert "is no executable" in found["interpreter"].found


def test_a_full_disk_is_said_so(checkout, monkeypatch):
    monkeypatch.setattr(doctor, "NEEDED_DISK_BYTES", 1 << 60)
    found = findings({})
    assert found["disk for results"].verdict == "missing"
    assert "GB free in " in found["disk for results"].found


def test_a_program_of_ones_own_is_looked_for():
    assert findings({}, "external")["command"].verdict == "missing"
    assert findings({"command": f"{sys.executable} x.py"}, "external")["command"].verdict == "ok"
    assert findings({"command": "no-such-program"}, "external")["command"].found == "no-such-program is no executable"


def test_the_segmenter_in_this_process_needs_no_checkout():
    assert "checkout" not in findings({"segmenter": "gsam2"}, "vos-mmaudio")
    assert "checkout" in findings({}, "vos-mmaudio")


def test_an_option_that_the_model_does_not_have_is_refused():
    with pytest.raises(ValueError, match="model 'rewas' has no option 'chekout'"):
        examine("rewas", {"chekout": "x"})


def test_the_command_says_it_in_words_or_as_json_and_leaves_with_status_2(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor", "--model", "vintage"])
    assert result.exit_code == 2
    assert (
        "missing  checkout: nothing says where it is\n         -> check out https://github.com/saksh" in result.stdout
    )
    result = CliRunner().invoke(app, ["doctor", "--model", "vintage", "--json"])
    assert {"what", "verdict", "found", "to_do"} == set(json.loads(result.stdout)[0])
    assert CliRunner().invoke(app, ["doctor", "--model", "oracle"]).exit_code == 0
