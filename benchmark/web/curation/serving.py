"""Serving the curation page: one server over one file of decisions, from afar only with the link."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmark.web.curation.app import create_app
from benchmark.web.curation.names import check_spelling, checked_name
from benchmark.web.curation.site import Asked, Site, page_folder
from benchmark.web.serving import held, is_loopback, own_names, serve


def serve_curation(
    asked: Asked, *, host: str, port: int, tell: Callable[[str], None], started: Callable[[str], None]
) -> None:
    """Serve until asked to end.

    Args:
        asked: which clips and decisions.
        host: address to listen on; where others than this machine reach it, they need the link with the secret.
        port: 0: any that is free.
        tell: called with what is to be known of the files, a line each.
        started: called with the address when requests are taken.

    A start that is refused leaves nothing behind.

    Raises:
        ValueError: a table, list, name or place of decisions that cannot be used, or a default name where others than
            this machine come in.
        benchmark.web.serving.CannotServe: another server has the file of decisions, or the port is taken.
    """
    by_link = not is_loopback(host)
    if asked.reviewer is not None:
        if by_link:
            raise ValueError(f"--reviewer: several may come in at {host}, so the page asks each for a name")
        asked = replace(asked, reviewer=checked_name(asked.reviewer))
    asked = replace(asked, by_link=by_link)
    _check_place(asked.decisions)
    folder = page_folder(asked.decisions)
    with held(asked.decisions), _leaving_nothing(folder) as keep, contextlib.closing(Site(asked)) as site:
        if asked.reviewer is not None:
            check_spelling(asked.reviewer, site.reviewers())
        for line in told(site):
            tell(line)

        def begun(address: str) -> None:
            keep()
            threading.Thread(target=site.clips.look_into_all, name="look into clips", daemon=True).start()
            started(f"{address}{site.access.link}")

        hosts = () if by_link else own_names(host)
        serve(create_app(site, hosts=hosts), folder, host=host, port=port, started=begun)


def _check_place(decisions: Path) -> None:
    if decisions.is_dir():
        raise ValueError(f"--decisions {decisions}: a folder; expected a file, such as {decisions / 'curation.csv'}")
    if not decisions.resolve().parent.is_dir():
        raise ValueError(f"--decisions {decisions}: no folder {decisions.resolve().parent}; make it first")


@contextlib.contextmanager
def _leaving_nothing(folder: Path) -> Iterator[Callable[[], None]]:
    """Remove a folder that was made in the block, unless what is yielded was called: then somebody may decide."""
    keeps = [folder.exists()]
    try:
        yield lambda: keeps.append(True)
    finally:
        if not any(keeps):
            shutil.rmtree(folder, ignore_errors=True)


def told(site: Site) -> list[str]:
    """Return what is to be known of the files when a server begins: what was taken in, and what was written again."""
    lines = []
    for rows in (site.decisions, site.pair_decisions):
        if rows.met.added:
            lines.append(f"{rows.path}: {rows.met.added} decisions taken in")
        if rows.met.restored:
            lines.append(
                f"{rows.path}: {rows.met.restored} decisions that it lacked were acknowledged by the page, and are "
                "written again"
            )
        if rows.met.removed:
            lines.append(
                f"{rows.path}: {rows.met.removed} decisions were taken out or changed by hand, and count no more"
            )
    if site.taken_in:
        lines.append(f"{site.decisions.path}: {site.taken_in} decisions added by --import")
    standing = site.desk.standing()
    if standing.missing:
        lines.append(
            f"{standing.missing} of {standing.missing + standing.clips} clips cannot be shown; the page says why"
        )
    return lines
