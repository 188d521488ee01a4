"""A model of one's own in a file: no package, no registration, no constructor argument is needed to run it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.runs import OwnModelRecord, RunDirectory
from foundation.files import file_sha256

ROOT = Path(__file__).parents[3]
HUM = """
import numpy as np

class {name}:
    '''Hums at one pitch.'''
    sample_rate = 16_000

    def generate(self, request):
        moments = np.arange(round(request.duration * self.sample_rate)) / self.sample_rate
        return (0.2 * np.sin(2 * np.pi * {pitch} * moments)).astype(np.float32)
"""
NETWORK = """
import numpy as np

def my_network(video, prompt, *, seed):
    assert video.is_file() and prompt
    return np.random.default_rng(seed).uniform(-0.1, 0.1, 5 * 16_000).astype(np.float32)
"""


pytestmark = pytest.mark.usefixtures("process")


def write(path: Path, text: str = "", *, name: str = "MyModel", pitch: float = 200.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or HUM.format(name=name, pitch=pitch))
    return path


@pytest.fixture
def generate(command, tiny):
    """`generate` on the inter-class scenes."""

    def run(model, *arguments):
        return command("generate", model, "--benchmark", tiny.path, "--subset", "inter", "--runs", "runs", *arguments)

    return run


def run_of(name: str) -> RunDirectory:
    return RunDirectory.locate(Path("runs"), "tiny", "inter", name)


def printed(document: str) -> str:
    """The first Python example of a document that defines a class."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    return next(block for block in blocks if "class MyModel" in block)


def test_the_example_of_the_readme_runs_as_it_is_printed(generate, tmp_path, tiny):
    file = write(tmp_path / "mymodel.py", printed("README.md") + NETWORK)
    done = generate("mymodel.py:MyModel")
    assert (done.status, done.out.splitlines()[-1]) == (0, "runs/tiny/inter/mymodel: 4 of 4 generated")
    model = run_of("mymodel").read_run().model
    assert isinstance(model, OwnModelRecord)
    assert (model.name, model.kind, model.source_sha256) == ("mymodel", "model", file_sha256(file))


def test_the_example_of_the_models_page_runs_as_it_is_printed(generate, tmp_path):
    write(tmp_path / "mymodel.py", printed("docs/models.md"))
    done = generate("mymodel.py:MyModel", "--option", "steps=50")
    assert (done.status, done.out.splitlines()[-1]) == (0, "runs/tiny/inter/mymodel: 4 of 4 generated")
    assert run_of("mymodel").read_run().model.options == {"steps": 50}


@pytest.mark.parametrize(
    "address",
    ["mine.py:MyModel", "./mine.py:MyModel", "{absolute}/mine.py:MyModel", "mine:MyModel", "kit.mine:MyModel"],
)
def test_an_address_is_a_path_or_a_module(generate, tmp_path, address):
    for place in ("mine.py", "kit/mine.py"):
        file = write(tmp_path / place)
    done = generate(address.format(absolute=tmp_path))
    assert (done.status, done.out.splitlines()[-1]) == (0, "runs/tiny/inter/MyModel: 4 of 4 generated")
    assert run_of("MyModel").read_run().model.source_sha256 == file_sha256(file)


def test_a_path_may_hold_blanks_and_colons(generate, tmp_path):
    write(tmp_path / "d: my models" / "my model.py")
    assert generate("d: my models/my model.py:MyModel").status == 0
    assert [folder.name for folder in (tmp_path / "runs" / "tiny" / "inter").iterdir()] == ["MyModel"]


def test_a_run_name_names_the_run(generate, tmp_path):
    write(tmp_path / "mine.py")
    assert generate("mine.py:MyModel", "--run-name", "first").status == 0
    assert run_of("first").read_run().counts.generated == 4


def test_a_registered_name_that_no_folder_may_have_is_made_safe(generate, tmp_path):
    text = HUM.format(name="MyModel", pitch=200).replace("class", "@register_model('lab/mine:2')\nclass")
    write(tmp_path / "mine.py", f"from baselines import register_model\n{text}")
    assert generate("mine.py:MyModel").status == 0
    assert run_of("lab-mine-2").read_run().model.name == "lab/mine:2"


def test_a_run_goes_on_with_the_same_code_and_not_with_changed_code(generate, tmp_path):
    file = write(tmp_path / "mine.py")
    assert generate("mine.py:MyModel", "--limit", 2).status == 0
    assert generate("mine.py:MyModel").status == 0
    assert run_of("MyModel").read_run().counts.generated == 4
    write(file, pitch=300.0)
    refused = generate("mine.py:MyModel")
    assert refused.status == 2
    assert "answers of MyModel made with another version of its file; pass --fresh" in refused.message
    assert generate("mine.py:MyModel", "--fresh").status == 0
    assert run_of("MyModel").read_run().model.source_sha256 == file_sha256(file)
    changed = generate("mine.py:MyModel", "--seed", 1)
    assert "with seed 0, not 1; pass --fresh" in changed.message


