"""Missing clips: politely, resumably, each failure with its reason. Nothing here touches the network."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from foundation import media
from foundation.files import WriteFailed
from vgg_monoaudio.collecting import download
from vgg_monoaudio.collecting.download import (
    Failure,
    FetchFailed,
    MissingDownloader,
    WriteStopped,
    download_clips,
    failure_counts,
    kind_of,
    with_yt_dlp,
    yt_dlp_options,
)

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    frames = [np.full((32, 32, 3), value, np.uint8) for value in range(5)]
    media.write_video(path, frames, fps=5, waveform=np.zeros(16_000, np.float32))
    return path.read_bytes()


class Site:
    """Answers with a film, or with a refusal; remembers who asked."""

    def __init__(self, film: bytes, refusals: dict[str, str] | None = None) -> None:
        self.film, self.refusals = film, refusals or {}
        self.asked: list[str] = []
        self.pauses: list[float] = []

    def fetch(self, clip: str, path: Path) -> None:
        self.asked.append(clip)
        if clip in self.refusals:
            path.with_name(f"{path.stem}.f137.mp4").write_bytes(b"half")
            raise FetchFailed(self.refusals[clip])
        path.write_bytes(self.film)

    def ask(self, clips: set[str], out: Path, **options: Any) -> download.Download:
        return download_clips(clips, out, fetch=self.fetch, sleep=self.pauses.append, **options)


def test_every_missing_clip_is_fetched_with_a_pause_between_two(tmp_path, film):
    site = Site(film)
    got = site.ask({HARP, DOG, CAR}, tmp_path, pause_seconds=7)
    assert site.asked == [DOG, CAR, HARP]
    assert site.pauses == [7, 7]
    assert got.clips == {clip: tmp_path / f"{clip}.mp4" for clip in (DOG, CAR, HARP)}
    assert not got.failures
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{clip}.mp4" for clip in (DOG, CAR, HARP))


def test_what_is_there_is_not_fetched_again_whatever_its_layout(tmp_path, film):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "aaaaaaaaaaa_10_20.mp4").write_bytes(film)
    site = Site(film)
    got = site.ask({DOG, CAR}, tmp_path)
    assert site.asked == [CAR]
    assert got.clips[DOG] == tmp_path / "test" / "aaaaaaaaaaa_10_20.mp4"


def test_a_failure_is_named_with_its_reason_and_the_others_go_on(tmp_path, film):
    site = Site(film, {CAR: "Private video. Sign in if you've been granted access to this video"})
    got = site.ask({DOG, CAR, HARP}, tmp_path)
    assert set(got.clips) == {DOG, HARP}
    assert got.failures == (Failure(CAR, "private", site.refusals[CAR]),)
    assert (tmp_path / "failures.csv").read_text().splitlines() == [
        "clip_id,kind,reason",
        f"{CAR},private,{site.refusals[CAR]}",
    ]
    assert not list(tmp_path.glob(".*"))  # neither half files nor what the downloader left


def test_what_failed_for_good_is_not_asked_again_and_still_named(tmp_path, film):
    site = Site(film, {CAR: "Video unavailable", HARP: "The read operation timed out"})
    site.ask({DOG, CAR, HARP}, tmp_path)
    site.asked.clear()
    got = site.ask({DOG, CAR, HARP}, tmp_path)
    assert site.asked == [HARP]  # a lost connection may come back
    assert [(failure.clip_id, failure.kind) for failure in got.failures] == [(CAR, "removed"), (HARP, "network")]
    site.asked.clear()
    site.refusals.clear()
    assert not site.ask({DOG, CAR, HARP}, tmp_path, retry=True).failures
    assert site.asked == [CAR, HARP]


def test_when_the_site_asks_to_slow_down_the_rest_is_left_for_later(tmp_path, film):
    site = Site(film, {CAR: "HTTP Error 429: Too Many Requests"})
    got = site.ask({DOG, CAR, HARP}, tmp_path)
    assert site.asked == [DOG, CAR]
    assert got.not_tried == (HARP,)
    assert [failure.kind for failure in got.failures] == ["throttled"]
    site.refusals.clear()
    assert set(site.ask({DOG, CAR, HARP}, tmp_path).clips) == {DOG, CAR, HARP}


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        pytest.param(b"<html>", "broken", "", id="no film"),
        pytest.param(None, "other", "left no file", id="nothing written"),
    ],
)
def test_an_answer_that_is_no_clip_does_not_count(tmp_path, content, kind, reason):
    def fetch(clip: str, path: Path) -> None:
        if content is not None:
            path.write_bytes(content)

    got = download_clips([DOG], tmp_path, fetch=fetch, sleep=lambda seconds: None)
    assert not got.clips
    assert got.failures[0].kind == kind
    assert reason in got.failures[0].reason
    assert [path.name for path in tmp_path.iterdir()] == ["failures.csv"]


def test_a_film_without_sound_does_not_count(tmp_path):
    def fetch(clip: str, path: Path) -> None:
        media.write_video(path, [np.zeros((32, 32, 3), np.uint8)] * 3, fps=5)

    got = download_clips([DOG], tmp_path, fetch=fetch)
    assert [(failure.kind, failure.reason) for failure in got.failures] == [("broken", "no audio stream")]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Private video. Sign in if you've been granted access", "private"),
        ("Video unavailable. This video is private", "private"),
        ("Video unavailable", "removed"),
        ("This video has been removed by the uploader", "removed"),
        ("Video unavailable. This video is no longer available because the account has been terminated", "removed"),
        ("The uploader has not made this video available in your country", "region"),
        ("Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
        ("Join this channel to get access to members-only content", "members"),
        ("Video unavailable. This video contains content from X, who has blocked it on copyright grounds", "rights"),
        ("This video has been removed for violating YouTube's Terms of Service", "rights"),
        ("Unable to download webpage: HTTP Error 429: Too Many Requests", "throttled"),
        ("Sign in to confirm you’re not a bot. Use --cookies", "throttled"),
        ("Unable to download webpage: HTTP Error 503: Service Unavailable", "network"),
        ("[Errno -3] Temporary failure in name resolution", "network"),
        ("Requested format is not clear to us", "other"),
    ],
)
def test_the_reason_is_understood(said, kind):
    assert kind_of(said) == kind


def test_counts_of_failures_come_most_first():
    failures = [Failure(DOG, "private", ""), Failure(CAR, "removed", ""), Failure(HARP, "removed", "")]
    assert list(failure_counts(failures).items()) == [("removed", 2), ("private", 1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"wanted": ["dog"]}, "clip id: expected 11 characters", id="id"),
        pytest.param({"wanted": [DOG], "pause_seconds": -1}, "pause_seconds: expected 0 or more, got -1", id="pause"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        download_clips(out=tmp_path, fetch=lambda clip, path: None, **arguments)


def test_a_failure_log_of_another_form_is_refused(tmp_path):
    (tmp_path / "failures.csv").write_text(f"clip_id,kind,reason\n{DOG},lost,because\n")
    with pytest.raises(ValueError, match=r"failures\.csv:2: expected clip_id,kind,reason"):
        download_clips([DOG], tmp_path, fetch=lambda clip, path: None)


def test_without_yt_dlp_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(download, "find_spec", lambda name: None)
    with pytest.raises(MissingDownloader, match=r"pip install .*\[download\]'"):
        with_yt_dlp()


@pytest.fixture
def yt_dlp(monkeypatch, film) -> Any:
    """A made-up yt_dlp with the few names that are used; `sessions` holds the options of each session."""

    class YoutubeDLError(Exception):
        pass

    class YoutubeDL:
        def __init__(self, options: dict[str, Any]) -> None:
            module.sessions.append(options)
            self.options = options

        def __enter__(self) -> "YoutubeDL":
            return self

        def __exit__(self, *problem: object) -> None:
            pass

        def download(self, urls: list[str]) -> None:
            module.urls += urls
            if module.refusal:
                raise YoutubeDLError(module.refusal)
            Path(self.options["outtmpl"]["default"].replace("%%", "%")).write_bytes(film)

    module: Any = ModuleType("yt_dlp")
    utils: Any = ModuleType("yt_dlp.utils")
    utils.YoutubeDLError = YoutubeDLError
    utils.download_range_func = lambda chapters, ranges: ("sections", ranges)
    module.utils, module.YoutubeDL = utils, YoutubeDL
    module.sessions, module.urls, module.refusal = [], [], ""
    monkeypatch.setitem(sys.modules, "yt_dlp", module)
    monkeypatch.setitem(sys.modules, "yt_dlp.utils", utils)
    monkeypatch.setattr(download, "find_spec", lambda name: object())
    return module


def test_yt_dlp_is_asked_for_the_ten_seconds_of_the_clip(tmp_path, yt_dlp):
    folder = tmp_path / "100% clips"
    got = download_clips([CAR], folder)
    assert got.clips == {CAR: folder / f"{CAR}.mp4"}
    assert yt_dlp.urls == ["https://www.youtube.com/watch?v=bbbbbbbbb-b"]
    (options,) = yt_dlp.sessions
    assert options["download_ranges"] == ("sections", [(20, 30)])
    assert options["force_keyframes_at_cuts"]
    assert options["sleep_interval_requests"] >= 1


def test_what_yt_dlp_says_becomes_the_reason_on_one_line(tmp_path, yt_dlp):
    yt_dlp.refusal = "\x1b[0;31mERROR:\x1b[0m [youtube] bbbbbbbbb-b: Private video.\nSign in"
    got = download_clips([CAR], tmp_path)
    assert got.failures == (Failure(CAR, "private", "Private video. Sign in"),)


def test_yt_dlp_options_keep_it_quiet(yt_dlp, tmp_path):
    options = yt_dlp_options(3, tmp_path / "x.mp4")
    assert options["quiet"]
    assert options["noprogress"]
    assert options["logger"].error("x") is None


@pytest.mark.parametrize("reason", ["unable to write data: [Errno 13] Permission denied", "Too many open files"])
def test_what_the_machine_cannot_do_is_no_failure_of_a_clip(tmp_path, film, reason):
    site = Site(film, {DOG: reason})
    with pytest.raises(WriteStopped, match=rf"{DOG}\.mp4: (Permission denied|Too many open files); the same command"):
        site.ask({DOG, CAR}, tmp_path)
    assert not (tmp_path / "failures.csv").exists()
    assert site.asked == [DOG]


def test_a_full_disk_stops_the_download_and_leaves_no_half_row(tmp_path, film, monkeypatch):
    site = Site(film, {DOG: "private video", CAR: "private video"})
    site.ask({DOG}, tmp_path)
    before = (tmp_path / "failures.csv").read_bytes()

    def full(row):
        with (tmp_path / "failures.csv").open("ab") as file:
            file.write(b"half a r")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download, "astuple", full)
        with pytest.raises(WriteFailed, match=r"failures\.csv: cannot be written: No space left on device"):
            site.ask({CAR}, tmp_path)
    assert (tmp_path / "failures.csv").read_bytes() == before
    site.ask({CAR}, tmp_path)
    assert (tmp_path / "failures.csv").read_text().count("private") == 4  # kind and reason of both
