"""`doctor`: what is looked at, what is said of it, and what to do."""

import hashlib
import json
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.recipes import driven_checkout, models_toml
from typer.testing import CliRunner

from baselines.programs.rewas import PROGRAM
from benchmark.cli import app, doctor, doctor_program
from benchmark.cli.doctor import examine
from foundation import checkpoints, extras


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A folder of modules for the program's interpreter: a torch that imports at once and has a GPU."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "torch.py").write_text(
        "class cuda:\n"
        "    is_available = staticmethod(lambda: True)\n"
        "    get_device_name = staticmethod(lambda number: f'GPU {number}')\n"
        "    mem_get_info = staticmethod(lambda number: (50e9, 80e9))\n"
    )
    monkeypatch.setattr("baselines.programs.rewas.PROGRAM", replace(PROGRAM, imports=("torch", "json:nothing")))
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
    synchformer = found["rewas-synchformer"]  # neither size nor hash are published
    assert (synchformer.verdict, synchformer.to_do) == ("note", "")
    assert "7 bytes, sha256 " in synchformer.found
    assert found["rewas"].verdict == "missing"  # a download that broke off: no hash would tell
    assert "7 bytes; published are about 7,630,000,000" in found["rewas"].found
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
    (folder / "24-01-04T16-39-21.pt").unlink()
    absent = findings(checkout.settings())["ckpts/24-01-04T16-39-21.pt"]
    assert absent.to_do.startswith(
        "python -m benchmark weights rewas-synchformer   (size not stated, MIT), then ln -s "
    )


def test_a_file_that_is_not_the_published_one_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "own_gpu", lambda: "")
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    row = checkpoints.get("mmaudio-small-16k")
    (tmp_path / row.filename).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / row.filename).write_bytes(b"something else")
    found = findings({}, "mmaudio-s-16k")
    assert found["mmaudio-small-16k"].verdict == "missing"
    assert "is not the published file" in found["mmaudio-small-16k"].found
    assert found["vae-16k"].to_do == "python -m benchmark weights vae-16k   (0.69 GB, CC BY-NC 4.0)"


@pytest.fixture
def toy(monkeypatch):
    """Put a row into the table of checkpoints."""

    def put(size, **facts):
        row = checkpoints.Checkpoint("toy", "toy.pth", "http://127.0.0.1:9/toy.pth", "MIT", size, **facts)
        monkeypatch.setitem(checkpoints.CHECKPOINTS, "toy", row)

    return put


@pytest.mark.parametrize(
    ("size", "facts", "verdict", "found"),
    [
        (7, {"sha256": hashlib.sha256(b"weights").hexdigest()}, "ok", "as published"),
        (7, {"sha256": "0" * 64}, "missing", "is not the published file"),
        (8, {"size_is_exact": True}, "missing", "7 bytes; published are 8"),
        (7, {"size_is_exact": True}, "note", "no hash is published to compare it with"),
        (700, {}, "missing", "published are about 700"),
        (None, {}, "note", "no hash is published to compare it with"),
    ],
    ids=["published", "another file", "another size", "no hash", "cut short", "nothing known"],
)
def test_a_file_is_compared_with_what_is_published_of_it(toy, tmp_path, size, facts, verdict, found):
    toy(size, **facts)
    (tmp_path / "toy.pth").write_bytes(b"weights")
    finding = doctor_program.verified("toy", tmp_path / "toy.pth")
    assert finding.verdict == verdict
    assert found in finding.found
    assert finding.to_do == ("delete it, fetch toy again" if verdict == "missing" else "")


def test_a_file_outside_the_table_only_has_to_hold_something(tmp_path):
    (tmp_path / "full.bin").write_bytes(b"x")
    (tmp_path / "empty.bin").touch()
    assert doctor_program.verified("", tmp_path / "full.bin").verdict == "ok"
    empty = doctor_program.verified("", tmp_path / "empty.bin")
    assert (empty.verdict, empty.to_do) == ("missing", "it is empty; fetch it again")


@pytest.mark.parametrize(
    ("name", "verdict", "found"),
    [("GPU 7", "ok", "GPU 7"), ("", "note", "torch sees none"), (None, "note", "unknown: torch cannot be imported")],
)
def test_a_missing_gpu_is_a_note(name, verdict, found):
    finding = doctor_program.gpu(name)
    assert (finding.what, finding.verdict, finding.found) == ("GPU", verdict, found)


