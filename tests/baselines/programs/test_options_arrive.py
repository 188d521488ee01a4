"""What an adapter is given reaches its program: seeds, negative prompts, masks without loss; and what is verified."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soundfile

from baselines.programs.http_endpoint import HttpEndpoint
from baselines.programs.json_lines import JsonLines
from baselines.programs.outputs import read_output, read_sound
from baselines.programs.program import Installation, Program, ProgramFile, commit_of
from baselines.programs.rewas import PROGRAM as REWAS
from baselines.programs.rewas import ReWaS
from baselines.programs.settings import read_settings
from baselines.programs.vos_mmaudio import VosMMAudio
from foundation import media
from foundation.checkpoints import CHECKPOINTS, Checkpoint, WrongCheckpoint

TALKER = Path(__file__).parents[2] / "support" / "programs" / "talker.py"


@pytest.mark.parametrize("seed", [0, 7])
def test_rewas_draws_from_the_seed_that_it_is_given(checkout_of, ask, seed):
    checkout = checkout_of(REWAS)
    model = ReWaS(**checkout.settings(), seed=seed)
    model.generate(ask(duration=2.0))
    assert checkout.noted("parsed")[0]["seed"] == seed
    assert model.notes[-1] == f"every segment is drawn from the program's seed {seed}"


def test_a_negative_prompt_reaches_a_program_of_json_lines(ask, tmp_path):
    env = {"MOOD": "", "AT": "", "NOTES": str(tmp_path)}
    model = JsonLines(command=[sys.executable, TALKER], env=env, log=tmp_path / "log", time_limit_seconds=60)
    try:
        model.generate(replace(ask(duration=0.5), negative_prompt="rain, wind"))
    finally:
        model.close()
    asked = json.loads((tmp_path / "lines").read_text())
    assert (asked["prompt"], asked["negative_prompt"]) == ("bell", "rain, wind")


def test_a_negative_prompt_reaches_a_service(ask, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    soundfile.write(tmp_path / "answer.wav", np.zeros(8000, np.float32), 16_000)
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "audio/wav")
            self.end_headers()
            self.wfile.write((tmp_path / "answer.wav").read_bytes())

        def log_message(self, *_args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        HttpEndpoint(endpoint=address).generate(replace(ask(duration=0.5), negative_prompt="rain, wind"))
        thread.join()
    assert (bodies[0]["prompt"], bodies[0]["negative_prompt"]) == ("bell", "rain, wind")


def test_the_masked_video_is_written_without_loss(ask, tmp_path):
    """Noise without colour: a lossy encoder changes it, and yuv420 does not."""
    noise = np.random.default_rng(0).integers(16, 236, (10, 48, 64, 1), dtype=np.uint8)
    request = ask(duration=0.4, picture=lambda k: np.ascontiguousarray(np.broadcast_to(noise[k % 10], (48, 64, 3))))
    shown = []

    class Everything:
        weights, notes = {}, ()

        def masks(self, frames, prompt):
            shown.append(frames)
            return np.ones((len(frames), *frames.shape[2:]), np.bool_)

    class Listener:
        sample_rate = 16_000

        def generate(self, request):
            shown.append(media.read_video(request.video, fps=25))
            return np.zeros(round(request.duration * 16_000), np.float32)

    VosMMAudio(segmenter=Everything(), generator=Listener(), work_dir=tmp_path, log=tmp_path / "log").generate(request)
    given, heard = (frames.astype(int) for frames in shown)
    assert given.std() > 30
    assert np.abs(given - heard).max() <= 2  # rounding from RGB to luma and back


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_channels_of_an_answer_are_averaged_not_dropped(tmp_path, channels):
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (400, channels)).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", sound, 8_000, subtype="FLOAT")
    whole = read_output(tmp_path / "x.wav", sample_rate=8_000, samples=400)
    np.testing.assert_allclose(whole, sound.mean(axis=1), atol=1e-6)
    cut, rate = read_sound(tmp_path / "x.wav", 0.02)
    np.testing.assert_allclose(cut, sound[:160].mean(axis=1), atol=1e-6)
    assert rate == 8_000


def program(name: str) -> Program:
    files = (ProgramFile("ckpts/net.pt", name, "--net"),)
    return Program("p", "https://example.org/p", "abc1234", "https://example.org", "run.py", (), files)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
@pytest.mark.parametrize("place", ["the checkout", "the weights folder"])
def test_a_checkout_with_another_checkpoint_is_refused_by_name(checkout_of, monkeypatch, tmp_path, kind, place):
    published = {kind: hashlib.new(kind, b"as published", usedforsecurity=False).hexdigest()}
    row = Checkpoint("toy", "toy.pth", "https://example.org/toy.pth", "MIT", 12, **published)
    monkeypatch.setitem(CHECKPOINTS, "toy", row)
    checkout = checkout_of(program("toy"))
    path = checkout.folder / "ckpts" / "net.pt"
    if place == "the weights folder":
        path.unlink()
        path = tmp_path / "weights" / "toy.pth"
        path.parent.mkdir()
    path.write_bytes(b"another one!")
    with pytest.raises(WrongCheckpoint) as refused:
        Installation(program("toy"), read_settings("p", **checkout.settings()))
    assert str(refused.value) == f'p: {path} is not the published "toy"'
    path.write_bytes(b"as published")
    assert Installation(program("toy"), read_settings("p", **checkout.settings())).weights["toy"].verified


def test_a_checkout_that_was_changed_is_not_recorded_as_its_commit(checkout_of):
    made = checkout_of(replace(program("toy"), files=()))

    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *words], cwd=made.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "run.py")
    git("commit", "--quiet", "--message", "as published")
    commit = git("rev-parse", "HEAD")
    known = replace(program("toy"), files=(), revision=commit[:7])

    def note() -> str:
        return Installation(known, read_settings("p", **made.settings())).notes[0]

    assert commit_of(made.folder) == commit
    assert note() == f"https://example.org/p @ {commit[:7]}"
    (made.folder / "run.py").write_text("print('changed')\n")
    assert commit_of(made.folder) == f"{commit}-dirty"
    assert note() == f"https://example.org/p @ {commit}-dirty (the adapter was written against {commit[:7]})"