def test_the_device_and_options_reach_a_constructor_that_takes_them(generate, tmp_path):
    text = HUM.format(name="MyModel", pitch=200) + (
        "    def __init__(self, pitch=200, *, device='cpu'):\n        self.notes = [f'{pitch} on {device}']\n"
    )
    write(tmp_path / "mine.py", text)
    assert generate("mine.py:MyModel", "--device", "cuda:7", "--option", "pitch=3").status == 0
    assert run_of("MyModel").read_run().model.notes == ["3 on cuda:7"]
    refused = generate("mine.py:MyModel", "--option", "pich=3")
    assert refused.message == "model 'MyModel' has no option 'pich'; it has: pitch, device"
    write(tmp_path / "plain.py")
    assert generate("plain.py:MyModel", "--device", "cuda:7", "--run-name", "plain").status == 0


def test_a_model_imports_what_lies_next_to_its_file(generate, tmp_path):
    write(tmp_path / "far" / "pitches.py", "LOW = 50.0")
    write(tmp_path / "far" / "mine.py", "from pitches import LOW\n" + HUM.format(name="MyModel", pitch="LOW"))
    assert generate("far/mine.py:MyModel").status == 0


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mien.py:MyModel", "mien.py: no such file; did you mean mine.py?"),
        ("there/x.py:MyModel", "there/x.py: no such file"),
        ("mine.py:MyModle", "mine.py: no class 'MyModle'; did you mean MyModel or OurModel?"),
        ("mine.py:Deaf", "mine.py: Deaf is not a model: it has no method `generate`; a model has `sample_rate` (Hz) "),
        ("mine.py:helper", "mine.py: helper is not a model: it is a function, expected a class"),
        ("mine.py", "unknown model 'mine.py'; name the class too, as in mine.py:MyModel"),
        ("mine.py:", "unknown model 'mine.py:'; expected a name of list-models, path/to/file.py:Class or package."),
        ("nowhere:MyModel", "nowhere: no module 'nowhere'; expected path/to/file.py:Class or package.module:Class"),
        ("mine.deeper:MyModel", "mine.deeper: no module 'mine.deeper'; expected "),
        ("broken.py:MyModel", "{here}/broken.py:2: ModuleNotFoundError: No module named 'absent_network'"),
        ("broken:MyModel", "{here}/broken.py:2: ModuleNotFoundError: No module named 'absent_network'"),
        ("unfinished.py:MyModel", "{here}/unfinished.py:2: SyntaxError: "),
        ("leaving.py:MyModel", "{here}/leaving.py:1: SystemExit: 3"),
        ("mine.py:oracle", "mine.py:oracle: 'oracle' is the name of a registered model; rename the class, or name it"),
        ("mine.py:Breaking", "{here}/mine.py:14: RuntimeError: no network here"),
        ("mine.py:Mute", "model 'mine.py:Mute': 'mine:Mute' is not a generator; it has no `sample_rate`"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_nothing_is_written(generate, tmp_path, address, message):
    others = (
        "class OurModel(MyModel):\n    def __init__(self): pass\n"
        "class Breaking(MyModel):\n    def __init__(self): raise RuntimeError('no network\\n here')\n"
        "class oracle(MyModel): pass\nclass Deaf: pass\ndef helper(): pass\n"
        "class Mute:\n    def generate(self, request): pass\n"
    )
    write(tmp_path / "mine.py", HUM.format(name="MyModel", pitch=200) + others)
    write(tmp_path / "broken.py", "import sys\nimport absent_network\n")
    write(tmp_path / "unfinished.py", "class MyModel:\n    def (\n")
    write(tmp_path / "leaving.py", "raise SystemExit(3)\n")
    done = generate(address)
    assert done.status == 2
    assert done.message.startswith(message.format(here=tmp_path))
    assert not (tmp_path / "runs").exists()


def test_two_models_of_one_name_are_refused_before_either_runs(command, tiny, tmp_path):
    write(tmp_path / "one.py")
    write(tmp_path / "two.py", pitch=300.0)
    done = command("eval", "--model", "one.py:MyModel", "--model", "two.py:MyModel", "--benchmark", tiny.path)
    assert done.message.startswith("--model: one.py:MyModel and two.py:MyModel are both called 'MyModel'; run each")
    assert not (tmp_path / "results").exists()


def test_one_file_in_two_spellings_is_one_model(command, tiny, tmp_path):
    write(tmp_path / "one.py")
    done = command("eval", "--model", "one.py:MyModel", "--model", "./one.py:MyModel", "--benchmark", tiny.path)
    assert done.message == "--model: one.py:MyModel and ./one.py:MyModel are the same model; name it once"


def test_eval_shows_an_own_model_next_to_a_control(command, tiny, tmp_path):
    write(tmp_path / "mine.py")
    where = ("--benchmark", tiny.path, "--subset", "inter", "--profile", "signal", "--workers", 0, "--resamples", 50)
    done = command("eval", "--model", "silence", "--model", "mine.py:MyModel", *where)
    assert (done.status, done.err) == (0, "")
    assert {line.split()[0] for line in done.out.splitlines() if "4/4" in line} == {"silence", "MyModel"}
    run = RunDirectory.locate(Path("results/runs"), "tiny", "inter", "MyModel")
    assert run.read_metrics().model == run.read_run().model
    silent = RunDirectory.locate(Path("results/runs"), "tiny", "inter", "silence")
    assert "source_sha256" not in silent.run_json.read_text()


def test_generate_one_takes_an_own_model_and_checks_its_answer(command, tiny, tmp_path):
    write(tmp_path / "mine.py", HUM.format(name="MyModel", pitch=200) + (
        "class Short(MyModel):\n    def generate(self, request): return super().generate(request)[:-9]\n"
    ))  # fmt: skip
    video = next((tiny.path / "inter" / "video").iterdir())
    asked = ("--video", video, "--prompt", "bell", "--duration", 2, "--device", "cpu", "--out", "x.wav")
    done = command("generate-one", "--model", "mine.py:MyModel", *asked)
    assert (done.status, done.out) == (0, "x.wav: 2.00 s at 16000 Hz\n")
    done = command("generate-one", "--model", "mine.py:Short", *asked)
    assert done.message == "the answer has 31991 samples, expected 32000 (2 s at 16000 Hz)"


def test_the_doctor_tells_file_class_and_options(command, tmp_path):
    file = write(tmp_path / "mine.py")
    done = command("doctor", "--model", "mine.py:MyModel")
    assert done.status == 0
    expected = f"ok       class: mine:MyModel in {file}, sha256 {file_sha256(file)}; options: none"
    assert done.out.splitlines()[0] == expected
    assert command("doctor", "--model", "mien.py:MyModel").message.startswith("mien.py: no such file")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("    @abc.abstractmethod\n    def network(self): ...", "it is abstract: network not defined"),
        ("    def __init__(self, *, size): ...", "it needs the option 'size'"),
        ("    def __init__(self, size, /): ...", "its constructor takes 'size' by position alone"),
    ],
)
def test_the_doctor_finds_what_keeps_a_class_from_running(command, tmp_path, lines, problem):
    text = HUM.format(name="MyModel", pitch=200).replace("class MyModel", "import abc\nclass MyModel(abc.ABC)")
    file = write(tmp_path / "mine.py", f"{text}{lines}\n")
    done = command("doctor", "--model", "mine.py:MyModel")
    assert done.status == 2
    assert done.out.splitlines()[0] == f"missing  class: mine:MyModel in {file}: {problem}"
    assert done.out.splitlines()[1].startswith("         -> ")