def test_the_programs_own_interpreter_says_what_it_cannot_import_and_which_gpu_it_sees(checkout, quick):
    (quick / "moviepy.py").write_text("raise RuntimeError('too new')")
    program = replace(PROGRAM, imports=("json", "json:load", "json:nothing", "moviepy.editor"))
    found = doctor_program._probe(Path(sys.executable), program, {"PYTHONPATH": str(quick)}, checkout.folder)
    assert found["errors"] == {"json:nothing": "it has no nothing", "moviepy.editor": "RuntimeError: too new"}
    assert found["python"].startswith("3.")
    every = findings(checkout.settings())
    assert every["interpreter"].found.startswith(f"{sys.executable}, Python 3.")
    assert (every["GPU"].verdict, every["GPU"].found) == ("ok", "GPU 0, 50 of 80 GB free")
    assert every["import torch"].verdict == "ok"
    wrong = every["import json:nothing"]
    assert (wrong.verdict, wrong.found) == ("missing", "it has no nothing")
    assert PROGRAM.instructions in wrong.to_do


def test_an_interpreter_that_is_none_is_said_so(checkout):
    found = findings(checkout.settings(python=str(checkout.folder / "absent")))
    assert found["interpreter"].verdict == "missing"
    assert "is not an executable" in found["interpreter"].found


def test_a_full_disk_is_said_so(checkout, monkeypatch):
    monkeypatch.setattr(doctor, "NEEDED_DISK_BYTES", 1 << 60)
    found = findings({})
    assert found["disk for results"].verdict == "missing"
    assert "GB free in " in found["disk for results"].found
    assert found["disk for weights to fetch"].found.endswith(", 7.7 needed")  # of those that are missing and stated


def test_the_folder_of_the_settings_is_the_one_whose_disk_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "models.toml").write_text('[rewas]\nwork_dir = "scratch"\n')
    assert f"GB free in {tmp_path / 'scratch'}" in findings({})["disk for temporary files"].found


def test_a_folder_that_the_programs_shell_would_misread_is_said_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.toml").write_text('[vintage]\nwork_dir = "a b"\n')
    assert findings({}, "vintage")["work_dir"].verdict == "missing"
    assert "work_dir" not in findings({"work_dir": "/tmp"}, "vintage")


def test_modules_are_looked_for_from_the_folder_of_the_script_as_python_does_it(checkout_of, quick, monkeypatch):
    from baselines.programs.deva import PROGRAM as DEVA

    made = checkout_of(DEVA, "deva")
    (made.folder / "deva.py").touch()  # beside demo/, where a script in demo/ does not find it
    (made.folder / "demo" / "helper.py").touch()
    monkeypatch.setattr("baselines.programs.deva.PROGRAM", replace(DEVA, imports=("deva", "helper", "torch")))
    found = findings(made.settings(env={"PYTHONPATH": str(quick)}), "vos-mmaudio")
    assert found["import deva"].verdict == "missing"
    assert found["import helper"].verdict == "ok"


def test_tools_and_gpu_are_looked_for_without_an_interpreter_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/absent")
    monkeypatch.setattr(doctor_program, "own_gpu", lambda: "GPU 7")
    found = findings({}, "vintage")
    assert (found["ffmpeg"].verdict, found["ffmpeg"].to_do) == ("missing", "install ffmpeg")
    assert found["GPU"].found == "GPU 7"


def test_a_native_model_needs_the_packages_of_its_extra(monkeypatch):
    there = extras.is_installed
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "open_clip" and there(package))
    found = findings({}, "selva-s-16k")
    assert (found["transformers"].verdict, found["torchvision"].verdict) == ("ok", "ok")
    assert found["open_clip"].verdict == "missing"
    assert found["open_clip"].to_do == extras.command_for("selva")
    assert "open_clip" not in findings({}, "oracle")


def test_a_part_that_is_not_published_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "own_gpu", lambda: "")
    assert findings({}, "selva-m-44k")["generator"].found == "not published"
    assert "selva-video-encoder" in findings({}, "selva-m-44k")
    (tmp_path / "mine.pth").touch()
    own = {"checkpoint": {"generator": str(tmp_path / "mine.pth"), "video_encoder": "absent.pth"}}
    found = findings(own, "selva-s-16k-sup-3")
    assert (found["generator"].verdict, found["video_encoder"].verdict) == ("ok", "missing")


