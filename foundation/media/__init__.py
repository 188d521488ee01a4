"""The one place that decodes and encodes audio and video.

Conventions:
    Audio is float32, full scale 1 (lossy codecs may overshoot it), in the order the stream stores it; encoder
    priming that the container declares is already cut; the end may carry up to a packet (1,024 samples of AAC) of the
    encoder's padding. Files are never padded: a short file gives a short array or an error, never invented samples.
    Video frames are chosen by presentation time with the rule of ffmpeg's fps filter (its default rounding): slot k
    of a stream at `fps` shows the last frame whose time x fps, rounded half up, does not exceed k. Time counts from
    the first frame. 25 fps material read at 25 fps gives frame k for slot k; so does every tool of the field that
    reads through ffmpeg.
    Every file is written under a temporary name in its own folder and renamed when complete.
"""

from foundation.files import PathLike, remove_partials, replacing
from foundation.media.encoding import Subtype, mux, write_audio, write_video
from foundation.media.frames import FrameRequest, read_video, read_video_streams
from foundation.media.opening import TRUNCATION_TOLERANCE_SECONDS, MediaError, ffmpeg_executable
from foundation.media.probing import (
    AudioInfo,
    MediaInfo,
    VideoInfo,
    keeps_more_than_16_bits,
    picture_seconds,
    probe,
)
from foundation.media.scale import scale_fault
from foundation.media.sound import Audio, read_audio, read_audio_native, resample

__all__ = [
    "TRUNCATION_TOLERANCE_SECONDS",
    "Audio",
    "AudioInfo",
    "FrameRequest",
    "MediaError",
    "MediaInfo",
    "PathLike",
    "Subtype",
    "VideoInfo",
    "ffmpeg_executable",
    "keeps_more_than_16_bits",
    "mux",
    "picture_seconds",
    "probe",
    "read_audio",
    "read_audio_native",
    "read_video",
    "read_video_streams",
    "remove_partials",
    "replacing",
    "resample",
    "scale_fault",
    "write_audio",
    "write_video",
]
