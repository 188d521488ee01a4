"""The page as a process: the address that admits, and nothing left of it at the end."""

import http.cookiejar
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmark.web.trying.serving import opened

ROOT = Path(__file__).parents[4]


def test_the_folder_is_its_owners_alone_and_gone_when_the_page_has_ended(open_site, tiny):
    from benchmark.web.trying.models import Models

    with opened(Models({"reading": {}}), tiny.benchmark, at_most_seconds=8.0) as site:
        assert site.folder.stat().st_mode & 0o077 == 0
        (site.folder / "films" / "left.mp4").write_bytes(b"x")
    assert not site.folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_the_link_and_the_tunnel_and_ends_clean(environment, tiny, tmp_path, number):
    words = [sys.executable, "-m", "benchmark", "try", "--model", "humming", "--benchmark", str(tiny.path)]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**environment, "PYTHONPATH": f"{environment['PYTHONPATH']}:{ROOT}", "TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        assert process.stdout.readline().startswith("benchmark: tiny ")
        address = process.stdout.readline().strip()
        port = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?key=[0-9a-f]{64}", address)[1]
        assert process.stdout.readline().startswith(f"from another machine, first: ssh -L {port}:127.0.0.1:{port} ")
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        with urllib.request.build_opener(jar).open(address, timeout=20) as page:
            assert 'value="humming"' in page.read().decode()
        assert [folder.name.startswith("vgg-monoaudio-try-") for folder in temporary.iterdir()] == [True]
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "stopped; the films that were sent and all answers are removed" in said
    assert "Traceback" not in said
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert list(temporary.iterdir()) == []