def test_a_service_is_looked_for_and_nothing_is_posted():
    assert findings({}, "http")["endpoint"].found == "none given"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert findings({"endpoint": f"http://127.0.0.1:{port}/x"}, "http")["endpoint"].verdict == "ok"
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(1) == b""
    assert findings({"endpoint": f"http://127.0.0.1:{port}/x"}, "http")["endpoint"].verdict == "missing"
    with pytest.raises(ValueError, match="endpoint: expected http"):
        findings({"endpoint": "ftp://x"}, "http")


def test_a_program_of_ones_own_is_looked_for():
    assert findings({}, "external")["command"].verdict == "missing"
    assert findings({"command": f"{sys.executable} -u"}, "external")["command"].verdict == "ok"
    assert (
        findings({"command": "no-such-program"}, "external")["command"].found == "no-such-program is not an executable"
    )
    script = findings({"command": f"{sys.executable} absent.py"}, "external")["command"]
    assert script.verdict == "missing"
    assert script.found.endswith("/absent.py")
    assert findings({"command": "x", "checkout": "/absent"}, "external")["checkout"].found == "/absent is not a folder"


def test_the_segmenter_in_this_process_needs_its_models_and_no_checkout(tmp_path):
    (tmp_path / "model.safetensors").touch()
    found = findings({"segmenter": "gsam2", "detector": str(tmp_path), "tracker": "no/body"}, "vos-mmaudio")
    assert "checkout" not in found
    assert (found["detector"].verdict, found["tracker"].verdict) == ("ok", "missing")
    assert found["tracker"].to_do == "hf download no/body, or --option tracker=FOLDER"
    with pytest.raises(ValueError, match="segmenter: expected deva or gsam2, got 'sam'"):
        findings({"segmenter": "sam"}, "vos-mmaudio")
    assert "checkout" in findings({}, "vos-mmaudio")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_steps": "many"}, "num_steps: expected a value like 25, got 'many'"),
        ({"seed": -1}, "seed: expected 0 to "),
    ],
)
def test_a_value_that_an_option_of_a_recipe_cannot_have_is_named(options, said):
    found = findings(options, "mmaudio-demo")
    assert found["options"].verdict == "missing"
    assert found["options"].found.startswith(said)
    assert "options" not in findings({"num_steps": 20, "seed": 3}, "mmaudio-demo")


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


def test_the_judge_is_looked_at_though_it_is_no_model(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor_program, "own_gpu", str)  # it would import torch
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["doctor", "--model", "sam-audio-judge"])
    assert answer.exit_code == 2
    assert "missing  checkout: nothing says where it is" in answer.stdout
    assert "check out https://github.com/facebookresearch/sam-audio at 68b48d4" in answer.stdout
    assert "table [sam-audio-judge]" in answer.stdout
    assert "note     judge: facebook/sam-audio-judge of the hub" in answer.stdout


def test_a_judge_that_is_set_up_passes_and_its_place_is_the_one_that_scores(tmp_path, monkeypatch):
    place = driven_checkout("sam-audio-judge", tmp_path)
    (place.folder / "torchcodec.py").touch()
    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(models_toml(tmp_path / "m.toml", {"sam-audio-judge": place})))
    found = findings({}, "sam-audio-judge")
    assert not [finding for finding in found.values() if finding.verdict == "missing"]
    assert found["import sam_audio:SAMAudioJudgeModel"].verdict == "ok"
    monkeypatch.setenv("VGG_MONOAUDIO_JUDGE", str(tmp_path))
    assert findings({}, "sam-audio-judge")["judge"].found == str(tmp_path)
    absent = findings({"judge": str(tmp_path / "absent")}, "sam-audio-judge")["judge"]
    assert (absent.verdict, absent.to_do) == ("missing", "set VGG_MONOAUDIO_JUDGE to a folder or a name of the hub")
    with pytest.raises(ValueError, match="sam-audio-judge has no option 'steps'"):
        findings({"steps": 3}, "sam-audio-judge")
