"""Ten clips and the tables about them, a site over them, and a server that answers on loopback."""

import csv
import os
import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from support.chromium import Comer, browser
from support.decisions import decision
from support.servers import answering

from benchmark.web.curation.app import create_app
from benchmark.web.curation.site import Asked, Site
from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
from vgg_monoaudio.selection.decisions import append_decisions
from vgg_monoaudio.selection.queue import SCREENED_COLUMNS
from vgg_monoaudio.taxonomy import category_of, spelling

__all__ = ["browser"]

# VGGSound's class, UnAV-100's; the third and the seventh differ.
LABELS = [
    ("dog barking", "dog barking"),
    ("sheep bleating", "sheep bleating"),
    ("car passing by", "driving buses"),
    ("police car (siren)", "police car siren"),
    ("playing harp", "playing harp"),
    ("playing accordion", "playing accordion"),
    ("baby laughter", "baby babbling"),
    ("baby laughter", "baby laughter"),
    ("dog barking", "dog barking"),
    ("sheep bleating", "sheep bleating"),
]
REAL = ["3qesirWAGt4_000020", "0B4dYTMsgHA_000130", "F8Zt3mYlOqU_000094"]  # where the folder of real clips is there


@pytest.fixture(scope="session")
def ten_clips(film, tmp_path_factory):
    """A folder of ten clips of 10 s, small, each each with its sound; where real ones are, they are the first."""
    folder = tmp_path_factory.mktemp("ten-clips")
    sibling = Path(__file__).resolve().parents[5] / "shared" / "media"
    real = Path(os.environ.get("VGG_MONOAUDIO_TEST_MEDIA", sibling))
    for place in range(10):
        path = folder / f"{CLIP_IDS[place]}.mp4"
        if place < len(REAL) and (real / f"{REAL[place]}.mp4").is_file():
            shutil.copy(real / f"{REAL[place]}.mp4", path)
            continue
        seconds = np.arange(160_000) / 16_000
        sound = film.noise(10, seed=place, level=0.08) * (0.3 + np.abs(np.sin(seconds * (0.7 + place / 5)))) ** 3
        film.write(path, seconds=10, fps=10, size=(36, 64), sound=sound.astype(np.float32))
    return folder


CLIP_IDS = [*REAL, *(f"clip{place:07d}_{place * 10:06d}" for place in range(3, 10))]


@pytest.fixture(scope="session")
def candidates(tmp_path_factory):
    """What `candidates` writes about the ten clips."""
    rows = []
    for clip, (vggsound, unav100) in zip(CLIP_IDS, LABELS, strict=True):
        rows.append({
            "clip_id": clip, "youtube_id": clip[:11], "start_seconds": int(clip[12:]), "vggsound": vggsound,
            "unav100": unav100, "label": "", "category": "", "labels_differ": vggsound != unav100,
        })  # fmt: skip
    return write_table(tmp_path_factory.mktemp("tables") / "candidates.csv", list(CANDIDATE_COLUMNS), rows)


@pytest.fixture(scope="session")
def screened(tmp_path_factory):
    """What `screen` writes about them: the second is not proposed."""
    labels = ["dog barking", "sheep bleating", "car passing by"]
    rows = [
        {
            "clip_id": clip, "label": label, "category": category_of(label), "single_source": label != "sheep bleating",
            "visible": True, "label_matches": True, "proposed": label != "sheep bleating", "other_sounds": "",
            "silent_objects": "", "evidence": f"VGGSounder 1.0: {spelling(label, 'vggsound')} <audible> & visible",
        }
        for clip, label in zip(CLIP_IDS, labels, strict=False)
    ]  # fmt: skip
    return write_table(tmp_path_factory.mktemp("tables") / "screened.csv", list(SCREENED_COLUMNS), rows)


def write_table(path, columns, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture
def asked(ten_clips, candidates, screened, tmp_path):
    """What `curate serve` is asked for, in an empty folder."""
    return Asked(candidates, ten_clips, tmp_path / "curation.csv", screened=screened)


@pytest.fixture
def opened():
    """Open sites whose clock ticks a second at every decision; closed at the end."""
    sites = []

    def open_site(asked):
        ticks = count()
        sites.append(Site(asked, now=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=next(ticks))))
        return sites[-1]

    yield open_site
    for site in sites:
        site.close()


@pytest.fixture
def site(asked, opened):
    return opened(asked)


@pytest.fixture
def served(site):
    with answering(create_app(site)) as address:
        yield address


@pytest.fixture
def clips(candidates):
    return [row.partition(",")[0] for row in candidates.read_text().splitlines()[1:]]


@pytest.fixture
def comes(browser):
    """Somebody comes to the page with a browser of their own, and says a name.

    Asked for behind `served`, so that browsers leave before the server does.
    """
    comer = Comer(browser)

    def come(address, name, *, known=False, **how):
        page = comer(address, **how)
        page.wait_for_selector("#name:focus")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        if known:
            page.wait_for_selector("#question:focus")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        return page

    yield come
    comer.close()


@pytest.fixture
def accepted(asked, clips):
    """Bob accepted two dogs and two sheep, which make eight pairs."""
    made = [
        decision(clips[place], "Bob", label=label)
        for place, label in ((0, "dog barking"), (1, "sheep bleating"), (8, "dog barking"), (9, "sheep bleating"))
    ]
    append_decisions(asked.decisions, made)
