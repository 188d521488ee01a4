"""A FLAC is whole or refused: every block's checksum, no block missing, the count of samples and their MD5."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from foundation import media
from foundation.media import MediaError
from foundation.media.flac import block_number, parse_stream_info

LENGTH = 24_000
COUNT_AT, MD5_AT = slice(21, 26), slice(26, 42)  # in the file: "fLaC", 4 bytes of block header, STREAMINFO


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


@pytest.fixture
def whole(film, tmp_path) -> Path:
    """A film's worth of noise in six blocks."""
    media.write_audio(tmp_path / "whole.flac", film.noise(1.5, seed=1), 16_000)
    return tmp_path / "whole.flac"


def blocks(path: Path) -> tuple[bytes, list[bytes]]:
    """What stands before the first block, and every block."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    content = path.read_bytes()
    return content[: packets[0][0]], [content[at : at + size] for at, size in packets]


def unsigned(head: bytes) -> bytes:
    """The head of a writer that could not go back: neither how many samples there are nor their MD5."""
    return head[:21] + bytes([head[21] & 0xF0]) + bytes(4) + bytes(16) + head[42:]


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize(("subtype", "bits"), [("PCM_S8", 8), ("PCM_16", 16), ("PCM_24", 24)])
def test_whole_files_of_every_depth_are_read(tmp_path, channels, subtype, bits):
    steps = np.random.default_rng(bits).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (LENGTH, channels))
    stored = steps / 2 ** (bits - 1)
    soundfile.write(tmp_path / "a.flac", stored, 16_000, subtype=subtype)
    np.testing.assert_array_equal(media.read_audio_native(tmp_path / "a.flac").samples, stored.T.astype(np.float32))


@pytest.mark.parametrize("options", [["-sample_fmt", "s32", "-strict", "-2"], ["-bits_per_raw_sample", "20"], []])
def test_whole_files_of_another_writer_are_read(tmp_path, options):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(1).uniform(-1, 1, LENGTH), 16_000, subtype="PCM_32")
    ffmpeg("-i", tmp_path / "a.wav", *options, tmp_path / "a.flac")
    info = parse_stream_info((tmp_path / "a.flac").read_bytes()[8:42])
    assert info is not None
    assert info.samples == LENGTH
    assert any(info.md5)
    assert media.read_audio_native(tmp_path / "a.flac").samples.shape == (1, LENGTH)


def test_a_bit_that_fell_over_is_noticed_wherever_it_is(whole, tmp_path):
    content = whole.read_bytes()
    start = len(blocks(whole)[0])
    for at in np.random.default_rng(2).integers(start, len(content), 60):
        changed = bytearray(content)
        changed[at] ^= 1 << (at % 8)
        (tmp_path / "changed.flac").write_bytes(changed)
        with pytest.raises(MediaError, match=r"changed\.flac: (damaged|truncated|cannot be decoded)"):
            media.read_audio_native(tmp_path / "changed.flac")


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 1, 3, 4, 5], id="one missing"),
        pytest.param([0, 1, 2, 2, 3, 4, 5], id="one twice"),
        pytest.param([0, 2, 1, 3, 4, 5], id="two exchanged"),
    ],
)
def test_blocks_that_do_not_follow_one_another_are_noticed(whole, tmp_path, order, signed):
    head, parts = blocks(whole)
    assert len(parts) == 6
    head = head if signed else unsigned(head)
    (tmp_path / "odd.flac").write_bytes(head + b"".join(parts[k] for k in order))
    with pytest.raises(MediaError, match=r"odd\.flac: damaged: FLAC block \d is missing, \d follows"):
        media.read_audio_native(tmp_path / "odd.flac")


def test_a_last_block_that_is_missing_is_noticed(whole, tmp_path):
    head, parts = blocks(whole)
    (tmp_path / "short.flac").write_bytes(head + b"".join(parts[:-1]))
    with pytest.raises(MediaError, match=rf"short\.flac: .*{20_480} of the {LENGTH} samples"):
        media.read_audio_native(tmp_path / "short.flac")


def test_another_md5_is_noticed(whole, tmp_path):
    content = bytearray(whole.read_bytes())
    content[MD5_AT] = bytes(range(16))
    (tmp_path / "other.flac").write_bytes(content)
    with pytest.raises(MediaError, match=r"other\.flac: damaged: .*MD5"):
        media.read_audio_native(tmp_path / "other.flac")


def test_a_file_without_count_and_md5_is_read(whole, tmp_path):
    head, parts = blocks(whole)
    (tmp_path / "streamed.flac").write_bytes(unsigned(head) + b"".join(parts))
    streamed = media.read_audio_native(tmp_path / "streamed.flac")
    np.testing.assert_array_equal(streamed.samples, media.read_audio_native(whole).samples)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ogg"])
def test_in_other_containers_a_part_is_read_and_damage_refused(whole, tmp_path, name):
    ffmpeg("-i", whole, "-c", "copy", tmp_path / name)
    np.testing.assert_array_equal(
        media.read_audio_native(tmp_path / name).samples, media.read_audio_native(whole).samples
    )
    ffmpeg("-t", "0.5", "-i", whole, "-c", "copy", tmp_path / f"part_{name}")  # its first block speaks of the whole
    assert media.read_audio_native(tmp_path / f"part_{name}").samples.shape[1] < LENGTH
    if name != "a.ogg":  # whose pages have checksums too: ffmpeg drops such a page, and with it its time
        content = bytearray((tmp_path / name).read_bytes())
        at = content.index(blocks(whole)[1][3][20:40])
        content[at] ^= 1
        (tmp_path / f"changed_{name}").write_bytes(content)
        with pytest.raises(MediaError, match="damaged: its flac sound cannot be decoded"):
            media.read_audio_native(tmp_path / f"changed_{name}")


@pytest.mark.parametrize("name", ["a.wv", "a.tta"])
def test_other_codecs_with_checksums_are_held_to_them(whole, tmp_path, name):
    ffmpeg("-i", whole, tmp_path / name)
    np.testing.assert_array_equal(
        media.read_audio_native(tmp_path / name).samples, media.read_audio_native(whole).samples
    )
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (tmp_path / f"changed_{name}").write_bytes(content)
    with pytest.raises(MediaError, match="damaged: "):
        media.read_audio_native(tmp_path / f"changed_{name}")


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "00"), (127, "7f"), (128, "c280"), (0x7FF, "dfbf"), (0x800, "e0a080"), (0xFFFF, "efbfbf"),
        (0x10000, "f0908080"), (2**31 - 1, "fdbfbfbfbfbf"), (2**36 - 1, "febfbfbfbfbfbf"),
    ],
)  # fmt: skip
def test_numbers_of_blocks_are_read_in_every_length(number, written):
    assert block_number(bytes.fromhex("fff8c918" + written + "aa")) == number


@pytest.mark.parametrize(
    "content", ["", "fff8c918", "fff8c91880", "fff8c918ff", "fff8c918c2", "fff8c918c2c2", "00" * 9]
)
def test_what_is_no_header_of_a_block_has_no_number(content):
    assert block_number(bytes.fromhex(content)) is None


def test_blocks_that_are_missing_are_noticed_in_every_container_and_joined_files_are_read(whole, tmp_path):
    ffmpeg("-i", whole, "-c", "copy", "-bsf:a", "noise=drop='eq(n,2)'", tmp_path / "a.mka")
    with pytest.raises(MediaError, match=r"a\.mka: damaged: FLAC block 2 is missing, 3 follows"):
        media.read_audio_native(tmp_path / "a.mka")
    (tmp_path / "list.txt").write_text(f"file '{whole}'\nfile '{whole}'\n")
    ffmpeg("-f", "concat", "-safe", 0, "-i", tmp_path / "list.txt", "-c", "copy", tmp_path / "joined.mka")
    assert media.read_audio_native(tmp_path / "joined.mka").samples.shape == (1, 2 * LENGTH)
