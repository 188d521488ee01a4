"""The program that does with PyAV's libraries what the suite asks of ffmpeg."""

import re
import resource
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from foundation import media
from foundation.media.ffmpeg_words import Filter, Input, parse, parse_filters
from foundation.media.pyav_program import command_words

ENCODERS = ["-vcodec", "libx264", "-acodec", "aac"]


def run(*arguments, **options):
    command = [*command_words(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_a_command_line_is_read_as_ffmpeg_reads_it():
    words = ["-v", "error", "-f", "lavfi", "-i", "sine", "-threads", "1", "-i", "a b.mp4", "-filter_complex"]
    words += ["[1:0]fps=25[s0];[s0]trim=end_frame=5[s1]", "-map", "[s1]", "-crf", "18", "out.mp4", "-nostdin", "-y"]
    found = parse(words)
    assert found.inputs == [Input("sine", "lavfi"), Input("a b.mp4")]
    assert found.filters == [
        Filter("fps", "25", ("[1:0]",), ("[s0]",)),
        Filter("trim", "end_frame=5", ("[s0]",), ("[s1]",)),
    ]
    assert (found.maps, found.options, found.output) == (["[s1]"], {"-crf": "18"}, "out.mp4")


def test_of_two_levels_of_escapes_the_graph_takes_the_outer_one():
    (found,) = parse_filters(r"[0:1]pan=args=mono|c0\\=0.5*c0\,1[a]")
    assert found.options == r"args=mono|c0\=0.5*c0,1"


def test_a_comma_joins_two_filters():
    first, second = parse_filters(r"scale=min(8\,iw):-2,format=yuv420p")
    assert first.gives == second.takes
    assert (first.options, second.options) == ("min(8,iw):-2", "format=yuv420p".partition("=")[2])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-i", "a.mp4", "-shortest", "1", "out.mp4"], "-shortest: not an option of an output that is known here"),
        (["-ss", "1", "-i", "a.mp4", "out.mp4"], "-ss: not an option of an input that is known here"),
        (["-i", "a.mp4"], "expected inputs, then an output"),
        (["-i", "a.mp4", "one.mp4", "two.mp4"], "expected one output, got one.mp4 and two.mp4"),
        (["-i"], "-i: expected a value"),
    ],
)
def test_what_it_does_not_know_is_an_error_and_not_passed_over(words, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(words)


def test_streams_are_copied_at_their_times(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=1, sound=film.noise(1, seed=1))
    done = run(
        "-i",
        clip,
        "-map",
        "0:0",
        "-map",
        "0:1",
        "-vf",
        r"scale=min(32\,iw):-2,format=yuv420p",
        *ENCODERS,
        tmp_path / "o.mp4",
    )
    assert (done.returncode, done.stderr) == (0, "")
    was, found = media.probe(clip), media.probe(tmp_path / "o.mp4")
    assert (found.video.width, found.video.frames) == (32, was.video.frames)
    assert found.audio.sample_rate == was.audio.sample_rate
    with av.open(tmp_path / "o.mp4") as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(was.video.frames) / was.video.frames_per_second, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-i", "absent.mp4", *ENCODERS, "out.mp4"], "absent.mp4: No such file or directory"),
        (["-i", "text.mp4", *ENCODERS, "out.mp4"], "text.mp4: Invalid data found when processing input"),
        (["-i", "clip.mp4", "-map", "0:7", *ENCODERS, "out.mp4"], "0:7: no such stream or label"),
        (["-i", "clip.mp4", *ENCODERS, "absent/out.mp4"], "absent/out.mp4: No such file or directory"),
    ],
)
def test_what_is_wrong_is_its_last_line_and_the_status_is_1(film, tmp_path, arguments, told):
    film.write(tmp_path / "clip.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    (tmp_path / "text.mp4").write_text("no film" * 99)
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, told)


def test_a_disk_that_takes_no_more_is_told_as_ffmpeg_tells_it(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=2, sound=film.noise(2, seed=1))
    done = run(
        "-i",
        clip,
        *ENCODERS,
        tmp_path / "o.mp4",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)),
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    if Path("/dev/full").exists():
        assert "No space left on device" in run("-i", clip, "-f", "mp4", *ENCODERS, "/dev/full").stderr


def test_folders_in_the_working_directory_shadow_nothing(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    for name in ("av", "foundation", "numpy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    assert run("-i", clip, *ENCODERS, "out.mp4", cwd=tmp_path).returncode == 0


def test_every_frame_comes_where_the_sound_stands_first(film, tmp_path):
    """The last frames leave the decoder when the file has ended."""
    clip = film.write(tmp_path / "clip.mp4", seconds=1, sound=film.noise(1, seed=1))
    turned = tmp_path / "turned.mp4"
    ffmpeg = [media.ffmpeg_executable(), "-v", "error", "-i", clip, "-map", "0:1", "-map", "0:0", "-c", "copy", turned]
    subprocess.run(ffmpeg, check=True)
    assert media.probe(turned).audio.index == 0
    done = run("-i", turned, *ENCODERS, tmp_path / "o.mp4")
    assert (done.returncode, done.stderr) == (0, "")
    assert media.probe(tmp_path / "o.mp4").video.frames == media.probe(clip).video.frames
