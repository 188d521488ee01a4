"""Annotations for tests: real ones where they are at hand, and a writer of small ones."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def real_annotations() -> Path:
    """Folder with VGGSound's real test list; tests that need it skip where it is absent."""
    sibling = Path(__file__).resolve().parents[3] / "shared" / "annotations"
    folder = Path(os.environ.get("VGG_MONOAUDIO_TEST_ANNOTATIONS", sibling))
    if not folder.is_dir():
        pytest.skip(f"no annotations at {folder} (set VGG_MONOAUDIO_TEST_ANNOTATIONS)")
    return folder


@pytest.fixture(scope="session")
def vggsounder() -> Any:
    """VGGSounder 1.0's labels; tests that need them skip without the extra `curation`, or with another version."""
    if find_spec("vggsounder") is None:
        pytest.skip("the package vggsounder is not installed (extra: curation)")
    from vgg_monoaudio.selection.screening import load_vggsounder

    labels = load_vggsounder()
    if labels.version != "1.0":
        pytest.skip(f"the numbers are those of VGGSounder 1.0; version {labels.version} is installed")
    return labels


@pytest.fixture(scope="session")
def screened(vggsounder: Any) -> pd.DataFrame:
    from vgg_monoaudio.selection.screening import screen

    return screen(vggsounder)


Event = tuple[float, float, str]


@pytest.fixture
def write_unav100(tmp_path: Path) -> Callable[[Mapping[str, Sequence[Event]]], Path]:
    """A writer of files in UnAV-100's exact form, from youtube id to events (start, end, label)."""

    def write(videos: Mapping[str, Sequence[Event]], *, duration: float = 60.0) -> Path:
        labels = sorted({label for events in videos.values() for *_, label in events})
        database = {
            youtube_id: {
                "subset": ("train", "validation", "test")[place % 3],
                "duration": duration,
                "annotations": [
                    {"segment": [start, end], "label": label, "label_id": labels.index(label)}
                    for start, end, label in events
                ],
            }
            for place, (youtube_id, events) in enumerate(videos.items())
        }
        path = tmp_path / "unav100_annotations.json"
        path.write_text(json.dumps({"database": database}, indent=1))
        return path

    return write
