"""Starting a server: one at a time over one folder, on this machine alone unless asked otherwise."""

from __future__ import annotations

import errno
import ipaddress
import math
import os
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from benchmark.exits import EndedAsAsked
from foundation.holders import Seen
from foundation.locks import Lock, Refusing

MOST_CONNECTIONS = 1_000  # at once; more are told to come back
_ENDING_SECONDS = 5  # for requests under way when the server is asked to end


class CannotServe(Exception):
    """Another server has the folder, or another program the port."""


def serve(
    app: FastAPI, folder: Path, *, host: str, port: int, started: Callable[[str], None], proxies: str = "127.0.0.1"
) -> None:
    """Serve until asked to end.

    Args:
        app: what answers.
        folder: held as long as the server runs, so that two servers never write one study.
        host: address to listen on.
        port: 0: any that is free.
        started: called when requests are taken, with the address, such as "http://127.0.0.1:8321"; by the machine's
            name where it listens on all of its addresses.
        proxies: addresses whose word on where a request comes from is believed, commas between them.

    Raises:
        CannotServe: another server has the folder, or the port is taken or forbidden.
        benchmark.exits.EndedAsAsked: it was asked to end, by Ctrl-C or a signal, and has.
    """
    with held(folder), _bound(host, port) as listening:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, proxy_headers=True,
            forwarded_allow_ips=proxies, limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=30,
            timeout_graceful_shutdown=_ENDING_SECONDS, lifespan="on",
        )  # fmt: skip
        server = uvicorn.Server(config)
        number = listening.getsockname()[1]
        try:
            started(f"http://{_reached(host)}:{number}")
            server.run(sockets=[listening])
        except KeyboardInterrupt as asked:
            raise EndedAsAsked(f"{folder}: stopped; the same command serves it again") from asked


def held(subject: Path) -> Lock:
    """Return a lock on a file or folder of a server, which is refused and not waited for where another has it.

    Raises:
        CannotServe: when it is entered, another server has it.
    """

    def refusal(seen: Seen) -> CannotServe:
        return CannotServe(f"{subject}: {seen} serves it already; one server at a time")

    return Lock(subject, sleep=Refusing(subject, refusal), tells_after=math.inf)  # the refusal itself says it


def own_names(host: str) -> frozenset[str]:
    """Return the names by which programs of this machine ask a server that listens on `host`."""
    here = frozenset({"127.0.0.1", "::1", "localhost"})
    return here if listens_everywhere(host) else here | {host.lower()}


def listens_everywhere(host: str) -> bool:
    """Tell whether `host` stands for every address of this machine."""
    return host in ("0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Tell whether only programs of this machine reach a server that listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
        mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1, as a socket of both families names a client
        return (mapped or address).is_loopback
    except ValueError:
        return host == "localhost"


def _reached(host: str) -> str:
    if listens_everywhere(host):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio sends small answers at once (TCP_NODELAY) where a socket says that it is TCP's;
    # without that each waits 40 ms for the other side's acknowledgement.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(2048)
    except OSError as error:
        made.close()
        known = {errno.EADDRINUSE: "another program listens there; pass another --port"}
        raise CannotServe(f"{host}:{port}: {known.get(error.errno or 0, os.strerror(error.errno or 0))}") from error
    return made
