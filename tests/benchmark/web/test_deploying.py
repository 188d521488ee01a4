"""The server behind a reverse proxy with TLS, as `docs/deploy` has it, with Debian's nginx and Caddy."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import Request
from starlette.responses import FileResponse

from benchmark.web.frame import new_app
from benchmark.web.serving import serve

PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin"
DEPLOY = Path(__file__).resolve().parents[3] / "docs" / "deploy"
NAME = "study.example.org"


def free_port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """Port of a server of ours that says what it is told of a request, and has a file."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "clip.mp4").write_bytes(bytes(range(256)) * 4096)
    app = new_app("benchmark.web.study")

    @app.api_route("/told", methods=["GET", "POST"])
    def told(request: Request) -> dict[str, str | None]:
        client = request.client.host if request.client else None
        return {"host": request.url.netloc, "scheme": request.url.scheme, "client": client}

    @app.get("/clip")
    def clip() -> FileResponse:
        return FileResponse(folder / "clip.mp4")

    @app.get("/admin")
    def admin() -> str:
        return "for the machine itself"

    servers, ports, ready = [], [], threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        run = uvicorn.Server.run
        patch.setattr(uvicorn.Server, "run", lambda server, sockets: (servers.append(server), run(server, sockets)))

        def started(address):
            ports.append(int(address.rpartition(":")[2]))
            ready.set()

        options = {"host": "127.0.0.1", "port": 0, "started": started}
        thread = threading.Thread(target=serve, args=(app, folder), kwargs=options)
        thread.start()
        assert ready.wait(30)
        yield ports[0]
        servers[0].should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext",
         f"subjectAltName=DNS:{NAME}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


@contextlib.contextmanager
def running(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended: {process.stderr.read()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def nginx(folder, upstream, certificate):
    """Return the command that runs the documented site with ports and files of the test, and its TLS port."""
    port, plain = free_port(), free_port()
    site = (DEPLOY / "nginx.conf").read_text()
    for documented, used in {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "    listen [::]:443 ssl http2;\n": "",
        "    listen [::]:80;\n": "",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{certificate}/cert.pem",
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{certificate}/key.pem",
        "127.0.0.1:8321;\n": f"127.0.0.1:{upstream};\n",
    }.items():
        assert documented in site
        site = site.replace(documented, used)
    kinds = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = f"daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ {kinds} {site} }}"
    (folder / "nginx.conf").write_text(main)
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")], port


def caddy(folder, upstream, certificate):
    port = free_port()
    site = (DEPLOY / "Caddyfile").read_text()
    for documented, used in {
        f"\n{NAME} {{\n": f"\n{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate}/cert.pem {certificate}/key.pem\n",
        "reverse_proxy 127.0.0.1:8321": f"reverse_proxy 127.0.0.1:{upstream}",
    }.items():
        assert documented in site
        site = site.replace(documented, used)
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], port


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def outside(request, upstream, certificate, tmp_path_factory):
    """Asks the server as a browser outside does: by its name, over TLS."""
    name = request.param.__name__
    program = shutil.which(name, path=PROGRAMS)
    if program is None:
        pytest.skip(f"no {name} on PATH (Debian: apt-get install {'nginx-light' if name == 'nginx' else name})")
    command, port = request.param(tmp_path_factory.mktemp(name), upstream, certificate)
    trust = ssl.create_default_context(cafile=certificate / "cert.pem")
    with running([program, *command], port), httpx.Client(verify=trust, timeout=20) as client:

        def ask(method, path, **options):
            headers = {"Host": NAME, **options.pop("headers", {})}
            extensions = {"sni_hostname": NAME}
            return client.request(
                method, f"https://127.0.0.1:{port}{path}", headers=headers, extensions=extensions, **options
            )

        yield ask


def test_the_server_is_told_name_scheme_and_client(outside):
    assert outside("GET", "/told").json() == {"host": NAME, "scheme": "https", "client": "127.0.0.1"}


def test_what_a_client_claims_of_its_address_is_dropped(outside):
    claimed = {"X-Forwarded-For": "203.0.113.9"}
    assert outside("GET", "/told", headers=claimed).json()["client"] == "127.0.0.1"


def test_our_own_pages_may_post_and_others_may_not(outside):
    assert outside("POST", "/told", headers={"Origin": f"https://{NAME}"}).status_code == 200
    assert outside("POST", "/told", headers={"Origin": "https://evil.example"}).status_code == 403


def test_parts_of_a_clip_and_the_policy_pass_through(outside):
    part = outside("GET", "/clip", headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, bytes(range(256)))
    assert "script-src 'self'" in part.headers["content-security-policy"]


def test_large_bodies_are_refused(outside):
    assert outside("POST", "/told", content=b"x" * 200_000).status_code == 413


def test_the_admin_page_is_not_there(outside, upstream):
    assert outside("GET", "/admin").status_code == 404
    assert outside("GET", "/admin/status").status_code == 404
    assert httpx.get(f"http://127.0.0.1:{upstream}/admin").status_code == 200
