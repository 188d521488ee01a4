"""Shell completion: what bash and zsh are offered, without torch; the script that asks for it, and where it goes."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.argv[0] = "vgg-monoaudio"
import atexit
atexit.register(lambda: print("torch" in sys.modules, file=sys.stderr))
from benchmark.cli import main
main()
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Run the installed command's program in an empty home."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*words, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def offered(program):
    """What a shell is offered for the last word of a line."""

    def ask(line):
        words = line.split(" ")
        done = program(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _VGG_MONOAUDIO_COMPLETE="complete_bash")
        assert (done.returncode, done.stderr) == (0, "False\n"), done.stderr  # no torch
        return done.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vgg-monoaudio eva", ["evaluate", "eval"]),
        ("vgg-monoaudio generate mixt", ["mixture"]),
        ("vgg-monoaudio eval --model orac", ["oracle"]),
        ("vgg-monoaudio eval --profile ", ["paper", "open", "signal"]),
        ("vgg-monoaudio eval --subset int", ["inter", "intra"]),
        ("vgg-monoaudio eval --precision ", ["exact", "fast"]),
        ("vgg-monoaudio eval --device c", ["cpu", "cuda"]),
        ("vgg-monoaudio eval --metrics fad,kl_", ["fad,kl_passt"]),
        ("vgg-monoaudio weights dfn", ["dfn5b-clip"]),
        ("vgg-monoaudio build --fit st", ["stretch"]),
    ],
)
def test_bash_is_offered_what_fits(offered, line, words):
    assert sorted(offered(line)) == sorted(words)


def test_zsh_is_offered_what_fits(program):
    line = "vgg-monoaudio eval --profile pa"
    done = program(_TYPER_COMPLETE_ARGS=line, _VGG_MONOAUDIO_COMPLETE="complete_zsh")
    assert "paper" in done.stdout
    assert "signal" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_of_a_shell_names_the_command_and_is_installed_where_it_looks(program, tmp_path, shell):
    detection = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = program("--show-completion", shell, **detection).stdout
    assert f"_VGG_MONOAUDIO_COMPLETE=complete_{shell}" in script
    done = program("--install-completion", shell, **detection)
    assert done.returncode == 0
    where = {"bash": ".bash_completions/vgg-monoaudio.sh", "zsh": ".zfunc/_vgg-monoaudio"}[shell]
    assert (tmp_path / where).read_text().strip() == script.strip()


def test_completion_of_a_program_of_several_words_is_refused_with_the_way_out():
    command = [sys.executable, "-m", "benchmark", "--show-completion"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == (
        "error: --show-completion: shells complete the command vgg-monoaudio; give: vgg-monoaudio --show-completion\n"
    )