def test_the_doctor_is_content_with_an_option_that_is_given_and_a_rate_that_the_constructor_sets(command, tmp_path):
    text = HUM.format(name="MyModel", pitch=200).replace("    sample_rate = 16_000", "")
    write(tmp_path / "mine.py", f"{text}    def __init__(self, *, rate): self.sample_rate = rate\n")
    done = command("doctor", "--model", "mine.py:MyModel", "--option", "rate=16000")
    assert (done.status, done.out.split()[:2]) == (0, ["ok", "class:"])


def test_what_a_model_file_prints_stays_out_of_the_doctor_s_json(command, tmp_path):
    write(tmp_path / "mine.py", "print('hello')\n" + HUM.format(name="MyModel", pitch=200))
    done = command("doctor", "--model", "mine.py:MyModel", "--json")
    assert json.loads(done.out)[0]["what"] == "class"
    assert done.err == "hello\n"


def test_a_name_that_is_a_file_s_is_answered_with_its_address(command, tmp_path):
    write(tmp_path / "mymodel.py")
    for words in (("generate", "mymodel"), ("doctor", "--model", "mymodel")):
        assert command(*words).message == "unknown model 'mymodel'; for a class in mymodel.py: mymodel.py:CLASS"


def test_the_list_of_models_says_that_own_ones_need_no_row(command):
    assert "--model mymodel.py:MyModel" in command("list-models").err


def test_a_real_process_runs_an_own_model(tiny, tmp_path):
    write(tmp_path / "mine.py")
    words = ["generate", "mine.py:MyModel", "--benchmark", str(tiny.path), "--subset", "inter", "--limit", "1"]
    done = subprocess.run([sys.executable, "-m", "benchmark", *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "results" / "runs" / "tiny" / "inter" / "MyModel" / "run.json").is_file()
